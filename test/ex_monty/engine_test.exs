defmodule ExMonty.EngineTest do
  # Alone, because what it says of the engine would not hold beside the other tests' runs.
  use ExUnit.Case, async: false

  import ExMonty.Patience

  alias ExMonty.Exception

  @loop "while True:\n    pass"

  # A turn counts as running until a moment after its answer, and what earlier tests abandoned may compute on.
  setup do: until(&at_rest?/0)

  defp at_rest?, do: match?(%{turns_abandoned: 0, turns_running: 0, turns_queued: 0}, ExMonty.info())

  test "two hundred runs at once each get their own answer" do
    {:ok, runner} = ExMonty.compile("print(n)\nsum(range(n * 100))", inputs: [:n])

    1..200
    |> Task.async_stream(&{&1, ExMonty.run(runner, %{n: &1})}, max_concurrency: 200, timeout: :infinity)
    |> Enum.each(fn {:ok, {n, result}} ->
      assert result == {:ok, div(n * 100 * (n * 100 - 1), 2), "#{n}\n"}
    end)
  end

  test "two hundred runs that pause hold no thread each" do
    {:ok, runner} = ExMonty.compile("f(n) + 1", inputs: [:n])
    paused = for n <- 1..200, do: ExMonty.start(runner, %{n: n})
    assert ExMonty.info().runs_paused >= 200
    until(fn -> ExMonty.info().turns_running == 0 end)

    for {{:ok, {:function_call, call, snapshot, ""}}, n} <- Enum.zip(paused, 1..200) do
      assert call.args == [n]
      assert ExMonty.resume(snapshot, {:ok, n}) == {:ok, {:complete, n + 1, ""}}
    end
  end

  test "endless loops on twice the cores leave room for a trivial run, and for everybody else" do
    loops =
      for _ <- 1..(2 * System.schedulers_online()) do
        Task.async(fn -> ExMonty.eval(@loop, limits: :unlimited) end)
      end

    until(fn -> ExMonty.info().turns_running >= length(loops) end)
    for _ <- 1..20, do: assert(ExMonty.eval("1 + 1") == {:ok, 2, ""})
    # Dirty schedulers are free: this one uses them.
    assert {:ok, _} = File.read(__ENV__.file)
    # All of them were still looping when the trivial ones were through.
    assert ExMonty.info().turns_running >= length(loops)

    for loop <- loops, do: Task.shutdown(loop, :brutal_kill)
    until(fn -> ExMonty.info().turns_running == 0 end)
  end

  describe "depth" do
    test "of functions ends in RecursionError" do
      assert {:error, %Exception{type: :recursion_error}} = ExMonty.eval("def f():\n    f()\nf()")
    end

    test "of the largest limit fits on the stack" do
      limits = %{max_recursion_depth: 10_000, max_memory: :unlimited}

      for body <- [
            "return f()",
            "return [f()][0]",
            "return sorted([2, 1], key=lambda x: f())",
            "return max(f(), 1)"
          ] do
        assert {:error, %Exception{type: :recursion_error}} =
                 ExMonty.eval("def f():\n    #{body}\nf()", limits: limits)
      end

      for operation <- [
            "repr(x)",
            "x == y",
            "hash(t)",
            "x < y",
            "str(x)",
            "sorted([x, y])",
            "copy.deepcopy(x)"
          ] do
        code = """
        import copy
        x, y, t, d, e = [], [], (), {}, {}
        for _ in range(9_900):
            x, y, t, d, e = [x], [y], (t,), {1: d}, {1: e}
        try:
            r = len(str(#{operation}))
        except RecursionError:
            r = 'deep'
        1
        """

        assert {:ok, 1, ""} = ExMonty.eval(code, limits: limits), operation
      end
    end

    test "of data is freed without harm, whether a run ends, is dropped, or is dropped while paused" do
      deep = "x = []\nfor _ in range(1_000_000):\n    x = [x]\n"
      limits = %{max_memory: :unlimited}
      assert {:ok, 1, ""} = ExMonty.eval(deep <> "1", limits: limits)
      {:ok, runner} = ExMonty.compile(deep <> "f()")
      before = ExMonty.info().runs_paused

      task =
        Task.async(fn ->
          {:ok, {:function_call, _, _, _}} = ExMonty.start(runner, %{}, limits: limits)
          :ok
        end)

      assert Task.await(task, :infinity) == :ok
      :erlang.garbage_collect()
      until(fn -> ExMonty.info().runs_paused <= before end)
      assert ExMonty.eval("1") == {:ok, 1, ""}
    end

    test "of the source is an error or an answer, and never the end" do
      brackets = fn depth -> String.duplicate("[", depth) <> String.duplicate("]", depth) end

      for source <- [
            brackets.(190),
            brackets.(100_000),
            String.duplicate("(", 100_000),
            "1" <> String.duplicate("+1", 100_000),
            "not " |> String.duplicate(60_000) |> Kernel.<>("1"),
            String.duplicate("-", 200_000) <> "1",
            "x" <> String.duplicate(".a", 100_000),
            "f" <> String.duplicate("()", 100_000),
            "1 if 1 else " |> String.duplicate(20_000) |> Kernel.<>("1"),
            "lambda: " |> String.duplicate(30_000) |> Kernel.<>("1"),
            Enum.map_join(0..600, "\n", &(String.duplicate(" ", &1) <> "if 1:")) <> " 1",
            "f'" <> String.duplicate("{f\"", 200) <> "'"
          ] do
        case ExMonty.eval(source) do
          {:ok, _, _} -> :ok
          {:error, %Exception{}} -> :ok
          {:error, %ExMonty.Error{reason: reason}} -> assert reason in [:value_too_deep, :source_too_large]
        end
      end

      # What the interpreter takes, it also answers.
      assert {:ok, _, ""} = ExMonty.eval("r = " <> brackets.(190) <> "\n1")
      assert ExMonty.eval("1" <> String.duplicate("+1", 150)) == {:ok, 151, ""}
    end
  end

  test "a large answer is built away from the schedulers, a small one comes at once; both are right" do
    for size <- [0, 1, 499, 500, 501, 100_000] do
      expected = Enum.to_list(0..(size - 1)//1)
      assert {:ok, ^expected, ""} = ExMonty.eval("list(range(#{size}))")
    end

    for size <- [0, 1, 262_143, 262_145, 5_000_000] do
      assert {:ok, text, printed} = ExMonty.eval("print('y' * #{size}, end='')\n'x' * #{size}")
      assert {byte_size(text), byte_size(printed)} == {size, size}
    end
  end

  test "a large question and a large answer cross both ways" do
    {:ok, runner} = ExMonty.compile("len(f(list(range(50_000)), 'x' * 1_000_000))")
    {:ok, {:function_call, call, snapshot, ""}} = ExMonty.start(runner)
    assert [numbers, text] = call.args
    assert {length(numbers), byte_size(text)} == {50_000, 1_000_000}
    assert {:ok, {:complete, 100_000, ""}} = ExMonty.resume(snapshot, {:ok, Enum.to_list(1..100_000)})
  end

  test "a caller that dies leaves no run behind" do
    {:ok, runner} = ExMonty.compile("x = 'x' * 10_000_000\nf()")
    before = ExMonty.info().runs_paused
    test = self()

    {pid, monitor} =
      spawn_monitor(fn ->
        paused = for _ <- 1..10, do: ExMonty.start(runner)
        send(test, :paused)
        Process.sleep(:infinity)
        paused
      end)

    assert_receive :paused
    assert ExMonty.info().runs_paused >= before + 10
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
    until(fn -> ExMonty.info().runs_paused <= before end)
  end

  test "a caller that dies during a turn leaves the engine as it was" do
    {pid, monitor} = spawn_monitor(fn -> ExMonty.eval(@loop, limits: :unlimited) end)
    until(fn -> ExMonty.info().turns_running == 1 end)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
    until(fn -> ExMonty.info().turns_running == 0 end)
    assert ExMonty.eval("1") == {:ok, 1, ""}
  end

  test "runs beyond the threads wait in a queue and all end" do
    overloads = ExMonty.info().overloads

    loops =
      for _ <- 1..(40 * System.schedulers_online()) do
        Task.async(fn -> ExMonty.eval(@loop, limits: %{max_duration_secs: 0.02}) end)
      end

    for loop <- loops do
      assert {:error, %Exception{type: :timeout_error}} = Task.await(loop, :infinity)
    end

    # However few cores there were for them, none is taken for stuck, and nothing was refused on their account.
    assert %{turns_stuck: 0, overloads: ^overloads} = info = ExMonty.info()
    assert info.threads <= 32 * System.schedulers_online()
    until(&at_rest?/0)
  end

  test "what all runs hold is back where it was when they are gone" do
    :erlang.garbage_collect()
    before = ExMonty.info().metered_bytes

    for _ <- 1..50 do
      {:ok, runner} = ExMonty.compile("x = ['y' * 100 for _ in range(1000)]\nf(x)")
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
      {:ok, {:complete, _, _}} = ExMonty.resume(snapshot, {:ok, String.duplicate("z", 100_000)})
      {:ok, {:function_call, _, _dropped, _}} = ExMonty.start(runner)
    end

    until(fn ->
      :erlang.garbage_collect()
      # What earlier tests left behind may go meanwhile as well.
      ExMonty.info().metered_bytes - before < 1_000_000
    end)
  end
end
