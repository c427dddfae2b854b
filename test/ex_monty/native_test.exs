defmodule ExMonty.NativeTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Limits, Mount, Native}

  # Every function of the native library, with a wrong term in the place of each of its arguments. What comes back is an
  # exception, an error, or, where the term fits after all, a result; what the other arguments refer to can still be used.
  # Which terms exactly the functions on mounts refuse is in `mount/terms_test.exs`.

  @improper [1 | 2]
  @bits <<1::3>>
  @huge Bitwise.bsl(1, 100_000)
  @invalid <<0xFF, 0xFE>>
  @deep Enum.reduce(1..10_000, [], fn _, inner -> [inner] end)

  defp wrong do
    [
      nil,
      :nonsense,
      true,
      -1,
      1.5,
      @huge,
      -@huge,
      "",
      "text",
      @invalid,
      @bits,
      [],
      @improper,
      [self()],
      ["x" | "y"],
      @deep,
      {},
      {:ok, 1, 2, 3},
      {{}, {}},
      %{},
      %{self() => make_ref()},
      self(),
      make_ref(),
      fn -> :ok end,
      %URI{}
    ] ++ resources()
  end

  # References of the library that are of another kind than the one that is asked for.
  defp resources do
    mounts = Mount.new!([{"/w", :memory}])
    {:ok, lease} = Mount.checkout(mounts)
    [runner(), snapshot(), futures(), session(), mounts.ref, lease.ref, state(mounts.ref), feed(), overseer()]
  end

  defp table, do: Mount.new!([{"/w", :memory, files: %{"a" => "text"}}]).ref

  defp overlay, do: Mount.new!([{"/w", "lib", :overlay}]).ref

  defp lease do
    {:ok, lease} = Native.mount_checkout(table(), :exclusive)
    lease
  end

  defp state(table \\ table()) do
    {:ok, snapshot} = Native.mount_snapshot(table)
    snapshot
  end

  defp feed do
    {:ok, feed} = Native.mount_feed(table(), self())
    feed
  end

  defp overseer, do: Native.overseer_new(self(), 60_000)

  defp awaited do
    {:ok, lease} = Native.mount_wait(table(), :shared, make_ref())
    lease
  end

  defp runner(code \\ "f()") do
    {:ok, runner} = ExMonty.compile(code)
    runner
  end

  defp snapshot do
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner())
    snapshot
  end

  defp futures do
    {:ok, {:function_call, _, snapshot, _}} =
      ExMonty.start(runner("import asyncio\nawait asyncio.gather(f())"))

    {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(snapshot, :pending)
    futures
  end

  defp session, do: ExMonty.Session.new!().ref

  defp session_snapshot do
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.Session.start(ExMonty.Session.new!(), "f()")
    snapshot
  end

  defp limits, do: Limits.encode!(%{max_duration_secs: 500})
  defp policy, do: {nil, :system, {0, "UTC"}, nil, nil}

  defp body(dump), do: binary_part(dump, 52, byte_size(dump) - 52)

  # Each with arguments that are right, made anew for every call.
  defp functions, do: runs() ++ mounts() ++ files()

  defp runs do
    [
      compile: fn -> [make_ref(), "1", "main.py", [], false, nil] end,
      input_names: fn -> [runner()] end,
      start: fn -> [make_ref(), runner(), [], limits(), policy(), nil] end,
      start_large: fn -> [make_ref(), runner(), [], limits(), policy(), nil] end,
      resume: fn -> [make_ref(), snapshot(), {:ok, 1}, nil] end,
      resume_large: fn -> [make_ref(), snapshot(), {:ok, 1}, nil] end,
      resume_futures: fn -> [make_ref(), futures(), [], nil] end,
      resume_futures_large: fn -> [make_ref(), futures(), [], nil] end,
      progress: fn -> [make_ref(), snapshot()] end,
      pending_call_ids: fn -> [futures()] end,
      dump_runner: fn -> [make_ref(), runner()] end,
      load_runner: fn -> [make_ref(), body(ExMonty.dump!(runner()))] end,
      dump_snapshot: fn -> [make_ref(), snapshot()] end,
      dump_futures: fn -> [make_ref(), futures()] end,
      load_snapshot: fn -> [make_ref(), body(ExMonty.dump_snapshot!(snapshot())), nil] end,
      dump_session: fn -> [make_ref(), session()] end,
      load_session: fn ->
        {:ok, dump} = ExMonty.Session.dump(ExMonty.Session.new!())
        [make_ref(), body(dump), limits()]
      end,
      session_new: fn -> ["main.py", limits(), policy(), false, 1000] end,
      session_start: fn -> [make_ref(), session(), "x", ["x"], [1], limits(), nil, nil] end,
      session_start_large: fn -> [make_ref(), session(), "x", ["x"], [1], nil, nil, nil] end,
      session_of: fn -> [session_snapshot()] end,
      session_has_ended: fn -> [session()] end,
      time_zone?: fn -> ["UTC"] end,
      overseer_new: fn -> [self(), 1_000] end,
      overseer_attach: fn -> [overseer(), snapshot()] end,
      overseer_fetch: fn -> [overseer()] end
    ]
  end

  defp mounts do
    [
      mount_add_memory: fn -> [table(), "/m", [{"/a", "1"}], {[max_bytes: 9], [hide: ["b"]]}] end,
      mount_add_host: fn -> [table(), "/lib", "lib", :read_only, {[memory_limit: 9], []}] end,
      mount_add_snapshot: fn -> [table(), "/s", state(), :overlay, {[], []}] end,
      mount_remove: fn -> [table(), "/w"] end,
      mount_list: fn -> [table()] end,
      mount_count: fn -> [table()] end,
      mount_checkout: fn -> [table(), :exclusive] end,
      mount_checkout_after_changes: fn -> [table(), :exclusive] end,
      mount_release: fn -> [lease()] end,
      mount_wait: fn -> [table(), :exclusive, make_ref()] end,
      mount_withdraw: fn -> [awaited()] end,
      mount_snapshot: fn -> [table()] end,
      mount_fork: fn -> [table()] end,
      mount_restore: fn ->
        table = table()
        [table, state(table)]
      end,
      mount_changes: fn -> [table(), nil] end,
      mount_diff: fn -> [table(), "/w"] end,
      mount_commit: fn -> [overlay(), "/w", [only: ["a"]], :dry_run] end,
      mount_discard: fn -> [overlay(), "/w"] end,
      mount_dump: fn -> [table()] end,
      mount_dump_parts: fn -> [table(), <<0::256>>] end,
      mount_load_parts: fn ->
        {:ok, frame, _digests, new} = Mount.Parts.dump(%Mount{ref: table()}, [])
        [frame, new, [], :refuse, 1_000_000]
      end,
      mount_load: fn -> [body(Mount.dump!(%Mount{ref: table()})), [], :refuse, 1_000_000] end,
      mount_export_tar: fn -> [table(), "/w"] end,
      mount_import_tar: fn -> [table(), "/w", Mount.export_tar!(%Mount{ref: table()}, "/w")] end,
      mount_feed: fn -> [table(), self()] end,
      mount_relay: fn -> [table(), self()] end,
      mount_events: fn -> [feed()] end
    ]
  end

  defp files do
    [
      file_read: fn -> [table(), "/w/a"] end,
      file_write: fn -> [table(), "/w/b", "1"] end,
      file_append: fn -> [table(), "/w/b", "1"] end,
      file_list: fn -> [table(), "/w"] end,
      file_stat: fn -> [table(), "/w"] end,
      file_exists: fn -> [table(), "/w"] end,
      file_mkdir_p: fn -> [table(), "/w/d"] end,
      file_remove: fn -> [table(), "/w/a"] end,
      file_walk: fn -> [table(), "/w"] end,
      file_glob: fn -> [table(), "/w/*"] end,
      file_remove_all: fn -> [table(), "/w/a"] end,
      file_rename: fn -> [table(), "/w/a", "/w/b"] end
    ]
  end

  for {function, arity} <- Native.__info__(:functions), arity > 0 and function != :load do
    test "#{function} takes no wrong term for a right one" do
      function = unquote(function)
      right = Keyword.fetch!(functions(), function)
      assert length(right.()) == unquote(arity)
      # The right arguments are right, or the rest would show nothing.
      assert answered?(call(function, right.())), "#{function}"

      for place <- 0..(unquote(arity) - 1), term <- wrong() do
        outcome = call(function, List.replace_at(right.(), place, term))
        assert answered?(outcome) or refused?(outcome), "#{function}, argument #{place}: #{inspect(outcome)}"
      end

      assert ExMonty.eval("1 + 1") == {:ok, 2, ""}
    end
  end

  test "a wrong term leaves the snapshot that stands beside it as it was" do
    for term <- wrong(), not is_reference(term) do
      snapshot = snapshot()
      call(:resume, [make_ref(), snapshot, {:ok, 1}, term])
      call(:resume, [make_ref(), snapshot, {:nonsense, term}, nil])

      case ExMonty.progress(snapshot) do
        {:ok, {:function_call, _, _, _}} ->
          assert {:ok, {:complete, 2, ""}} = ExMonty.resume(snapshot, {:ok, 2})

        # An atom in the place of a lease is Elixir as the host.
        {:error, %{reason: :snapshot_consumed}} ->
          assert is_atom(term)
      end
    end
  end

  test "a wrong term leaves the session that stands beside it free" do
    session = ExMonty.Session.new!()

    for term <- wrong(), place <- 3..7 do
      args = List.replace_at([make_ref(), session.ref, "1", [], [], nil, nil, nil], place, term)
      outcome = call(:session_start, args)
      assert answered?(outcome) or refused?(outcome), inspect(outcome)
      assert {:ok, 1, "", ^session} = ExMonty.Session.eval(session, "1")
    end
  end

  # What the function comes to, waited for like `ExMonty.Turn` does.
  defp call(function, args) do
    case apply(Native, function, args) do
      :wait ->
        reference = hd(args)

        receive do
          {:ex_monty, ^reference, outcome} -> {:done, outcome}
        after
          20_000 -> flunk("#{function} never answered")
        end

      answer ->
        answer
    end
  rescue
    error -> {:raised, error}
  end

  defp answered?({:done, {:ok, _}}), do: true
  defp answered?({:done, {:ok, _, _}}), do: true
  defp answered?({:ok, _}), do: true
  defp answered?(:ok), do: true

  defp answered?(answer),
    do:
      is_list(answer) or is_boolean(answer) or is_reference(answer) or is_binary(answer) or is_integer(answer)

  defp refused?({:raised, error}), do: error.__struct__ == ArgumentError
  defp refused?({:done, {:error, %ExMonty.Error{reason: reason}}}), do: reason != :panic
  defp refused?({:done, {:error, %ExMonty.Exception{}}}), do: true
  defp refused?({:done, {:error, atom}}), do: is_atom(atom)
  defp refused?({:done, {:raise, message}}), do: is_binary(message)
  defp refused?({:error, %ExMonty.Error{reason: reason}}), do: reason != :panic
  defp refused?({:error, atom}) when is_atom(atom), do: true
  defp refused?({:error, {atom, about}}) when is_atom(atom), do: is_binary(about) or is_list(about)
  # There is too much to be read where this was called; what is large has a door of its own.
  defp refused?(:large), do: true
  defp refused?(_other), do: false
end
