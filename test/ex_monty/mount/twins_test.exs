defmodule ExMonty.Mount.TwinsTest do
  use ExUnit.Case, async: true

  # A function that ends in ! gives what the other one gives, and raises where that one gives an error.

  alias ExMonty.{Error, Mount}
  alias ExMonty.Test.HostDirectory

  setup do
    host = HostDirectory.create!(%{"a" => "text"})
    files = %{"a" => "text", "d/b" => "1"}
    mounts = Mount.new!([{"/m", :memory, files: files}, {"/o", host, :overlay}])
    other = Mount.new!([{"/x", :memory}])

    {:ok, mounts: mounts, other: other, host: host}
  end

  # Arguments with which each function succeeds, and with which it fails, and with what.
  defp twins(%{mounts: mounts, other: other, host: host}) do
    released = Mount.checkout!(other)
    Mount.release(released)
    {held, fork} = {Mount.new!(), Mount.fork!(mounts)}
    dump = Mount.dump!(mounts)
    tar = Mount.export_tar!(mounts, "/m")

    [
      new: {[[{"/n", :memory}]], [[{"n", :memory}]], :invalid_virtual_path},
      new: {[], [[{"/n", "/no/such/host", :overlay}]], :host_path_not_found},
      add: {[mounts, "/n", :memory], [mounts, "/m", :memory], :already_mounted},
      add: {[mounts, "/p", host, :read_only], [mounts, "/q", host, :rw], :invalid_mode},
      add: {[mounts, "/r", host, :overlay, []], [mounts, "/s", host, :read_write, []], :overlaps},
      remove: {[mounts, "/n"], [mounts, "/n"], :not_mounted},
      checkout: {[Mount.new!()], [held], :mount_in_use},
      checkout: {[Mount.new!(), {:wait, 0}], [held, {:wait, :shared, 0}], :mount_in_use},
      read: {[mounts, "/m/a"], [mounts, "/m/no"], :enoent},
      write: {[mounts, "/m/c", "1"], [mounts, "/m", "1"], :eisdir},
      append: {[mounts, "/m/c", "1"], [mounts, "/m/d", "1"], :eisdir},
      ls: {[mounts, "/m"], [mounts, "/m/a"], :enotdir},
      stat: {[mounts, "/"], [mounts, "/no"], :enoent},
      mkdir_p: {[mounts, "/m/e/f"], [mounts, "/m/a"], :eexist},
      rm: {[mounts, "/m/c"], [mounts, "/m/d"], :eisdir},
      rename: {[mounts, "/m/e", "/m/g"], [mounts, "/m/a", "/o/b"], :exdev},
      walk: {[mounts, "/m"], [mounts, "/m/a"], :enotdir},
      glob: {[mounts, "/m/*"], [released, "/m/*"], :lease_released},
      rm_rf: {[mounts, "/m/g"], [mounts, "/m"], :eacces},
      snapshot: {[mounts], [released], :lease_released},
      fork: {[mounts], [released], :lease_released},
      restore: {[fork, Mount.snapshot!(fork)], [other, Mount.snapshot!(fork)], :not_restorable},
      changes: {[mounts], [released], :lease_released},
      changes: {[mounts, Mount.snapshot!(mounts)], [released, Mount.snapshot!(mounts)], :lease_released},
      diff: {[mounts, "/m"], [mounts, "no/path"], :einval},
      commit: {[mounts, "/o"], [mounts, "/m"], :not_committable},
      commit: {[mounts, "/o", [dry_run: true]], [mounts, "/no", []], :not_mounted},
      discard: {[mounts, "/o"], [mounts, "/m"], :not_committable},
      dump: {[mounts], [released], :lease_released},
      dump: {[mounts, [key: "k"]], [released, [key: "k"]], :lease_released},
      load: {[Mount.dump!(other)], [dump], :host_missing},
      load:
        {[dump, [hosts: %{"/o" => host}]], [dump, [max_size: 10, hosts: %{"/o" => host}]], :dump_too_large},
      export_tar: {[mounts, "/m"], [mounts, "/no/x"], :enoent},
      import_tar: {[mounts, "/m/t", tar], [mounts, "/m", "no tar"], :invalid_tar}
    ]
    |> then(&{&1, Mount.checkout!(held)})
  end

  test "of every function that has one", context do
    {twins, lease} = twins(context)

    with_twin =
      for {name, arity} <- Mount.__info__(:functions),
          name = Atom.to_string(name),
          String.ends_with?(name, "!") do
        {name |> String.trim_trailing("!") |> String.to_existing_atom(), arity}
      end

    tried =
      for {name, {succeeding, failing, _}} <- twins, args <- [succeeding, failing], do: {name, length(args)}

    assert with_twin -- tried == []

    for {name, {succeeding, failing, reason}} <- twins do
      case apply(Mount, :"#{name}!", succeeding) do
        :ok ->
          assert name in [:write, :append, :mkdir_p, :rm, :rename, :rm_rf, :restore, :discard, :import_tar]

        value ->
          refute match?({:ok, _}, value) or match?({:error, _}, value), "#{name}"
      end

      error = assert_raise Error, fn -> apply(Mount, :"#{name}!", failing) end
      assert {name, error.reason} == {name, reason}
      assert error.message =~ ~r/^[a-z].*\w/
    end

    Mount.release(lease)
  end
end
