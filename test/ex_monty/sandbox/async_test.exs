defmodule ExMonty.Sandbox.AsyncTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Patience, Sandbox}

  # What waits for the test waits for as long as it takes.
  defp run(code, opts) do
    Sandbox.run("import asyncio\n" <> code, Keyword.put_new(opts, :callback_timeout, :infinity))
  end

  # Functions of which each waits until all `count` have begun: they end only if they run side by side.
  defp meeting(count) do
    test = self()

    fn [name], _kwargs ->
      {:async,
       fn ->
         send(test, {:arrived, name, self()})
         receive do: (:all_there -> {:ok, name})
       end}
    end
    |> then(&{&1, fn -> release(count) end})
  end

  defp release(count) do
    pids = for _ <- 1..count, do: receive(do: ({:arrived, _name, pid} -> pid))
    Enum.each(pids, &send(&1, :all_there))
  end

  test "awaited calls run side by side" do
    {meet, release} = meeting(3)
    test = self()

    run =
      Task.async(fn ->
        run("await asyncio.gather(meet('a'), meet('b'), meet('c'))", functions: %{meet: meet})
      end)

    send(test, :begin)
    assert_receive :begin
    release.()
    assert {:ok, ["a", "b", "c"], ""} = Task.await(run, :infinity)
  end

  test "what is done is handed over while the rest goes on" do
    test = self()

    functions = %{
      quick: fn _, _ -> {:async, fn -> {:ok, "quick"} end} end,
      # Ends only when the script has gone on after the quick one.
      slow: fn _, _ ->
        {:async,
         fn ->
           send(test, {:slow, self()})
           receive do: (:go -> {:ok, "slow"})
         end}
      end,
      note: fn [text], _ -> {:ok, send(test, {:note, text}) && nil} end
    }

    code = """
    async def first():
        note(await quick())
    await asyncio.gather(first(), slow())
    """

    run = Task.async(fn -> run(code, functions: functions) end)
    assert_receive {:slow, slow}
    assert_receive {:note, "quick"}
    send(slow, :go)
    assert {:ok, [nil, "slow"], ""} = Task.await(run, :infinity)
  end

  test "whatever an awaited function does wrong is an exception at its await, and costs the others nothing" do
    functions = %{
      "fine" => fn _, _ -> {:async, fn -> {:ok, "fine"} end} end,
      "raises" => fn _, _ -> {:async, fn -> raise ArgumentError, "broken" end} end,
      "throws" => fn _, _ -> {:async, fn -> throw(:ball) end} end,
      "dies" => fn _, _ -> {:async, fn -> Process.exit(self(), :kill) end} end,
      "nonsense" => fn _, _ -> {:async, fn -> :nonsense end} end,
      "deeper" => fn _, _ -> {:async, fn -> {:async, fn -> {:ok, 1} end} end} end,
      "suspends" => fn _, _ -> {:async, fn -> {:suspend, 1} end} end,
      "unfit" => fn _, _ -> {:async, fn -> {:ok, [self()]} end} end,
      "no_such" => fn _, _ -> {:async, fn -> {:error, :no_such_error, "x"} end} end,
      "typed" => fn _, _ -> {:async, fn -> {:error, :key_error, "k"} end} end,
      "plain" => fn _, _ -> {:async, fn -> {:error, "just no"} end} end
    }

    code = """
    async def told(call):
        try:
            return await call()
        except Exception as error:
            return type(error).__name__ + ': ' + str(error)
    await asyncio.gather(told(unfit), told(fine), told(raises), told(throws), told(dies), told(nonsense),
        told(deeper), told(suspends), told(no_such), told(typed), told(plain), told(fine))
    """

    assert {:ok, results, ""} = run(code, functions: functions)

    expected = [
      "TypeError: unfit(): result of call ",
      "fine",
      "RuntimeError: raises() failed: (ArgumentError) broken",
      "RuntimeError: throws() failed: it threw :ball",
      "RuntimeError: dies() failed: its process exited with :killed",
      "RuntimeError: nonsense() failed: it answered neither",
      "RuntimeError: deeper() failed: it answered neither",
      "RuntimeError: suspends() failed: it answered neither",
      "TypeError: no_such(): result of call ",
      "KeyError: ",
      "RuntimeError: just no",
      "fine"
    ]

    for {result, beginning} <- Enum.zip(results, expected) do
      assert String.starts_with?(result, beginning), result
    end
  end

  test "each awaited call has the time of a callback, and is killed after it" do
    test = self()

    functions = %{
      "slow" => fn _, _ ->
        {:async,
         fn ->
           send(test, {:slow, self()})
           receive do: (:never -> :ok)
         end}
      end,
      "fine" => fn _, _ -> {:async, fn -> {:ok, 1} end} end
    }

    code = """
    async def told():
        try:
            await slow()
        except TimeoutError as error:
            return str(error)
    await asyncio.gather(told(), fine())
    """

    # Time enough for the other one on a busy machine, too.
    assert {:ok, ["slow() did not answer within 5000 ms", 1], ""} =
             run(code, functions: functions, callback_timeout: 5_000)

    assert_received {:slow, pid}
    refute Process.alive?(pid)
  end

  test "awaited functions know their callers, and end with the run that does not await them" do
    test = self()

    functions = %{
      forgotten: fn _, _ ->
        {:async,
         fn ->
           send(test, {:forgotten, self(), Process.get(:"$callers")})
           receive do: (:never -> :ok)
         end}
      end,
      # Answers only once the other has begun.
      begun: fn _, _ ->
        {:async,
         fn ->
           send(test, {:begun, self()})
           receive do: (:yes -> {:ok, true})
         end}
      end
    }

    run = Task.async(fn -> run("forgotten()\nawait begun()", functions: functions) end)
    assert_receive {:forgotten, forgotten, [caller | callers]}
    assert caller == run.pid and test in callers
    monitor = Process.monitor(forgotten)
    assert_receive {:begun, begun}
    send(begun, :yes)
    assert {:ok, true, ""} = Task.await(run, :infinity)
    assert_receive {:DOWN, ^monitor, :process, ^forgotten, _}
  end

  test "awaited functions end when the process that runs the script does" do
    test = self()

    functions = %{
      wait: fn _, _ ->
        {:async,
         fn ->
           send(test, {:waiting, self()})
           receive do: (:never -> :ok)
         end}
      end
    }

    caller = spawn(fn -> run("await asyncio.gather(wait(), wait())", functions: functions) end)
    assert_receive {:waiting, one}
    assert_receive {:waiting, other}
    monitors = for pid <- [one, other], do: Process.monitor(pid)
    Process.exit(caller, :kill)
    for monitor <- monitors, do: assert_receive({:DOWN, ^monitor, :process, _pid, :killed})
  end

  test "a call that is given up on after it answered later leaves no process behind" do
    # The worker is killed by the next call that takes too long; what it had started goes on.
    test = self()

    functions = %{
      later: fn _, _ ->
        {:async,
         fn ->
           send(test, {:later, self()})
           receive do: (:go -> {:ok, "later"})
         end}
      end,
      stuck: fn _, _ ->
        send(test, :stuck)
        receive do: (:never -> :ok)
      end
    }

    code = """
    task = later()
    try:
        stuck()
    except TimeoutError:
        pass
    await task
    """

    run = Task.async(fn -> run(code, functions: functions, callback_timeout: 5_000) end)
    assert_receive {:later, later}
    assert_receive :stuck
    send(later, :go)
    assert {:ok, "later", ""} = Task.await(run, :infinity)
  end

  test "no message is left behind" do
    functions = %{f: fn _, _ -> {:async, fn -> {:ok, 1} end} end}
    assert {:ok, [1, 1], ""} = run("f()\nawait asyncio.gather(f(), f())", functions: functions)
    assert Process.info(self(), :messages) == {:messages, []}
  end

  describe "sleeps" do
    # Side by side these take two seconds, one after the other more than an hour: the limit of sleep is lifted, the
    # timeout would end them.
    test "that are gathered are slept side by side" do
      code = """
      await asyncio.gather(*[asyncio.sleep(2) for _ in range(2_000)], asyncio.sleep(0.1, 'value'))
      """

      assert {:ok, results, ""} = run(code, timeout: 600_000, limits: %{max_sleep_secs: 100_000})
      assert length(results) == 2_001
    end

    test "hold no thread" do
      # More than there may be threads, all asleep at the same time.
      sleepers = 32 * System.schedulers_online() + 20
      opts = [limits: %{max_sleep_secs: 100_000}]
      callers = for _ <- 1..sleepers, do: spawn(fn -> run("import time\ntime.sleep(50_000)", opts) end)
      Patience.until(fn -> ExMonty.info().runs_paused >= sleepers end)
      assert {:ok, 2, ""} = Sandbox.run("1 + 1")
      for caller <- callers, do: Process.exit(caller, :kill)
    end

    test "are held by their limit" do
      assert {:error, %ExMonty.Exception{type: :timeout_error, message: message}} =
               run("await asyncio.gather(asyncio.sleep(40), asyncio.sleep(40))", [])

      assert message =~ "sleep limit exceeded"
    end

    test "can be replaced by :os" do
      test = self()
      os = %{sleep: fn [seconds], _ -> {:ok, send(test, {:slept, seconds}) && nil} end}
      assert {:ok, nil, ""} = run("import time\ntime.sleep(50)", os: os)
      assert_received {:slept, 50.0}
    end
  end
end
