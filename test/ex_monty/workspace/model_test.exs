defmodule ExMonty.Workspace.ModelTest do
  use ExUnit.Case, async: true

  # Random lives of a workspace beside a plain model: a map of variables, a map of files, the step that is suspended
  # and what it still has to do, and those that wait behind it. After each event the workspace is what the model is.
  #
  # Some of the events are deaths of the workspace's process: between two steps; in a step or a resumption that is held at
  # a gate; in a save, whose put is held and then made, or not; and at any moment, where the model is what is found, if that
  # is one of the two that it may be. What starts from the store afterwards must be the model, and name the lost step.
  #
  # `EX_MONTY_CASES=500 EX_MONTY_SEED=7 mix test test/ex_monty/workspace/model_test.exs` asks for more, and others.

  import ExUnit.CaptureLog
  import ExMonty.Test.WorkspaceModel, except: [begin: 0]

  alias ExMonty.Test.{FlakyStore, WorkspaceModel, Workspaces}
  alias ExMonty.{Error, Exception, Workspace}

  @cases String.to_integer(System.get_env("EX_MONTY_CASES", "25"))
  @seed String.to_integer(System.get_env("EX_MONTY_SEED", "1"))
  @events 30
  @names ~w(a b c)

  defstruct [
    :ws,
    :opts,
    :store,
    :hold,
    steps: 0,
    vars: %{},
    files: %{},
    suspended: nil,
    waiting: [],
    tags: 0,
    events: []
  ]

  @tag timeout: :infinity
  test "files, variables and the order of steps are always the model's" do
    capture_log(fn -> Enum.each(1..@cases, &life/1) end)
  end

  defp life(number) do
    :rand.seed(:exsss, {@seed, number, 42})
    life = begin()

    try do
      Enum.reduce(1..@events, life, fn _, life ->
        event = choose(life)
        Process.put(:events, [event | Process.get(:events, [])])
        life |> apply_event(event) |> compare()
      end)
      |> finish()
    rescue
      error ->
        IO.puts(
          "case #{number} of seed #{@seed}: #{inspect(Enum.reverse(Process.get(:events)), limit: :infinity)}"
        )

        reraise error, __STACKTRACE__
    end

    Process.delete(:events)
  end

  defp begin do
    {:ok, store} = FlakyStore.start_link()
    Process.flag(:trap_exit, true)

    {hold, test} = {:atomics.new(1, []), self()}

    opts = [
      name: :"model-#{inspect(store)}",
      store: {FlakyStore, store},
      key: "k",
      mounts: [{"/w", :memory}],
      callback_timeout: :infinity,
      functions: %{
        "suspend" => fn [tag], _ -> {:suspend, tag} end,
        "gate" => fn [], _ -> if(:atomics.get(hold, 1) == 1, do: held(test), else: {:ok, nil}) end
      }
    ]

    {:ok, ws} = Workspace.start_link(opts)
    {vars, files, code} = WorkspaceModel.begin()
    {:ok, _, _} = Workspace.run(ws, code)
    %__MODULE__{ws: ws, opts: opts, store: store, hold: hold, vars: vars, files: files}
  end

  defp held(test), do: send(test, :at_the_gate) && Process.sleep(:infinity)

  ## Events

  defp choose(%{suspended: nil}) do
    case :rand.uniform(24) do
      n when n <= 5 -> {:step, effect(), :succeeds, on_error()}
      n when n <= 8 -> {:step, effect(), :fails, on_error()}
      n when n <= 11 -> {:suspend, effect(), effect(), ending(), on_error()}
      12 -> {:not_saved, effect()}
      21 -> {:kill_in_step, effect(), on_error()}
      22 -> {:kill_in_save, effect(), Enum.random(["step/", "head/"]), Enum.random([:made, :not_made])}
      n when n >= 23 -> {:kill_at_any_time, effect(), :rand.uniform(2_000)}
      n -> anywhere(n)
    end
  end

  defp choose(%{waiting: waiting}) do
    case :rand.uniform(23) do
      n when n <= 7 -> :resume
      21 -> :kill_in_resumption
      22 -> {:kill_in_save_of_resumption, Enum.random([:made, :not_made])}
      23 -> {:kill_resumption_at_any_time, :rand.uniform(2_000)}
      n when n <= 10 and length(waiting) < 4 -> {:step_behind, effect()}
      n when n <= 12 -> :resume_wrongly
      n -> anywhere(n)
    end
  end

  defp anywhere(n) when n in 13..14, do: {:host_write, Enum.random(@names), :rand.uniform(1000)}
  defp anywhere(15), do: :fork_and_go_on_in_it
  defp anywhere(16), do: {:fork_and_leave_it, effect()}
  defp anywhere(17), do: :dump_and_load
  defp anywhere(n) when n in 18..19, do: :kill
  defp anywhere(_n), do: :busy

  defp on_error, do: Enum.random([:keep, :rollback])
  defp ending, do: Enum.random([:succeeds, :fails])

  ## What they do

  defp apply_event(life, {:step, effect, :succeeds, on_error}) do
    assert {:ok, nil, ""} = Workspace.run(life.ws, python(effect), on_error: on_error)
    model(life, effect)
  end

  defp apply_event(life, {:step, effect, :fails, on_error}) do
    assert {:error, %Exception{}} = Workspace.run(life.ws, python(effect) <> "\n1 / 0", on_error: on_error)
    if on_error == :keep, do: model(life, effect), else: life
  end

  defp apply_event(life, {:suspend, first, second, ending, on_error}) do
    tag = "tag-#{life.tags}"
    last = if ending == :fails, do: "1 / 0", else: "answer"
    code = Enum.join([python(first), "answer = suspend('#{tag}')", python(second), "gate()", last], "\n")
    assert {:suspended, ^tag, ""} = Workspace.run(life.ws, code, on_error: on_error)

    suspended = %{
      tag: tag,
      second: second,
      ending: ending,
      on_error: on_error,
      before: {life.vars, life.files}
    }

    %{model(life, first) | suspended: suspended, tags: life.tags + 1}
  end

  defp apply_event(life, :resume) do
    %{tag: tag} = suspended = life.suspended
    outcome = Workspace.resume(life.ws, tag, {:ok, tag})

    if suspended.ending == :succeeds,
      do: assert(outcome == {:ok, tag, ""}),
      else: assert({:error, %Exception{}} = outcome)

    life = resumed(life)

    # Those that waited have been done now, in the order of asking.
    life =
      Enum.reduce(life.waiting, life, fn {task, effect}, life ->
        assert Task.await(task, :infinity) == {:ok, nil, ""}
        model(life, effect)
      end)

    %{life | suspended: nil, waiting: []}
  end

  defp apply_event(life, {:kill_in_step, effect, on_error}) do
    code = python(effect) <> "\ngate()"
    held(life, &Workspace.run(&1, code, on_error: on_error), {:begun, code})
  end

  defp apply_event(life, :kill_in_resumption) do
    %{tag: tag} = life.suspended
    life |> give_up_waiting() |> held(&Workspace.resume(&1, tag, {:ok, tag}), nil)
  end

  defp apply_event(life, {:kill_in_save, effect, place, put}) do
    code = python(effect)
    life = killed_in_save(life, &Workspace.run(&1, code), place, put)

    case {place, put} do
      {"head/", :made} -> life |> model(effect) |> lost(nil)
      {"step/", :not_made} -> lost(life, nil)
      _begun_and_not_known_to_have_ended -> lost(life, {:begun, code})
    end
  end

  defp apply_event(life, {:kill_in_save_of_resumption, put}) do
    %{tag: tag} = life.suspended
    life = life |> give_up_waiting() |> killed_in_save(&Workspace.resume(&1, tag, {:ok, tag}), "head/", put)
    lost(if(put == :made, do: %{resumed(life) | suspended: nil}, else: life), nil)
  end

  defp apply_event(life, {:kill_at_any_time, effect, microseconds}) do
    code = python(effect)
    {outcome, life} = killed_at(life, &Workspace.run(&1, code), microseconds)
    done? = length(order(life)) > length(life.vars["order"])
    if outcome != :died, do: assert(done?)
    # One that was not even noted left no trace.
    lost = if not done? and Workspace.info(life.ws).lost, do: {:begun, code}
    life = if done?, do: model(life, effect), else: life
    lost(life, lost)
  end

  defp apply_event(life, {:kill_resumption_at_any_time, microseconds}) do
    %{tag: tag} = life.suspended
    life = give_up_waiting(life)
    {outcome, life} = killed_at(life, &Workspace.resume(&1, tag, {:ok, tag}), microseconds)
    done? = Workspace.suspensions(life.ws) == []
    if outcome != :died, do: assert(done?)
    lost(if(done?, do: %{resumed(life) | suspended: nil}, else: life), nil)
  end

  defp apply_event(life, :resume_wrongly) do
    assert {:error, %Error{reason: :unknown_suspension}} = Workspace.resume(life.ws, "no such tag", {:ok, 1})
    assert {:error, %Error{}} = Workspace.resume(life.ws, life.suspended.tag, {:ok, self()})
    life
  end

  defp apply_event(life, {:step_behind, effect}) do
    ws = life.ws
    task = Task.async(fn -> Workspace.run(ws, python(effect)) end)
    Workspaces.until(fn -> Workspace.info(ws).queued == length(life.waiting) + 1 end)
    %{life | waiting: life.waiting ++ [{task, effect}]}
  end

  defp apply_event(life, :busy) do
    if life.suspended, do: assert(Workspace.run(life.ws, "1", queue: false) == {:error, :busy})
    life
  end

  defp apply_event(life, {:host_write, name, n}) do
    assert Workspace.write(life.ws, "/w/#{name}", "#{n}") == :ok
    put_in(life.files[name], "#{n}")
  end

  defp apply_event(life, {:not_saved, effect}) do
    FlakyStore.fail(life.store, fn function, _key -> function == :put end)
    assert {:error, {:not_saved, :disk_full, {:ok, nil, ""}}} = Workspace.run(life.ws, python(effect))
    FlakyStore.fail(life.store, nil)
    life = model(life, effect)
    # The next save has it.
    apply_event(life, {:host_write, "a", 1})
  end

  defp apply_event(life, :fork_and_go_on_in_it) do
    {:ok, fork} = Workspace.fork(life.ws)
    life = give_up_waiting(life)
    :ok = Workspace.stop(life.ws)
    :ok = Workspace.delete(life.opts[:store], life.opts[:name])
    # It is not stored under the name yet: that takes a dump, so its dump takes the place.
    {:ok, dump} = Workspace.dump(fork)
    :ok = Workspace.stop(fork)
    {:ok, ws} = Workspace.start_link([from: dump] ++ life.opts)
    %{life | ws: ws}
  end

  defp apply_event(life, {:fork_and_leave_it, effect}) do
    {:ok, fork} = Workspace.fork(life.ws)

    if life.suspended do
      assert Workspace.suspensions(fork) == [life.suspended.tag]
      assert {kind, _, _} = Workspace.resume(fork, life.suspended.tag, {:ok, 1}) |> padded()
      assert kind == if(life.suspended.ending == :succeeds, do: :ok, else: :error)
    end

    assert {:ok, nil, ""} = Workspace.run(fork, python(effect))
    assert :ok = Workspace.write(fork, "/w/only-in-the-fork", "x")
    :ok = Workspace.stop(fork)
    life
  end

  defp apply_event(life, :dump_and_load) do
    {:ok, dump} = Workspace.dump(life.ws)
    life = give_up_waiting(life)
    :ok = Workspace.stop(life.ws)
    :ok = Workspace.delete(life.opts[:store], life.opts[:name])
    {:ok, ws} = Workspace.start_link([from: dump] ++ life.opts)
    %{life | ws: ws}
  end

  defp apply_event(life, :kill), do: life |> give_up_waiting() |> killed() |> restarted() |> lost(nil)

  ## Deaths

  defp held(life, work, lost) do
    :atomics.put(life.hold, 1, 1)
    caller = caller(life, work)
    assert_receive :at_the_gate
    :atomics.put(life.hold, 1, 0)
    life = killed(life)
    assert Task.await(caller, :infinity) == :died
    life |> restarted() |> lost(lost)
  end

  defp killed_in_save(life, work, place, put) do
    FlakyStore.hold(life.store, place)
    caller = caller(life, work)
    store = FlakyStore.held()
    life = killed(life)
    FlakyStore.let_go(store, put)
    FlakyStore.fail(life.store, nil)
    assert Task.await(caller, :infinity) == :died
    restarted(life)
  end

  defp killed_at(life, work, microseconds) do
    caller = caller(life, work)
    Workspaces.spin(microseconds)
    life = killed(life)
    {Task.await(caller, :infinity), restarted(life)}
  end

  defp caller(%{ws: ws}, work), do: Workspaces.caller(fn -> work.(ws) end)

  defp killed(%{ws: ws} = life) do
    steps = Workspace.info(ws).steps
    Process.exit(ws, :kill)
    assert_receive {:EXIT, ^ws, :killed}
    %{life | steps: steps}
  end

  defp restarted(life) do
    {:ok, ws} = Workspace.start_link(life.opts)
    %{life | ws: ws}
  end

  defp lost(life, begun) do
    lost = with {:begun, code} <- begun, do: %{step: life.steps + 1, code: code}
    assert Workspace.info(life.ws).lost == lost
    life
  end

  defp order(life) do
    {:ok, order, ""} = Workspace.run(life.ws, "order")
    order
  end

  # What a resumption comes to, whoever has heard of it.
  defp resumed(%{suspended: %{ending: :fails, on_error: :rollback, before: {vars, files}}} = life),
    do: %{life | vars: vars, files: files}

  defp resumed(%{suspended: suspended} = life), do: model(life, suspended.second)

  defp padded({:error, reason}), do: {:error, reason, nil}
  defp padded(outcome), do: outcome

  # Whoever waits while a workspace ends learns of it, and what they wanted is not done.
  defp give_up_waiting(life) do
    for {task, _effect} <- life.waiting, do: Task.shutdown(task, :brutal_kill)
    ws = life.ws
    Workspaces.until(fn -> Workspace.info(ws).queued == 0 end)
    %{life | waiting: []}
  end

  ## Comparing

  defp compare(life) do
    {:ok, paths} = Workspace.files(life.ws)

    files =
      for "/w/" <> name = path <- paths, into: %{} do
        {:ok, contents} = Workspace.read(life.ws, path)
        {name, contents}
      end

    assert files == life.files

    case life.suspended do
      nil ->
        assert {:ok, vars, ""} =
                 Workspace.run(life.ws, "{'a': a, 'b': b, 'c': c, 'order': order}", queue: false)

        assert vars == life.vars

      %{tag: tag} ->
        assert Workspace.suspensions(life.ws) == [tag]
        assert Workspace.info(life.ws).queued == length(life.waiting)
    end

    life
  end

  defp finish(life) do
    life = if life.suspended, do: life |> apply_event(:resume) |> compare(), else: life
    :ok = Workspace.stop(life.ws)
    Agent.stop(life.store)
  end
end
