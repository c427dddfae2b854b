defmodule ExMonty.Workspace.KillingTest do
  use ExUnit.Case, async: true

  # What the process of a step leaves behind when it is killed: a turn of the interpreter that is being stopped, and that
  # may be in the middle of a change of the files. Where that falls is up to the threads, so each test does it often.

  import ExMonty.Test.Workspaces

  alias ExMonty.{Error, Workspace}
  alias ExMonty.Test.FlakyStore

  @often 100

  defp kill(ws), do: Process.exit(:sys.get_state(ws, :infinity).worker, :kill)

  defp begun(ws, step, name) do
    task = Task.async(fn -> step.(ws) end)
    send(at(name), :go)
    task
  end

  # Waits until the file has more bytes than so many.
  defp grown(ws, bytes) do
    until(fn ->
      with {:ok, contents} <- Workspace.read(ws, "/work/a"),
           do: byte_size(contents) > bytes,
           else: (_ -> false)
    end)
  end

  test "a resumption that is killed at a pause leaves the files that the step was suspended with" do
    # A snapshot that is taken when the step is already at work would have "12".
    for _ <- 1..@often do
      ws = start()
      code = "open('/work/a', 'w').write('1'); suspend('a'); open('/work/a', 'a').write('2'); gate('in')"
      {:suspended, "a", ""} = Workspace.run(ws, code)
      task = Task.async(fn -> Workspace.resume(ws, "a", {:ok, nil}) end)
      at("in")
      kill(ws)
      assert {:error, %Error{reason: :step_lost, message: message}} = Task.await(task, :infinity)
      assert message =~ "its files are those from before it"
      assert Workspace.read(ws, "/work/a") == {:ok, "1"}
      assert Workspace.suspensions(ws) == ["a"]
    end
  end

  test "a resumption that is killed while it writes leaves the files that the step was suspended with" do
    for _ <- 1..@often do
      ws = start()

      code =
        "open('/work/a', 'w').write('1'); suspend('a'); gate('in')\nwhile True: open('/work/a', 'a').write('2')"

      {:suspended, "a", ""} = Workspace.run(ws, code)
      task = begun(ws, &Workspace.resume(&1, "a", {:ok, nil}), "in")
      grown(ws, 1)
      kill(ws)
      assert {:error, %Error{reason: :step_lost}} = Task.await(task, :infinity)
      assert Workspace.read(ws, "/work/a") == {:ok, "1"}
      assert Workspace.suspensions(ws) == ["a"]
    end
  end

  test "a step that is killed while it writes has written all that it will when its caller hears of it" do
    for _ <- 1..@often do
      ws = start()
      {:ok, nil, ""} = Workspace.run(ws, "n = 1")
      task = begun(ws, &Workspace.run(&1, "gate('in')\nwhile True: open('/work/a', 'a').write('2')"), "in")
      grown(ws, 0)
      kill(ws)
      assert {:error, %Error{reason: :step_lost, message: message}} = Task.await(task, :infinity)
      assert message =~ "its files are as it left them"
      {:ok, left} = Workspace.read(ws, "/work/a")
      # Neither of these finds the files in use.
      assert Workspace.write(ws, "/work/b", "x") == :ok
      assert {:ok, 1, ""} = Workspace.run(ws, "1")
      assert Workspace.read(ws, "/work/a") == {:ok, left}
    end
  end

  test "a step that is given up while it writes has written all that it will, and is rolled back whole" do
    for on_error <- [:keep, :rollback], _ <- 1..10 do
      ws = start()
      code = "while True: open('/work/a', 'a').write('2')"
      assert {:error, _} = Workspace.run(ws, code, timeout: 20, on_error: on_error)
      left = Workspace.read(ws, "/work/a")
      if on_error == :rollback, do: assert(left == {:error, :enoent})
      assert Workspace.write(ws, "/work/b", "x") == :ok
      assert Workspace.read(ws, "/work/a") == left
    end
  end

  # The save was made, and the caller is told that the step was lost: then what is in the store must not be the step.
  test "what a killed step had saved already is taken back in the store, too" do
    store = start_supervised!(FlakyStore)
    opts = [name: :"killed-#{inspect(store)}", store: {FlakyStore, store}]
    ws = start(opts)
    {:ok, nil, ""} = Workspace.run(ws, "n = 1; open('/work/a', 'w').write('1'); None")

    killed_in_save = fn ws, work ->
      FlakyStore.hold(store, "head/")
      task = Task.async(fn -> work.(ws) end)
      held = FlakyStore.held()
      worker = :sys.get_state(ws, :infinity).worker
      monitor = Process.monitor(worker)
      Process.exit(worker, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^worker, :killed}
      FlakyStore.let_go(held, :made)
      # The save of what was gone back to.
      FlakyStore.let_go(FlakyStore.held(), :made)
      FlakyStore.fail(store, nil)
      assert {:error, %Error{reason: :step_lost}} = Task.await(task, :infinity)
    end

    restarted = fn ws ->
      monitor = Process.monitor(ws)
      Process.exit(ws, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^ws, :killed}
      start(opts)
    end

    killed_in_save.(ws, &Workspace.run(&1, "n = 2; open('/work/a', 'w').write('2')"))
    assert %{steps: 2, saved: 2} = Workspace.info(ws)
    ws = restarted.(ws)
    assert Workspace.info(ws).lost == nil
    assert Workspace.run(ws, "n, open('/work/a').read()") == {:ok, {1, "1"}, ""}

    {:suspended, "t", ""} = Workspace.run(ws, "n = suspend('t'); open('/work/a', 'w').write('3')")
    killed_in_save.(ws, &Workspace.resume(&1, "t", {:ok, 2}))
    assert Workspace.suspensions(ws) == ["t"]
    ws = restarted.(ws)
    assert Workspace.read(ws, "/work/a") == {:ok, "1"}
    assert Workspace.resume(ws, "t", {:ok, 3}) == {:ok, 1, ""}
    assert Workspace.run(ws, "n") == {:ok, 3, ""}
  end

  # What was saved then used to lack the suspended step, and a node that ended before the resumption did had lost it.
  test "work that is killed while a resumption waits for it leaves the suspended step in the store" do
    store = start_supervised!(FlakyStore)
    opts = [name: :"claimed-#{inspect(store)}", store: {FlakyStore, store}]
    ws = start(opts)
    {:suspended, "t", ""} = Workspace.run(ws, "n = suspend('t'); gate('in')")

    FlakyStore.hold(store, "head/")
    write = Task.async(fn -> Workspace.write(ws, "/work/a", "x") end)
    held = FlakyStore.held()
    resumption = caller(fn -> Workspace.resume(ws, "t", {:ok, 1}) end)
    queued(ws, 1)
    kill(ws)
    FlakyStore.let_go(held, :made)
    FlakyStore.let_go(FlakyStore.held(), :made)
    FlakyStore.fail(store, nil)
    assert {:error, %Error{reason: :interrupted}} = Task.await(write)

    at("in")
    monitor = Process.monitor(ws)
    Process.exit(ws, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^ws, :killed}
    assert Task.await(resumption) == :died
    assert Workspace.suspensions(start(opts)) == ["t"]
  end
end
