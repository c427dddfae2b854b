defmodule ExMonty.Session.LimitsTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Exception, Session}

  defp assert_raised(result, type, words \\ "") do
    assert {:error, %Exception{type: ^type, message: message}} = result
    assert message =~ words
  end

  test "each evaluation begins with all of its time, output, host calls, sleep and allocations" do
    for {limits, code, type} <- [
          {%{max_host_calls: 1}, "f()", :runtime_error},
          {%{max_output: 8}, "print('1234')", :memory_error},
          {%{max_sleep_secs: 0.01}, "import time\ntime.sleep(0.006)", :timeout_error},
          {%{max_allocations: 60_000}, "for i in range(10000):\n    str(i + 100) * 3", :memory_error}
        ] do
      session = Session.new!(limits: limits, functions: %{"f" => fn [], _ -> {:ok, nil} end})
      for _ <- 1..3, do: assert({:ok, nil, _, _} = Session.eval(session, code))
      assert_raised(Session.eval(session, Enum.map_join(1..8, "\n", fn _ -> code end)), type)
      assert {:ok, nil, _, _} = Session.eval(session, code)
    end
  end

  test "memory belongs to the session: what variables hold counts in every evaluation" do
    session = Session.new!(limits: %{max_memory: 8_000_000})
    assert {:ok, nil, "", _} = Session.eval(session, "x = 'y' * 5_000_000")
    assert_raised(Session.eval(session, "z = 'y' * 5_000_000"), :memory_error)
    assert {:ok, 5_000_000, "", _} = Session.eval(session, "len(x)")
    assert {:ok, nil, "", _} = Session.eval(session, "x = None")
    assert {:ok, nil, "", _} = Session.eval(session, "z = 'y' * 5_000_000")
  end

  test "a breach of memory leaves the session usable when what took it was the evaluation's own" do
    session = Session.new!(limits: %{max_memory: 8_000_000})
    assert {:ok, nil, "", _} = Session.eval(session, "kept = 1")
    code = "def f():\n    x = []\n    while True:\n        x.append('y' * 1000)\nf()"
    for _ <- 1..3, do: assert_raised(Session.eval(session, code), :memory_error)
    assert {:ok, 1, "", _} = Session.eval(session, "kept")
  end

  test "variables far beyond the session's memory end its evaluations, and are let go of by a larger one" do
    session = Session.new!(limits: %{max_memory: 4_000_000})
    larger = %{max_memory: 400_000_000}
    # Beyond what the engine lets anything of the session take at once.
    assert {:ok, 200_000_000, "", _} = Session.eval(session, "x = 'x' * 200_000_000\nlen(x)", limits: larger)
    assert {:error, %Exception{type: :memory_error}} = Session.eval(session, "y = [1]")
    assert {:ok, nil, "", _} = Session.eval(session, "x = None", limits: larger)
    assert {:ok, 1, "", _} = Session.eval(session, "1")
    assert ExMonty.info().turns_stranded == 0
  end

  test "after a breach by its variables every evaluation ends likewise, until one with more memory lets go of them" do
    session = Session.new!(limits: %{max_memory: 4_000_000})

    assert_raised(
      Session.eval(session, "kept = 1\nx = []\nwhile True:\n    x.append('y' * 1000)"),
      :memory_error
    )

    assert_raised(Session.eval(session, "[i for i in range(100000)]"), :memory_error)
    assert {:ok, nil, "", _} = Session.eval(session, "x = None", limits: %{max_memory: 16_000_000})
    assert {:ok, 1, "", _} = Session.eval(session, "[i for i in range(1000)]\nkept")
  end

  test "a breach cannot be caught, and what the evaluation did before it stays" do
    # The first evaluation comes to its limit, and no other one.
    session = Session.new!()

    code =
      "x = 1\ntry:\n    while True:\n        x += 1\nexcept BaseException:\n    x = -1\nfinally:\n    y = 1"

    result = Session.eval(session, code, limits: %{max_duration_secs: 2})
    assert_raised(result, :timeout_error, "time limit exceeded")
    assert {:ok, x, "", _} = Session.eval(session, "x")
    assert x > 1
    assert {:error, %Exception{type: :name_error}} = Session.eval(session, "y")
  end

  test "a breach while the evaluation waits for futures leaves the session usable" do
    session = Session.new!(limits: %{max_host_calls: 1})

    {:ok, {:function_call, _, snapshot, _}} =
      Session.start(session, "import asyncio\nx = 1\nawait asyncio.gather(f())")

    assert_raised(ExMonty.resume(snapshot, :pending), :runtime_error, "host call limit exceeded")
    assert {:ok, 1, "", _} = Session.eval(session, "x")
  end

  test "runaway recursion leaves the session usable" do
    session = Session.new!()
    assert_raised(Session.eval(session, "def f():\n    f()\nf()"), :recursion_error)
    assert_raised(Session.eval(session, "f()"), :recursion_error)
    assert {:ok, 1, "", _} = Session.eval(session, "1")
  end

  test "what leaves the session is not counted as its own any longer" do
    session = Session.new!(limits: %{max_memory: 8_000_000})

    # Results, output and exceptions, thirty times what the session may hold.
    for _ <- 1..60 do
      assert {:ok, value, output, _} = Session.eval(session, "print('o' * 1_000_000)\n'y' * 2_000_000")
      assert {byte_size(value), byte_size(output)} == {2_000_000, 1_000_001}
      assert_raised(Session.eval(session, "raise ValueError('z' * 1_000_000)"), :value_error, "zzz")
    end

    assert {:ok, 6_000_000, "", _} = Session.eval(session, "len('y' * 6_000_000)")
  end

  test "inputs are counted while variables hold them" do
    session = Session.new!(limits: %{max_memory: 8_000_000})
    text = String.duplicate("y", 3_000_000)
    assert {:ok, nil, "", _} = Session.eval(session, "a = x", inputs: %{x: text})
    assert {:ok, nil, "", _} = Session.eval(session, "x = None\nb = y", inputs: %{y: text})
    assert_raised(Session.eval(session, "c = z + '!'", inputs: %{z: text}), :memory_error)
  end

  test "a timeout ends an evaluation in its first turn, whose output is heard meanwhile, and the session stays" do
    test = self()
    {:ok, session} = Session.new(limits: %{max_duration_secs: 100_000}, on_output: &send(test, {:heard, &1}))
    {:ok, nil, "", session} = Session.eval(session, "kept = 1")
    code = "print('line')\nprint('rest', end='')\nwhile True: pass"

    assert {:error, %{type: :timeout_error, output: "line\nrest"} = exception} =
             Session.eval(session, code, timeout: 5_000)

    assert exception.message == "the run did not end within its timeout of 5000 ms"
    assert heard() == "line\nrest"
    assert {:ok, 1, "", _session} = Session.eval(session, "kept", timeout: 60_000)
  end

  test "output of the first turn of an evaluation is heard while it computes" do
    test = self()

    run =
      Task.async(fn ->
        {:ok, session} =
          Session.new(limits: %{max_duration_secs: 100_000}, on_output: &send(test, {:heard, &1}))

        Session.eval(session, "print('line')\nwhile True: pass")
      end)

    assert_receive {:heard, "line\n"}
    assert Task.yield(run, 0) == nil
    Task.shutdown(run, :brutal_kill)
  end

  defp heard(text \\ "") do
    receive do
      {:heard, more} -> heard(text <> more)
    after
      0 -> text
    end
  end
end
