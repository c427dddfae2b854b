defmodule ExMonty.Sandbox.ConversationTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Mount, Patience, Sandbox}

  # A function whose argument says what it does.
  defp asked(answers), do: %{"f" => fn [n | _], _kwargs -> answers.(n) end}

  defp here, do: {:ok, :erlang.pid_to_list(self()) |> to_string()}

  test "calls that follow one another are made in one process, and each has a time of its own" do
    # Together they take longer than one of them may.
    slowly = fn _n -> receive(after: (200 -> here())) end
    options = [functions: asked(slowly), callback_timeout: 5_000]

    assert {:ok, {1, 30}, ""} =
             Sandbox.run("pids = [f(n) for n in range(30)]\n(len(set(pids)), len(pids))", options)
  end

  test "a call among others that takes too long is given up on, and the others are not" do
    answers = fn
      3 -> Process.sleep(:infinity)
      _n -> here()
    end

    code = """
    pids = []
    for n in range(6):
        try:
            pids.append(f(n))
        except TimeoutError as e:
            pids.append(str(e))
    (pids[3], len(set(pids[:3])), len(set(pids[4:])), pids[0] == pids[4])
    """

    assert {:ok, {"f() did not answer within 5000 ms", 1, 1, false}, ""} =
             Sandbox.run(code, functions: asked(answers), callback_timeout: 5_000)
  end

  test "whatever a call among others does wrong is that call's exception" do
    answers = fn
      1 -> raise "no"
      2 -> Process.exit(self(), :kill)
      3 -> {:ok, self()}
      4 -> {:error, :value_error, "four"}
      5 -> :nonsense
      6 -> {:async, fn -> {:ok, 6} end}
      7 -> :undefined
      n -> {:ok, n}
    end

    code = """
    async def main():
        seen = []
        for n in range(9):
            try:
                answer = f(n)
                seen.append(await answer if n == 6 else answer)
            except Exception as e:
                seen.append(type(e).__name__ + ': ' + str(e))
        return seen

    await main()
    """

    assert {:ok, seen, ""} = Sandbox.run(code, functions: asked(answers))

    assert [
             0,
             "RuntimeError: f() failed: (RuntimeError) no",
             "RuntimeError: f() failed: its process exited with :killed",
             "TypeError: f(): " <> _,
             "ValueError: four",
             "RuntimeError: f() failed: it answered neither" <> _,
             6,
             "NameError: name 'f' is not defined",
             8
           ] = seen
  end

  test "methods and the functions of a handler take part" do
    defmodule Adder do
      @behaviour Sandbox

      @impl true
      def handle_function("add", [%{fields: %{"n" => n}}, m], _kwargs), do: {:ok, n + m}
      def handle_function("one", [], _kwargs), do: {:ok, 1}
    end

    inputs = %{p: ExMonty.Dataclass.new("P", n: 1)}
    code = "sum(p.add(one()) + twice(n) for n in range(10))"
    twice = %{"twice" => fn [n], _ -> {:ok, 2 * n} end}
    assert {:ok, 110, ""} = Sandbox.run(code, handler: Adder, functions: twice, inputs: inputs)
  end

  test "what is printed between calls is in its place" do
    code = "for n in range(3):\n    print(f(n), end=';')\n    print(f(n) + f(n), end=' ')"
    parent = self()
    on_output = fn text -> send(parent, {:printed, text}) end
    functions = asked(fn n -> {:ok, n} end)
    assert {:ok, nil, "0;0 1;2 2;4 "} = Sandbox.run(code, functions: functions, on_output: on_output)
    assert heard("") == "0;0 1;2 2;4 "
  end

  defp heard(text) do
    receive do
      {:printed, more} -> heard(text <> more)
    after
      0 -> text
    end
  end

  describe "an exit of a process that a function has left linked" do
    test "ends the functions' process in the middle of a turn, and not the run" do
      mounts = Mount.new!([{"/m", :memory}])
      parent = self()

      answers = fn
        0 ->
          linked = spawn_link(fn -> receive(do: (:go -> exit(:boom))) end)
          send(parent, {:linked, linked})
          here()

        1 ->
          here()
      end

      code = """
      from pathlib import Path
      before = f(0)
      Path('/m/waiting').write_text('')
      while not Path('/m/dead').exists():
          pass
      before == f(1)
      """

      opts = [functions: asked(answers), mounts: mounts, lease: :shared, limits: :unlimited]
      run = Task.async(fn -> Sandbox.run(code, opts) end)
      assert_receive {:linked, linked}
      Patience.until(fn -> Mount.exists?(mounts, "/m/waiting") end)
      monitor = Process.monitor(linked)
      send(linked, :go)
      assert_receive {:DOWN, ^monitor, _, _, :boom}
      Mount.write!(mounts, "/m/dead", "")
      assert Task.await(run, :infinity) == {:ok, false, ""}
    end

    test "is a message to functions that trap exits, as long as they do" do
      answers = fn
        0 -> {:ok, trap(true)}
        1 -> {:ok, elem(Process.info(self(), :trap_exit), 1)}
        2 -> {:ok, linked_exit()}
        3 -> {:ok, trap(false)}
        4 -> {:ok, elem(Process.info(self(), :trap_exit), 1)}
      end

      assert {:ok, [false, true, "boom", true, false], ""} =
               Sandbox.run("[f(n) for n in range(5)]", functions: asked(answers))
    end

    defp trap(trap?), do: Process.flag(:trap_exit, trap?)

    defp linked_exit do
      pid = spawn_link(fn -> exit(:boom) end)
      receive do: ({:EXIT, ^pid, reason} -> to_string(reason))
    end
  end

  test "who kills the functions' process while the script computes ends the run, and frees its lease" do
    mounts = Mount.new!([{"/m", :memory}])
    parent = self()

    functions = %{
      "f" => fn _, _ ->
        send(parent, {:process, self()})
        {:ok, nil}
      end
    }

    code = """
    from pathlib import Path
    f()
    Path('/m/computing').write_text('')
    while True:
        pass
    """

    opts = [functions: functions, mounts: mounts, limits: :unlimited]
    run = Task.async(fn -> Sandbox.run(code, opts) end)
    assert_receive {:process, pid}
    Patience.until(fn -> Mount.exists?(mounts, "/m/computing") end)
    Process.exit(pid, :kill)
    assert {:error, %Error{reason: :interrupted, message: message}} = Task.await(run, :infinity)
    assert message =~ ":killed"
    assert {:ok, _lease} = Mount.checkout(mounts, {:wait, 60_000})
  end

  test "nothing is left in the mailbox of the caller" do
    for options <- [[], [callback_timeout: 1]] do
      Sandbox.run("for n in range(100):\n    f(n)", [functions: asked(fn n -> {:ok, n} end)] ++ options)
    end

    assert Process.info(self(), :messages) == {:messages, []}
  end
end
