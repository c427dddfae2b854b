defmodule ExMonty.Mount.HistoryTest do
  use ExUnit.Case, async: true

  alias ExMonty.Mount
  alias ExMonty.Mount.{Change, CommitReport}
  alias ExMonty.Test.HostDirectory

  defp memory, do: Mount.new!([{"/m", :memory, files: %{"a" => "1", "d/b" => "22"}}])

  defp overlay(files \\ %{"a" => "1", "d/b" => "22"}) do
    host = HostDirectory.create!(files)
    {Mount.new!([{"/o", host, :overlay}]), host}
  end

  test "changes name each entry once, with its kind, type and sizes" do
    mounts = memory()
    assert Mount.changes(mounts) == {:ok, []}
    Mount.write!(mounts, "/m/a", "1")
    assert Mount.changes(mounts) == {:ok, []}

    Mount.write!(mounts, "/m/a", "333")
    Mount.rm!(mounts, "/m/d/b")
    Mount.mkdir_p!(mounts, "/m/new")
    Mount.write!(mounts, "/m/new/x", "4444")

    assert Mount.changes!(mounts) == [
             %Change{path: "/m/a", kind: :modified, type: :regular, size: 3, previous_size: 1},
             %Change{path: "/m/d/b", kind: :deleted, type: :regular, size: nil, previous_size: 2},
             %Change{path: "/m/new", kind: :created, type: :directory},
             %Change{path: "/m/new/x", kind: :created, type: :regular, size: 4}
           ]

    snapshot = Mount.snapshot!(mounts)
    Mount.rm_rf!(mounts, "/m/new")
    assert [%{path: "/m/new", kind: :deleted}, %{path: "/m/new/x"}] = Mount.changes!(mounts, snapshot)
    assert Mount.changes!(Mount.fork!(mounts)) == []
  end

  test "a snapshot is put back, and refused where something else is mounted" do
    mounts = memory()
    snapshot = Mount.snapshot!(mounts)
    Mount.rm_rf!(mounts, "/m/d")
    assert Mount.restore!(mounts, snapshot) == :ok
    assert Mount.walk!(mounts, "/m") == ["/m/a", "/m/d", "/m/d/b"]
    assert Mount.restore(Mount.new!([{"/n", :memory}]), snapshot) == {:error, :not_restorable}

    host = HostDirectory.create!()
    written = Mount.new!([{"/w", host, :read_write}])
    assert Mount.restore(written, Mount.snapshot!(written)) == {:error, :not_restorable}
  end

  test "a snapshot is a source, read-only and under an overlay, and stays as it was" do
    snapshot = Mount.snapshot!(memory())
    mounts = Mount.new!([{"/r", snapshot, :read_only}, {"/o", snapshot, :overlay, max_bytes: 3}])
    assert Mount.read!(mounts, "/r/m/a") == "1"
    assert Mount.write(mounts, "/r/m/a", "") == {:error, :erofs}
    assert Mount.write(mounts, "/o/m/a", "222") == :ok
    assert Mount.write(mounts, "/o/m/c", "4") == {:error, :enospc}
    assert Mount.read!(mounts, "/r/m/a") == "1"
    assert Mount.add(mounts, "/w", snapshot, :read_write) == {:error, :invalid_mode}
    assert Mount.commit(mounts, "/o") == {:error, :not_committable}
    assert inspect(snapshot) == "#ExMonty.Mount.Snapshot<>"
    assert [%{mode: :read_only, host: nil}, %{mode: :overlay}] = Mount.list(mounts)
  end

  test "a commit writes, removes, skips, and leaves an overlay without changes" do
    {mounts, host} = overlay()
    Mount.write!(mounts, "/o/a", "new")
    Mount.rm_rf!(mounts, "/o/d")
    Mount.mkdir_p!(mounts, "/o/.git")
    Mount.write!(mounts, "/o/.git/hook", "#!")

    {:ok, plan} = Mount.commit(mounts, "/o", dry_run: true)
    assert File.read!(Path.join(host, "a")) == "1"
    assert {:ok, %CommitReport{} = report} = Mount.commit(mounts, "/o")
    assert plan == report
    assert {report.written, report.removed, report.pending} == {["/o/a"], ["/o/d"], []}
    assert [{"/o/.git" <> _, :dot_directory} | _] = report.skipped
    assert {File.read!(Path.join(host, "a")), File.exists?(Path.join(host, "d"))} == {"new", false}
    assert [%{path: "/o/.git"}, %{path: "/o/.git/hook"}] = Mount.changes!(mounts)

    assert %CommitReport{skipped: []} = Mount.commit!(mounts, "/o", include: [".git"])
    assert File.read!(Path.join(host, ".git/hook")) == "#!"
    assert Mount.changes!(mounts) == []
  end

  test "a commit takes what is selected" do
    {mounts, host} = overlay(%{})
    for name <- ~w(a.py b.py c.md), do: Mount.write!(mounts, "/o/" <> name, name)

    assert %{written: ["/o/a.py"], skipped: skipped} =
             Mount.commit!(mounts, "/o", only: ["*.py"], except: ["b*"])

    assert skipped == [{"/o/b.py", :not_selected}, {"/o/c.md", :not_selected}]
    assert File.ls!(host) == ["a.py"]
  end

  test "a commit over what the host changed is a conflict, and nothing is written" do
    {mounts, host} = overlay()
    Mount.write!(mounts, "/o/a", "script")
    Mount.write!(mounts, "/o/new", "script")
    File.write!(Path.join(host, "a"), "host was here")
    assert Mount.commit(mounts, "/o") == {:error, {:conflict, [{"/o/a", :drifted}]}}
    refute File.exists?(Path.join(host, "new"))
    error = assert_raise ExMonty.Error, fn -> Mount.commit!(mounts, "/o") end
    assert {error.reason, error.message =~ "/o/a"} == {:conflict, true}
    assert Mount.discard(mounts, "/o") == :ok
    assert {Mount.read!(mounts, "/o/a"), Mount.changes!(mounts)} == {"host was here", []}
  end

  test "what cannot be committed says so" do
    mounts = memory()
    assert Mount.commit(mounts, "/m") == {:error, :not_committable}
    assert Mount.discard(mounts, "/m") == {:error, :not_committable}
    assert Mount.commit(mounts, "/none") == {:error, {:not_mounted, "/none"}}

    assert_raise ArgumentError, ~r/:only: glob '\[': a class/, fn ->
      Mount.commit(mounts, "/m", only: ["["])
    end

    assert_raise ArgumentError, ~r/:except/, fn -> Mount.commit(mounts, "/m", except: "*") end
    assert_raise ArgumentError, ~r/:dry_run/, fn -> Mount.commit(mounts, "/m", dry_run: nil) end
    assert_raise ArgumentError, ~r/unknown option :force/, fn -> Mount.commit(mounts, "/m", force: true) end
  end

  test "while an exclusive lease is out, states can be seen and not changed, except through the lease" do
    {mounts, _host} = overlay()
    Mount.write!(mounts, "/o/a", "new")
    snapshot = Mount.snapshot!(mounts)
    tar = Mount.export_tar!(mounts, "/o/d")
    lease = Mount.checkout!(mounts)

    assert [%{path: "/o/a"}] = Mount.changes!(mounts)
    assert {:ok, _} = Mount.diff(mounts, "/o")
    assert {:ok, _} = Mount.snapshot(mounts)
    assert {:ok, fork} = Mount.fork(mounts)
    assert {:ok, _} = Mount.dump(mounts)
    assert {:ok, _} = Mount.export_tar(mounts, "/o")
    assert %{bytes: 3} = Mount.usage(mounts)
    assert [_] = Mount.list(mounts)
    assert Mount.write(fork, "/o/a", "fork") == :ok

    in_use = {:error, :mount_in_use}
    assert Mount.restore(mounts, snapshot) == in_use
    assert Mount.commit(mounts, "/o") == in_use
    assert Mount.discard(mounts, "/o") == in_use
    assert Mount.import_tar(mounts, "/o", tar) == in_use
    assert Mount.rm_rf(mounts, "/o/d") == in_use
    assert Mount.add(mounts, "/x", :memory) == in_use
    assert Mount.remove(mounts, "/o") == in_use

    assert Mount.restore(lease, snapshot) == :ok
    assert Mount.import_tar(lease, "/o/imported", tar) == :ok
    assert {:ok, %CommitReport{}} = Mount.commit(lease, "/o", dry_run: true)
    assert Mount.discard(lease, "/o") == :ok
    assert Mount.changes(lease) == {:ok, []}
    Mount.release(lease)

    released = {:error, :lease_released}

    for function <- [:snapshot, :fork, :changes, :dump],
        do: assert(apply(Mount, function, [lease]) == released)

    for function <- [:diff, :commit, :discard, :export_tar, :walk, :glob, :rm_rf],
        do: assert(apply(Mount, function, [lease, "/o"]) == released)

    assert Mount.restore(lease, snapshot) == released
    assert Mount.import_tar(lease, "/o", tar) == released
  end

  test "200 processes at once on forks of one table do not see each other" do
    mounts = memory()

    1..200
    |> Enum.map(fn number ->
      Task.async(fn ->
        fork = Mount.fork!(mounts)
        Mount.write!(fork, "/m/a", "#{number}")
        Mount.append!(fork, "/m/a", "!")
        assert [%{path: "/m/a"}] = Mount.changes!(fork)
        Mount.read!(fork, "/m/a")
      end)
    end)
    |> Task.await_many(:infinity)
    |> Enum.with_index(1)
    |> Enum.each(fn {read, number} -> assert read == "#{number}!" end)

    assert Mount.changes!(mounts) == []
  end
end
