defmodule ExMonty.LimitsTest do
  use ExUnit.Case, async: true

  import ExMonty.Patience

  alias ExMonty.{Exception, Limits}

  doctest Limits

  defp run(code, limits), do: ExMonty.eval(code, limits: limits)

  # Answers every call with nil, and says how many there were.
  defp drive(progress, calls \\ 0)
  defp drive({:ok, {:complete, value, _}}, calls), do: {:ok, value, calls}
  defp drive({:ok, {_, _, snapshot, _}}, calls), do: drive(ExMonty.resume(snapshot, {:ok, nil}), calls + 1)
  defp drive({:error, reason}, calls), do: {:error, reason, calls}

  test "the defaults are those of the contract" do
    assert %{
             max_duration_secs: 10,
             max_memory: 268_435_456,
             max_recursion_depth: 1000,
             max_output: 16_777_216,
             max_host_calls: 100_000,
             max_sleep_secs: 60
           } = ExMonty.default_limits()
  end

  test "unknown keys and malformed values raise, and say what is accepted" do
    for {limits, words} <- [
          {%{max_time: 1}, ["unknown limit :max_time", ":max_duration_secs"]},
          {%{"max_memory" => 1}, ["unknown limit \"max_memory\""]},
          {%{max_memory: 1.5}, ["max_memory: 1.5", "positive integer (bytes)"]},
          {%{max_memory: 0}, ["max_memory", "positive"]},
          {%{max_memory: nil}, ["max_memory", ":unlimited"]},
          {%{max_duration_secs: -1}, ["max_duration_secs", "seconds"]},
          {%{max_duration_secs: "1"}, ["max_duration_secs"]},
          {%{max_duration_secs: 1.0e300}, ["max_duration_secs"]},
          {%{max_recursion_depth: :unlimited}, ["max_recursion_depth", "10000"]},
          {%{max_recursion_depth: 10_001}, ["max_recursion_depth"]},
          {%{max_output: -1}, ["max_output"]},
          {%{max_host_calls: :many}, ["max_host_calls"]},
          {%{gc_interval: 0}, ["gc_interval"]},
          {%{max_allocations: 2 ** 70}, ["max_allocations"]},
          {%{max_sleep_secs: -0.1}, ["max_sleep_secs"]},
          {[max_memory: 1], [":limits", "a map"]},
          {:none, [":limits"]}
        ] do
      error = assert_raise ArgumentError, fn -> run("1", limits) end
      for word <- words, do: assert(error.message =~ word, "#{inspect(error.message)} lacks #{word}")
    end
  end

  test ":unlimited lifts every limit but the recursion depth" do
    limits =
      for {key, _} <- ExMonty.default_limits(), key != :max_recursion_depth, into: %{}, do: {key, :unlimited}

    assert {:ok, 1000, ""} = run("len([i for i in range(1000)])", limits)
  end

  describe "memory" do
    @greedy "x = []\nwhile True:\n    x.append('y' * 1000)"

    test "ends the run that has too much, uncatchably, with the true figure" do
      code = "x = []\ntry:\n    while True:\n        x.append('y' * 1000)\nexcept BaseException:\n    pass"
      limit = 50_000_000
      assert {:error, %Exception{type: :memory_error, message: message}} = run(code, %{max_memory: limit})
      assert [_, used] = Regex.run(~r/(\d+) bytes > 50000000 bytes/, message)
      # Before twice the limit is resident, and in truth at once.
      assert String.to_integer(used) in limit..div(limit * 11, 10)
    end

    test "ends a run that asks for too much at once before it is there" do
      for code <- ["'x' * 10**12", "b'x' * 10**10", "[0] * 10**10", "10 ** 10**9", "'%1000000000d' % 1"] do
        assert {:error, %Exception{type: type}} = run(code, %{max_memory: 10_000_000}), code
        assert type in [:memory_error, :overflow_error, :value_error]
      end
    end

    test "is the run's own: others beside it go on" do
      busy =
        for n <- 1..4 do
          Task.async(fn -> ExMonty.eval("t = 0\nfor i in range(300_000):\n    t += i\n[t, #{n}]") end)
        end

      greedy = for _ <- 1..4, do: Task.async(fn -> run(@greedy, %{max_memory: 40_000_000}) end)

      for task <- greedy do
        assert {:error, %Exception{type: :memory_error}} = Task.await(task, :infinity)
      end

      for {task, n} <- Enum.zip(busy, 1..4) do
        assert {:ok, [44_999_850_000, ^n], ""} = Task.await(task, :infinity)
      end
    end

    test "holds over pauses" do
      code = "x = []\nwhile True:\n    x.append('y' * 1_000_000)\n    f()"
      {:ok, runner} = ExMonty.compile(code)
      progress = ExMonty.start(runner, %{}, limits: %{max_memory: 20_000_000})
      assert {:error, %Exception{type: :memory_error}, calls} = drive(progress)
      assert calls in 17..20
    end

    test "counts what the host hands in" do
      {:ok, runner} = ExMonty.compile("x = f()\ny = f()\nz = f()\nlen(x + y + z)")
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner, %{}, limits: %{max_memory: 5_000_000})
      big = String.duplicate("x", 2_000_000)
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume(snapshot, {:ok, big})
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume(snapshot, {:ok, big})
      assert {:error, %Exception{type: :memory_error}} = ExMonty.resume(snapshot, {:ok, big})
    end

    test "comes back when a run ends" do
      Enum.each(1..20, fn _ ->
        {:ok, _, _} = ExMonty.eval("x = ['y' * 1000 for _ in range(10_000)]\nlen(x)")
      end)

      # Ten megabytes each: had they stayed, there would be two hundred. What others hold beside it goes as well.
      until(fn -> ExMonty.info().metered_bytes < 150_000_000 end)
    end
  end

  test "allocations are counted over the whole run" do
    code = "t = 0\nwhile True:\n    t += len(str(t) + 'x')"
    assert {:error, %Exception{type: :memory_error, message: message}} = run(code, %{max_allocations: 10_000})
    assert message == "allocation limit exceeded: more than 10000 allocations"
    assert {:ok, 2, ""} = run("1 + 1", %{max_allocations: 10_000})
  end

  describe "time" do
    test "ends a loop, uncatchably" do
      code =
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"

      {microseconds, result} = :timer.tc(fn -> run(code, %{max_duration_secs: 0.2}) end)
      assert {:error, %Exception{type: :timeout_error}} = result
      assert microseconds >= 200_000
    end

    test "is summed over turns, and waiting for Elixir is free" do
      code = "while True:\n    for _ in range(20_000):\n        pass\n    f()"
      {:ok, runner} = ExMonty.compile(code)

      assert {:error, %Exception{type: :timeout_error}, calls} =
               drive(ExMonty.start(runner, %{}, limits: %{max_duration_secs: 2}))

      assert calls > 1

      {:ok, {:function_call, _, snapshot, _}} =
        ExMonty.start(elem(ExMonty.compile("f()\n1"), 1), %{}, limits: %{max_duration_secs: 2})

      # The wait is what the test is about: longer than the limit.
      Process.sleep(2_100)
      assert {:ok, {:complete, 1, ""}} = ExMonty.resume(snapshot, {:ok, nil})
    end
  end

  test "recursion is the script's to catch" do
    code = "def f(n):\n    return f(n + 1)\ntry:\n    f(0)\nexcept RecursionError:\n    r = 'caught'\nr"
    assert {:ok, "caught", ""} = run(code, %{})
    assert {:ok, "caught", ""} = run(code, %{max_recursion_depth: 5})

    assert {:ok, 50, ""} =
             run("def f(n):\n    return n if n == 50 else f(n + 1)\nf(0)", %{max_recursion_depth: 60})
  end

  describe "output" do
    test "beyond the limit ends the run, uncatchably, and what fitted is there" do
      code = "while True:\n    try:\n        print('x' * 99)\n    except BaseException:\n        pass"

      assert {:error, %Exception{type: :memory_error, output: output} = exception} =
               run(code, %{max_output: 1000})

      assert exception.message == "output limit exceeded: more than 1000 bytes"
      assert output == String.duplicate(String.duplicate("x", 99) <> "\n", 10)
    end

    test "is summed over pauses" do
      {:ok, runner} = ExMonty.compile("while True:\n    print('x' * 99)\n    f()")
      progress = ExMonty.start(runner, %{}, limits: %{max_output: 1000})
      assert {:error, %Exception{type: :memory_error}, 10} = drive(progress)
    end

    test "up to the limit is fine" do
      assert {:ok, nil, "xxxx\n"} = run("print('xxxx')", %{max_output: 5})
      assert {:ok, 1, ""} = run("1", %{max_output: 0})
    end
  end

  test "host calls are counted, and the one beyond the limit ends the run" do
    {:ok, runner} =
      ExMonty.compile("while True:\n    try:\n        f()\n    except BaseException:\n        pass")

    progress = ExMonty.start(runner, %{}, limits: %{max_host_calls: 7})
    assert {:error, %Exception{type: :runtime_error, message: message}, 7} = drive(progress)
    assert message == "host call limit exceeded: more than 7 calls"

    assert {:error, %Exception{}} = ExMonty.start(runner, %{}, limits: %{max_host_calls: 0})
  end

  test "sleep is summed before it is slept" do
    {:ok, runner} = ExMonty.compile("import time\nwhile True:\n    time.sleep(0.4)")
    progress = ExMonty.start(runner, %{}, limits: %{max_sleep_secs: 1})
    assert {:error, %Exception{type: :timeout_error, message: "sleep limit" <> _}, 2} = drive(progress)
  end

  test "a breach is counted" do
    before = ExMonty.info().limit_breaches
    run("while True:\n    pass", %{max_duration_secs: 0.01})
    assert ExMonty.info().limit_breaches > before
  end
end
