defmodule ExMonty.Sandbox.TimeoutTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Patience, Sandbox}

  # None of these may end by itself: each would take hours.
  @limits %{max_duration_secs: 100_000, max_sleep_secs: 100_000, max_host_calls: :unlimited}

  # Time for a busy machine, too, to come to what a run is to be ended in.
  @there 5_000

  defp timed_out(code, opts) do
    opts = Keyword.merge([limits: @limits, timeout: 60, callback_timeout: :infinity], opts)
    assert {:error, %ExMonty.Exception{type: :timeout_error} = exception} = Sandbox.run(code, opts)
    assert exception.message == "the run did not end within its timeout of #{opts[:timeout]} ms"
    exception
  end

  test "ends a run whose function does not answer, kills the function and frees the lease" do
    test = self()
    mounts = Mount.new!([{"/m", :memory}])

    wait = fn _, _ ->
      send(test, {:waiting, self()})
      receive do: (:never -> :ok)
    end

    opts = [functions: %{wait: wait}, mounts: mounts, timeout: @there]
    exception = timed_out("print('before')\nwait()", opts)
    assert exception.output == "before\n"
    assert_received {:waiting, pid}
    refute Process.alive?(pid)
    assert {:ok, _lease} = Mount.checkout(mounts)
  end

  test "ends a run that awaits functions and sleeps, and kills those" do
    test = self()

    wait = fn _, _ ->
      {:async,
       fn ->
         send(test, {:waiting, self()})
         receive do: (:never -> :ok)
       end}
    end

    code = "import asyncio\nprint('x')\nawait asyncio.gather(wait(), asyncio.sleep(5000))"
    assert timed_out(code, functions: %{wait: wait}, timeout: @there).output == "x\n"
    assert_received {:waiting, pid}
    refute Process.alive?(pid)
  end

  test "ends a run that sleeps" do
    for sleep <- [
          "import time\nprint('x')\ntime.sleep(5000)",
          "import asyncio\nprint('x')\nawait asyncio.sleep(5000)"
        ],
        do: assert(timed_out(sleep, timeout: @there).output == "x\n")
  end

  test "ends a run that computes, keeps its output and frees its lease" do
    mounts = Mount.new!([{"/m", :memory}])
    assert timed_out("print('x')\nwhile True: pass", mounts: mounts, timeout: @there).output == "x\n"
    assert {:ok, _lease} = Mount.checkout(mounts)
  end

  test "ends a run that computes after a pause, or works with its files" do
    timed_out("f()\nwhile True: pass", functions: %{f: fn _, _ -> {:ok, nil} end}, timeout: 1_000)
    timed_out("while True: open('/m/a', 'w').write('x')", mounts: [{"/m", :memory}])

    timed_out("while True:\n  try:\n    while True: pass\n  except BaseException: pass", [])
  end

  test "ends a run that never stops calling" do
    timed_out("while True: f()", functions: %{f: fn _, _ -> {:ok, nil} end})
  end

  test "is not of the script's to catch" do
    code = """
    import time
    while True:
        try:
            time.sleep(5000)
        except BaseException:
            pass
    """

    timed_out(code, [])
  end

  test "leaves a run alone that ends in time" do
    assert {:ok, nil, "x\n"} = Sandbox.run("import time\ntime.sleep(0.01)\nprint('x')", timeout: 60_000)
  end

  # A `receive` of the VM refuses to wait for 50 days, and the caller of the run was told so by an ErlangError.
  test "leaves a script alone that sleeps for longer than the VM can wait at once" do
    for sleep <- ["import time\ntime.sleep(5_000_000)", "import asyncio\nawait asyncio.sleep(5_000_000)"] do
      test = self()
      functions = %{begin: fn _, _ -> {:ok, send(test, :begun) && nil} end}
      opts = [limits: %{max_sleep_secs: :unlimited}, functions: functions]
      {pid, monitor} = spawn_monitor(fn -> Sandbox.run("begin()\n" <> sleep, opts) end)
      assert_receive :begun
      Patience.until(fn -> sleeping?(pid) or not Process.alive?(pid) end)
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^pid, reason}
      assert reason == :killed
    end
  end

  defp sleeping?(pid) do
    with {:current_stacktrace, [{module, _, _, _} | _]} <- Process.info(pid, :current_stacktrace),
         {:status, :waiting} <- Process.info(pid, :status),
         do: module in [ExMonty.Milliseconds, ExMonty.Sandbox.Futures],
         else: (_ -> false)
  end

  test "leaves a TimeoutError of the script alone" do
    assert {:error, %{type: :timeout_error, message: "mine"}} =
             Sandbox.run("raise TimeoutError('mine')", timeout: 60_000)
  end

  test "leaves no message behind" do
    timed_out("f()", functions: %{f: fn _, _ -> receive do: (:never -> :ok) end})
    assert Process.info(self(), :messages) == {:messages, []}
  end
end
