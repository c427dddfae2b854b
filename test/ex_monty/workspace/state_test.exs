defmodule ExMonty.Workspace.StateTest do
  use ExUnit.Case, async: true

  alias ExMonty.Workspace.State
  alias ExMonty.Workspace.State.Work

  defp step(id), do: %Work{kind: :step, task: id, from: id, monitor: {:monitor, id}}
  defp upkeep(id), do: %Work{kind: :upkeep, task: id, from: id, monitor: {:monitor, id}}
  defp resumption(tag, id), do: %Work{kind: :resumption, task: {tag, id}, from: id, monitor: {:monitor, id}}

  defp asked(works, state \\ State.new()) do
    Enum.reduce(works, state, fn work, state ->
      {:ok, state} = State.ask(state, work)
      state
    end)
  end

  defp begun(state) do
    assert {:begin, work, state} = State.next(state)
    {work.task, state}
  end

  test "work is done one at a time, in the order of asking" do
    state = asked([step(1), upkeep(2), step(3)])
    assert {1, state} = begun(state)
    assert State.next(state) == :wait
    assert {2, state} = begun(State.finish(state, nil))
    assert {3, state} = begun(State.finish(state, nil))
    assert State.next(State.finish(state, nil)) == :wait
  end

  test "while a step is suspended, steps wait and everything else does not" do
    {1, state} = begun(asked([step(1), step(2), upkeep(3), step(4), upkeep(5)]))
    state = State.finish(state, %{tag: :t})
    assert State.status(state) == :suspended
    assert {3, state} = begun(state)
    assert {5, state} = begun(State.finish(state, nil))
    state = State.finish(state, nil)
    assert State.next(state) == :wait
    assert State.idle?(state)
    state = asked([resumption(:t, "answer")], state)
    assert {{%{tag: :t}, "answer"}, state} = begun(state)
    assert {2, state} = begun(State.finish(state, nil))
    assert {4, _state} = begun(State.finish(state, nil))
  end

  test "a resumption is next, whatever waits, and is claimed when it is asked for" do
    {1, state} = begun(asked([step(1)]))
    {:up, state} = begun(asked([upkeep(:up), upkeep(:later)], State.finish(state, %{tag: :t})))
    state = asked([resumption(:t, 1)], state)
    assert State.ask(state, resumption(:t, 2)) == {:error, :already_resumed}
    assert State.ask(state, resumption(:other, 2)) == {:error, :unknown_suspension}
    assert {{%{tag: :t}, 1}, state} = begun(State.finish(state, nil))
    # It may leave the suspension as it was, and then it can be resumed again.
    state = State.finish(state, %{tag: :t})
    assert {:ok, _state} = State.ask(state, resumption(:t, 3))
  end

  test "without patience only what can begin at once is accepted" do
    idle = State.new()
    assert {:ok, _} = State.ask(idle, step(1), :now)
    {1, working} = begun(asked([step(1)]))
    assert State.ask(working, step(2), :now) == {:error, :busy}
    suspended = State.finish(working, %{tag: :t})
    assert State.ask(suspended, step(2), :now) == {:error, :busy}
    assert {:ok, _} = State.ask(suspended, upkeep(2), :now)
    assert State.ask(asked([step(1)], suspended), upkeep(2), :now) == {:error, :busy}
    # What nobody has asked for keeps nobody out.
    {:sleep, sleepy} = begun(asked([%Work{kind: :upkeep, task: :sleep}]))
    assert {:ok, sleepy} = State.ask(sleepy, step(3), :now)
    assert {3, _state} = begun(State.finish(sleepy, nil))
  end

  test "what nobody waits for any more is not begun, but for a resumption, which is claimed" do
    {1, state} = begun(asked([step(1), step(2), step(3)]))
    state = State.abandon(state, {:monitor, 2})
    state = State.abandon(state, {:monitor, 1})
    assert {3, state} = begun(State.finish(state, nil))
    state = State.finish(state, %{tag: :t})
    state = State.abandon(asked([resumption(:t, 9)], state), {:monitor, 9})
    assert {{%{tag: :t}, 9}, _} = begun(state)
  end

  test "draining gives everything back in order, a claimed suspension included" do
    {1, state} = begun(asked([step(1)]))
    {:up, state} = begun(asked([upkeep(:up), step(2)], State.finish(state, %{tag: :t})))
    state = asked([resumption(:t, :answer), upkeep(3)], state)
    {works, state} = State.drain(State.finish(state, nil))
    assert Enum.map(works, & &1.task) == [{:t, :answer}, 2, 3]
    assert state.suspension == %{tag: :t}
    assert {:ok, _} = State.ask(state, hd(works))
  end

  test "that a tag was resumed is remembered for a while, and a tag may be used again" do
    state =
      Enum.reduce(1..40, State.new(), fn n, state ->
        {_, state} = begun(asked([step(n)], state))
        {_, state} = begun(asked([resumption(n, :ok)], State.finish(state, %{tag: n})))
        State.finish(state, nil)
      end)

    assert State.ask(state, resumption(40, :ok)) == {:error, :already_resumed}
    assert State.ask(state, resumption(1, :ok)) == {:error, :unknown_suspension}
    {_, state} = begun(asked([step(:again)], state))
    assert {:ok, _} = State.ask(State.finish(state, %{tag: 40}), resumption(40, :ok))
  end

  # Against a model that keeps nothing but lists of what was asked and of what was done.
  test "any order of asking, finishing, suspending and giving up keeps every promise" do
    :rand.seed(:exsss, {7, 1, 2026})

    for _ <- 1..300 do
      Enum.reduce(1..60, %{state: State.new(), done: [], open: [], dropped: [], n: 0}, fn _, run ->
        run |> event(:rand.uniform(10)) |> check()
      end)
    end
  end

  defp event(run, kind) when kind in 1..3, do: ask(run, step(run.n))
  defp event(run, 4), do: ask(run, upkeep(run.n))
  defp event(%{state: %{suspension: %{tag: tag}}} = run, 5), do: ask(run, resumption(tag, run.n))
  defp event(run, 5), do: run

  defp event(run, 6) do
    case Enum.reject(run.open, &(&1.kind == :resumption or &1 == run.state.working)) do
      [] ->
        run

      open ->
        work = Enum.random(open)

        %{
          run
          | state: State.abandon(run.state, work.monitor),
            open: List.delete(run.open, work),
            dropped: [work | run.dropped]
        }
    end
  end

  defp event(%{state: %{working: nil}} = run, _kind) do
    case State.next(run.state) do
      {:begin, work, state} -> %{run | state: state, done: [work | run.done]}
      :wait -> run
    end
  end

  defp event(%{state: %{working: work}} = run, kind) do
    suspension = if work.kind != :upkeep and kind == 7, do: %{tag: {:tag, run.n}}
    state = State.finish(run.state, suspension)
    %{run | state: state, n: run.n + 1, open: Enum.reject(run.open, &(&1.monitor == work.monitor))}
  end

  defp ask(run, work) do
    {:ok, state} = State.ask(run.state, work)
    %{run | state: state, open: run.open ++ [work], n: run.n + 1}
  end

  defp check(run) do
    begun = Enum.map(run.done, & &1.monitor)
    assert begun == Enum.uniq(begun)
    for work <- run.dropped, do: refute(work.monitor in begun)

    # Within a kind, the order is that of asking.
    for kind <- [:step, :upkeep] do
      numbers = for %{kind: ^kind, monitor: {:monitor, n}} <- Enum.reverse(run.done), do: n
      assert numbers == Enum.sort(numbers)
    end

    # Everybody who waits is in the queue or being served, and nobody else is.
    {queue, _state} = State.drain(run.state)
    assert length(queue) == State.waiting(run.state)
    waiting = Enum.map(queue, & &1.monitor)
    served = if run.state.working, do: [run.state.working.monitor], else: []
    assert Enum.sort(waiting ++ served) == Enum.sort(Enum.map(run.open, & &1.monitor))

    # No step is being done beside a suspended one.
    if run.state.suspension, do: refute(match?(%{kind: :step}, run.state.working))
    run
  end
end
