defmodule ExMonty.Session.DumpTest do
  use ExUnit.Case, async: true

  import ExMonty.Patience

  alias ExMonty.{Dataclass, Error, Exception, Mount, Session}

  defp moved(session, opts \\ []) do
    {:ok, dump} = Session.dump(session)
    {:ok, loaded} = Session.load(dump, opts)
    loaded
  end

  defp paused(session, code) do
    {:ok, {:function_call, _, snapshot, _}} = Session.start(session, code)
    snapshot
  end

  test "a dumped session stays, and its copy goes its own way" do
    session = Session.new!(seed: 3, timezone: "+02:00", clock: ~U[2024-02-29 12:00:00Z], cwd: "/d")
    {:ok, nil, "", _} = Session.eval(session, "import random, os, datetime\nx = [1]\ndef f():\n    return x")
    copy = moved(session)
    {:ok, nil, "", _} = Session.eval(copy, "x.append(2)")
    assert {:ok, [1, 2], "", _} = Session.eval(copy, "f()")
    assert {:ok, [1], "", _} = Session.eval(session, "f()")

    for code <- [
          "random.random()",
          "os.urandom(8).hex()",
          "str(datetime.datetime.now().astimezone())",
          "os.getcwd()"
        ] do
      assert {:ok, value, "", _} = Session.eval(session, code)
      assert {:ok, ^value, "", _} = Session.eval(copy, code)
    end
  end

  test "a loaded session keeps its limits, its options and the dataclasses that it knows" do
    session = Session.new!(limits: %{max_host_calls: 1}, max_source_bytes: 100)
    {:ok, nil, "", _} = Session.eval(session, "kept = p", inputs: %{p: Dataclass.new("P", x: 1)})
    loaded = moved(session, functions: %{"f" => fn [], _ -> {:ok, 1} end})
    assert {:ok, 1, "", _} = Session.eval(loaded, "f()")
    assert {:error, %Exception{type: :runtime_error}} = Session.eval(loaded, "f()\nf()")
    assert {:error, %Error{reason: :source_too_large}} = Session.eval(loaded, String.duplicate("#", 101))
    assert {:error, %Exception{type: :syntax_error}} = Session.eval(loaded, "exec('1')")

    assert {:ok, {:method_call, %{args: [%Dataclass{name: "P"}]}, _, _}} =
             Session.start(loaded, "kept.move()")
  end

  test "a ceiling lowers the limits of a loaded session, and raises none" do
    session = Session.new!(limits: %{max_output: 100, max_memory: 8_000_000})
    {:ok, nil, "", _} = Session.eval(session, "x = 'y' * 3_000_000")
    {:ok, dump} = Session.dump(session)
    assert {:error, %Error{reason: :limit_exceeded}} = Session.load(dump, limits: %{max_memory: 2_000_000})
    {:ok, loaded} = Session.load(dump, limits: %{max_memory: 5_000_000, max_output: 1_000})
    assert {:error, %Exception{type: :memory_error}} = Session.eval(loaded, "len('y' * 3_000_000)")
    assert {:error, %Exception{type: :memory_error}} = Session.eval(loaded, "print('y' * 101)")
    assert {:ok, 3_000_000, "", _} = Session.eval(loaded, "len(x)")
  end

  test "a dump is sealed with a key, and damaged ones are refused" do
    session = Session.new!()
    {:ok, dump} = Session.dump(session, key: "k")
    assert {:ok, _} = Session.load(dump, key: "k")
    assert {:error, %Error{reason: :invalid_dump}} = Session.load(dump)
    {:ok, dump} = Session.dump(session)

    for at <- 0..(byte_size(dump) - 1) do
      <<before::binary-size(at), byte, rest::binary>> = dump

      assert {:error, %Error{reason: :invalid_dump}} =
               Session.load(<<before::binary, Bitwise.bxor(byte, 16), rest::binary>>)

      assert {:error, %Error{reason: :invalid_dump}} = Session.load(before)
    end

    snapshot = ExMonty.dump_snapshot!(paused(session, "f()"))
    assert {:error, %Error{reason: :invalid_dump, message: message}} = Session.load(snapshot)
    assert message == "this is the dump of a snapshot that waits for one call, and not of a session"
  end

  test "a paused evaluation takes its session along, and leaves one that has ended" do
    session = Session.new!()
    {:ok, nil, "", _} = Session.eval(session, "x = [1]")
    snapshot = paused(session, "x.append(f())\nlen(x)")
    dump = ExMonty.dump_snapshot!(snapshot)
    assert {:error, %Error{reason: :session_ended}} = Session.eval(session, "x")
    assert {:error, %Error{reason: :session_ended}} = Session.dump(session)

    for n <- [2, 3] do
      {:ok, loaded} = ExMonty.load_snapshot(dump)
      {:ok, continued} = Session.of(loaded, functions: %{"g" => fn [], _ -> {:ok, "g"} end})
      assert {:error, %Error{reason: :busy}} = Session.eval(continued, "x")
      assert ExMonty.resume(loaded, {:ok, n}) == {:ok, {:complete, 2, ""}}
      assert {:ok, [[1, ^n], "g"], "", _} = Session.eval(continued, "[x, g()]")
    end
  end

  test "a loaded evaluation that nobody resumes gives its session back" do
    {:ok, loaded} = ExMonty.load_snapshot(ExMonty.dump_snapshot!(paused(Session.new!(), "x = 1\nf()\nx = 2")))
    {:ok, session} = Session.of(loaded)
    drop(loaded)
    assert {:ok, 1, "", _} = until_free(fn -> Session.eval(session, "x") end)
  end

  # The last that is known of a snapshot.
  defp drop(snapshot), do: assert({:ok, {:function_call, _, _, _}} = ExMonty.progress(snapshot))

  test "every kind of pause is moved with its session" do
    for {code, answers} <- [
          {"x = f()", [{:ok, 42}]},
          {"x = p.move()", [{:ok, 42}]},
          {"x = p.missing", [{:ok, 42}]},
          {"x = unknown", [{:ok, 42}]},
          {"import os\nx = int(os.getenv('X'))", [{:ok, "42"}]},
          {"import asyncio\n[x] = await asyncio.gather(f())", [:pending, {:ok, 42}]}
        ] do
      session = Session.new!()
      {:ok, nil, "", _} = Session.eval(session, "kept = 'k'", inputs: %{p: Dataclass.new("P", x: 1)})
      {:ok, progress} = Session.start(session, code, limits: %{max_duration_secs: 500})
      {session, ended} = finish(progress, answers, nil)
      assert {:complete, nil, ""} = ended
      assert {:ok, [42, "k"], "", _} = Session.eval(session, "[x, kept]")
    end
  end

  defp finish({:complete, _, _} = ended, [], session), do: {session, ended}

  defp finish({:resolve_futures, futures, _}, [answer | rest], _session) do
    dump = ExMonty.dump_future_snapshot!(futures)
    loaded = ExMonty.load_future_snapshot!(dump, limits: %{max_host_calls: 10})
    {:ok, session} = Session.of(loaded)
    [id] = ExMonty.pending_call_ids(loaded)
    {:ok, progress} = ExMonty.resume_futures(loaded, [{id, answer}])
    finish(progress, rest, session)
  end

  defp finish({_kind, _asked, snapshot, _}, [answer | rest], _session) do
    loaded = ExMonty.load_snapshot!(ExMonty.dump_snapshot!(snapshot), limits: %{max_host_calls: 10})
    {:ok, session} = Session.of(loaded)
    {:ok, progress} = ExMonty.resume(loaded, answer)
    finish(progress, rest, session)
  end

  test "a ceiling holds for a paused evaluation and for the session that it belongs to" do
    dump = ExMonty.dump_snapshot!(paused(Session.new!(), "f()\nwhile True:\n    pass"))
    {:ok, loaded} = ExMonty.load_snapshot(dump, limits: %{max_duration_secs: 0.05})
    {:ok, session} = Session.of(loaded)
    assert {:error, %Exception{type: :timeout_error}} = ExMonty.resume(loaded, {:ok, nil})

    assert {:error, %Exception{type: :timeout_error, message: message}} =
             Session.eval(session, "while True:\n    pass")

    assert message =~ "50ms"
  end

  test "what a paused evaluation has used of its limits counts, and the next one begins anew" do
    session = Session.new!(limits: %{max_host_calls: 2})
    loaded = ExMonty.load_snapshot!(ExMonty.dump_snapshot!(paused(session, "f()\nf()\nf()")))
    {:ok, session} = Session.of(loaded)
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume(loaded, {:ok, nil})
    assert {:error, %Exception{type: :runtime_error}} = ExMonty.resume(snapshot, {:ok, nil})
    {:ok, {:function_call, _, snapshot, _}} = Session.start(session, "f()\nf()")
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume(snapshot, {:ok, nil})
    assert {:ok, {:complete, nil, ""}} = ExMonty.resume(snapshot, {:ok, nil})
  end

  test "a paused evaluation goes on with a lease after it was loaded" do
    mounts = Mount.new!([{"/work", :memory}])
    {:ok, lease} = Mount.checkout(mounts)
    session = Session.new!()
    code = "out = open('a', 'w')\nout.write('1')\npause()\nout.write('2')\nout.close()"
    {:ok, {:function_call, _, snapshot, _}} = Session.start_with_mounts(session, code, lease)
    loaded = ExMonty.load_snapshot!(ExMonty.dump_snapshot!(snapshot))
    {:ok, session} = Session.of(loaded)
    assert {:ok, {:complete, nil, ""}} = ExMonty.resume_with_mounts(loaded, {:ok, nil}, lease)
    assert {:ok, {:complete, "12", ""}} = Session.start_with_mounts(session, "open('a').read()", lease)
  end
end
