defmodule ExMonty.Sandbox.OutputTest do
  use ExUnit.Case, async: true

  alias ExMonty.Sandbox

  defp hear do
    test = self()
    fn text -> send(test, {:heard, text}) end
  end

  defp heard(acc \\ []) do
    receive do
      {:heard, text} -> heard([acc, text])
    after
      0 -> IO.iodata_to_binary(acc)
    end
  end

  test "is told in order, all of it, and once, also when it is in the result" do
    code = """
    import sys
    print('one')
    tick()
    print('two', file=sys.stderr)
    tick()
    print('three', end='')
    """

    functions = %{tick: fn _, _ -> {:ok, nil} end}
    assert {:ok, nil, output} = Sandbox.run(code, functions: functions, on_output: hear())
    assert output == "one\ntwo\nthree"
    assert heard() == output
  end

  test "is told at a pause, before the run goes on" do
    test = self()

    ask = fn _, _ ->
      send(test, {:asked, self()})
      receive do: (:go -> {:ok, nil})
    end

    run =
      Task.async(fn ->
        Sandbox.run("print('before')\nask()\nprint('after')",
          functions: %{ask: ask},
          on_output: &send(test, {:heard, &1}),
          callback_timeout: :infinity
        )
      end)

    assert_receive {:asked, pid}
    assert_receive {:heard, "before\n"}
    send(pid, :go)
    assert {:ok, nil, "before\nafter\n"} = Task.await(run, :infinity)
    assert_received {:heard, "after\n"}
  end

  test "is told while the run computes" do
    # The run ends only by its timeout, long after this test has heard the text.
    hear = hear()

    run =
      Task.async(fn ->
        code = "print('line')\nprint('no newline', end='')\nwhile True: pass"
        Sandbox.run(code, on_output: hear, timeout: 1_000_000, limits: %{max_duration_secs: 1_000})
      end)

    assert hear_until("line\nno newline")
    assert Task.yield(run, 0) == nil
    Task.shutdown(run, :brutal_kill)
  end

  defp hear_until(text, heard \\ "") do
    if heard == text do
      true
    else
      assert_receive {:heard, more}
      hear_until(text, heard <> more)
    end
  end

  test "is told whole, however much it is" do
    code = "for i in range(20000): print(i, 'x' * 50)"
    assert {:ok, nil, output} = Sandbox.run(code, on_output: hear())
    assert heard() == output
  end

  test "is told of a run that fails, or is over" do
    assert {:error, %{type: :zero_division_error}} = Sandbox.run("print('x')\n1 / 0", on_output: hear())
    assert heard() == "x\n"

    assert {:error, %{type: :timeout_error, output: "y\n"}} =
             Sandbox.run("print('y')\nimport time\ntime.sleep(50)", on_output: hear(), timeout: 5_000)

    assert heard() == "y\n"
  end

  # Of the log's handlers: tells a process what ExMonty logs.
  def log(%{msg: {:string, text}, meta: %{domain: [:ex_monty]}}, %{config: test}),
    do: send(test, {:logged, text})

  def log(_event, _config), do: :ok

  defp catch_log do
    silence = fn
      %{meta: %{domain: [:ex_monty]}}, _ -> :stop
      _event, _ -> :ignore
    end

    # What writes to the terminal has a name that depends on the version of Elixir.
    others = :logger.get_handler_ids()
    :ok = :logger.add_handler(__MODULE__, __MODULE__, %{config: self()})
    for other <- others, do: :ok = :logger.add_handler_filter(other, __MODULE__, {silence, nil})

    on_exit(fn ->
      :logger.remove_handler(__MODULE__)
      for other <- others, do: :logger.remove_handler_filter(other, __MODULE__)
    end)
  end

  test "is told to whatever raises, throws or dies, and the run goes on" do
    test = self()
    catch_log()

    for failing <- [
          fn _ -> raise "no" end,
          fn _ -> throw(:no) end,
          fn _ -> exit(:no) end,
          fn _ -> Process.exit(self(), :kill) end
        ] do
      on_output = fn text ->
        send(test, {:heard, text})
        failing.(text)
      end

      assert {:ok, 1, "x\ny\n"} =
               Sandbox.run("print('x')\nf()\nprint('y')\n1",
                 functions: %{f: fn _, _ -> {:ok, nil} end},
                 on_output: on_output
               )

      assert_received {:heard, "x\n" <> _}
      heard()
    end

    for reason <- ["(RuntimeError) no", "it threw :no", "it exited with :no"] do
      assert_received {:logged, logged}
      assert to_string(logged) == "ExMonty: :on_output failed: " <> reason
    end

    refute_received {:logged, _}
  end

  test "is told to a process of its own, which knows its callers and ends with the run" do
    test = self()
    on_output = fn _text -> send(test, {:listener, self(), Process.get(:"$callers")}) end
    assert {:ok, nil, "x\n"} = Sandbox.run("print('x')", on_output: on_output)
    assert_received {:listener, pid, [^test | _]}
    assert pid != test
    refute Process.alive?(pid)
  end

  test "that nobody listens to in time does not keep the run for longer than a callback may take" do
    test = self()

    on_output = fn _text ->
      send(test, {:stuck, self()})
      receive do: (:never -> :ok)
    end

    assert {:ok, 1, "x\n"} = Sandbox.run("print('x')\n1", on_output: on_output, callback_timeout: 5_000)
    assert_received {:stuck, pid}
    refute Process.alive?(pid)
    assert Process.info(self(), :messages) == {:messages, []}
  end
end
