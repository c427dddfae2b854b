defmodule ExMonty.Workspace.CallersTest do
  use ExUnit.Case, async: true

  # Callers that come at a bad moment, ask for the impossible, or go away.

  import ExMonty.Test.Workspaces

  alias ExMonty.{Error, Workspace}
  alias ExMonty.Test.FlakyStore

  test "a path or an option of the wrong type is the caller's error, and nobody waits for ever" do
    ws = start()

    for ask <- [
          &Workspace.read(&1, :path),
          &Workspace.diff(&1, 1),
          &Workspace.write(&1, nil, "x"),
          &Workspace.write(&1, "/work/a", :x),
          &Workspace.commit(&1, {}, []),
          &Workspace.commit(&1, "/work", whole: true),
          &Workspace.discard(&1, 1)
        ] do
      assert_raise ArgumentError, fn -> ask.(ws) end
    end

    assert Workspace.info(ws).status == :idle
  end

  test "a function that asks its own workspace for what would wait for its step is told, and may look at files" do
    test = self()
    {:ok, other} = Workspace.start_link()

    functions = %{
      "own" => fn [what], _ ->
        ws = Agent.get(:"#{inspect(test)}", & &1)

        answer =
          case what do
            "run" -> Workspace.run(ws, "1")
            "task" -> Task.await(Task.async(fn -> Workspace.run(ws, "1") end), :infinity)
            "write" -> Workspace.write(ws, "/work/b", "x")
            "fork" -> Workspace.fork(ws)
            "dump" -> Workspace.dump(ws)
            "resume" -> Workspace.resume(ws, "t", {:ok, 1})
            "read" -> Workspace.read(ws, "/work/a")
            "info" -> {:ok, Workspace.info(ws).status}
            "other" -> Workspace.run(other, "own('run')")
          end

        case answer do
          {:error, %Error{reason: reason}} -> {:ok, reason}
          {:ok, value} -> {:ok, value}
          {:ok, value, ""} -> {:ok, value}
        end
      end
    }

    :ok = Workspace.stop(other)
    {:ok, other} = Workspace.start_link(functions: functions, name: :"other-#{inspect(test)}")

    functions =
      Map.put(functions, "other", fn [], _ ->
        with({:ok, value, _} <- Workspace.run(other, "own('run')"), do: {:ok, value})
      end)

    ws = start(functions: functions)
    {:ok, _} = Agent.start_link(fn -> ws end, name: :"#{inspect(test)}")
    {:ok, nil, ""} = Workspace.run(ws, "open('/work/a', 'w').write('1'); None")

    for what <- ~w(run task write fork dump resume),
        do: assert(Workspace.run(ws, "own('#{what}')") == {:ok, "own_step", ""})

    assert Workspace.run(ws, "own('read')") == {:ok, "1", ""}
    assert Workspace.run(ws, "own('info')") == {:ok, "working", ""}
    # Also by way of another workspace.
    assert Workspace.run(ws, "other()") == {:ok, "own_step", ""}
  end

  # The step's process is linked to the workspace's, and a link tells nobody of an end without a fault.
  test "a workspace that is stopped ends the step that it is in the middle of, and nothing of that is saved" do
    store = start_supervised!(FlakyStore)
    ws = start(name: :"stopped-#{inspect(store)}", store: {FlakyStore, store})
    {:ok, nil, ""} = Workspace.run(ws, "n = 1")
    step = spawn_monitor(fn -> Workspace.run(ws, "n = 2; gate('in')") end)
    function = at("in")
    queued = spawn_monitor(fn -> Workspace.run(ws, "n = 3") end)
    queued(ws, 1)
    worker = :sys.get_state(ws, :infinity).worker
    watched = {worker, Process.monitor(worker)}
    callback = {function, Process.monitor(function)}
    FlakyStore.puts(store)
    assert Workspace.stop(ws) == :ok
    refute Process.alive?(worker)

    for {pid, monitor} <- [step, queued, watched, callback] do
      assert_receive {:DOWN, ^monitor, :process, ^pid, _reason}
    end

    assert FlakyStore.puts(store) == []
  end

  test "ten thousand who wait are served in their order, and ten thousand who go away cost nothing" do
    ws = start()
    {:ok, nil, ""} = Workspace.run(ws, "n = 0")
    first = Task.async(fn -> Workspace.run(ws, "gate('in')") end)
    pid = at("in")
    going = for _ <- 1..10_000, do: spawn(fn -> Workspace.run(ws, "n = -1") end)
    queued(ws, 10_000)

    staying =
      for n <- 1..10,
          do:
            (
              task = Task.async(fn -> Workspace.run(ws, "n = n + 1; n") end)
              queued(ws, 10_000 + n)
              task
            )

    for pid <- going, do: Process.exit(pid, :kill)
    queued(ws, 10)
    send(pid, :go)
    assert {:ok, "in", ""} = Task.await(first, :infinity)
    assert Task.await_many(staying, :infinity) == for(n <- 1..10, do: {:ok, n, ""})
  end

  test "a crash report of a workspace has no secret in it" do
    store = start_supervised!(FlakyStore)
    ws = start(name: :"secret-#{inspect(store)}", store: {FlakyStore, store}, key: "the secret of it all")
    {:ok, nil, ""} = Workspace.run(ws, "n = 1")

    refute inspect(:sys.get_state(ws, :infinity), limit: :infinity, printable_limit: :infinity) =~
             "the secret of it all"

    refute inspect(:sys.get_status(ws), limit: :infinity, printable_limit: :infinity) =~
             "the secret of it all"
  end
end
