defmodule ExMonty.Workspace.ModelTest do
  use ExUnit.Case, async: true

  # Random lives of a workspace beside a plain model: a map of variables, a map of files, the step that is suspended
  # and what it still has to do, and those that wait behind it. After each event the workspace is what the model is.
  #
  # `EX_MONTY_CASES=500 EX_MONTY_SEED=7 mix test test/ex_monty/workspace/model_test.exs` asks for more, and others.

  alias ExMonty.Test.FlakyStore
  alias ExMonty.{Error, Exception, Workspace}

  @cases String.to_integer(System.get_env("EX_MONTY_CASES", "25"))
  @seed String.to_integer(System.get_env("EX_MONTY_SEED", "1"))
  @events 30
  @names ~w(a b c)

  defstruct [:ws, :opts, :store, vars: %{}, files: %{}, suspended: nil, waiting: [], tags: 0, events: []]

  @tag timeout: :infinity
  test "files, variables and the order of steps are always the model's" do
    for number <- 1..@cases do
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
  end

  defp begin do
    {:ok, store} = FlakyStore.start_link()
    Process.flag(:trap_exit, true)

    opts = [
      name: :"model-#{inspect(store)}",
      store: {FlakyStore, store},
      key: "k",
      mounts: [{"/w", :memory}],
      functions: %{"suspend" => fn [tag], _ -> {:suspend, tag} end}
    ]

    {:ok, ws} = Workspace.start_link(opts)
    life = %__MODULE__{ws: ws, opts: opts, store: store}
    # Every step may write to it, and the order of steps is what is in it.
    {:ok, _, _} = Workspace.run(ws, "import os; order = []; a = b = c = 0")
    %{life | vars: %{"a" => 0, "b" => 0, "c" => 0, "order" => []}}
  end

  ## Events

  defp choose(%{suspended: nil}) do
    case :rand.uniform(20) do
      n when n <= 5 -> {:step, effect(), :succeeds, on_error()}
      n when n <= 8 -> {:step, effect(), :fails, on_error()}
      n when n <= 11 -> {:suspend, effect(), effect(), ending(), on_error()}
      12 -> {:not_saved, effect()}
      n -> anywhere(n)
    end
  end

  defp choose(%{waiting: waiting}) do
    case :rand.uniform(20) do
      n when n <= 7 -> :resume
      n when n <= 10 and length(waiting) < 4 -> {:step_behind, effect()}
      n when n <= 12 -> :resume_wrongly
      n -> anywhere(n)
    end
  end

  defp anywhere(n) when n in 13..14, do: {:host_write, Enum.random(@names), number()}
  defp anywhere(15), do: :fork_and_go_on_in_it
  defp anywhere(16), do: {:fork_and_leave_it, effect()}
  defp anywhere(17), do: :dump_and_load
  defp anywhere(n) when n in 18..19, do: :kill
  defp anywhere(_n), do: :busy

  defp effect, do: {Enum.random([:set, :add, :write, :append, :remove]), Enum.random(@names), number()}
  defp number, do: :rand.uniform(1000)
  defp on_error, do: Enum.random([:keep, :rollback])
  defp ending, do: Enum.random([:succeeds, :fails])

  ## What they do, in Python and in the model

  defp python({:set, name, n}), do: "#{name} = #{n}; order.append(#{n})"
  defp python({:add, name, n}), do: "#{name} = #{name} + #{n}; order.append(#{n})"
  defp python({:write, name, n}), do: "f = open('/w/#{name}', 'w').write('#{n}'); order.append(#{n})"
  defp python({:append, name, n}), do: "f = open('/w/#{name}', 'a').write('#{n}'); order.append(#{n})"

  defp python({:remove, name, n}),
    do: "f = os.path.exists('/w/#{name}') and os.remove('/w/#{name}'); order.append(#{n})"

  defp model(life, {kind, name, n}) do
    life = update_in(life.vars["order"], &(&1 ++ [n]))

    case kind do
      :set -> put_in(life.vars[name], n)
      :add -> update_in(life.vars[name], &(&1 + n))
      :write -> put_in(life.files[name], "#{n}")
      :append -> %{life | files: Map.update(life.files, name, "#{n}", &(&1 <> "#{n}"))}
      :remove -> %{life | files: Map.delete(life.files, name)}
    end
  end

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
    code = Enum.join([python(first), "answer = suspend('#{tag}')", python(second), last], "\n")
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

    life =
      case {suspended.ending, suspended.on_error} do
        {:succeeds, _} ->
          assert outcome == {:ok, tag, ""}
          model(life, suspended.second)

        {:fails, :keep} ->
          assert {:error, %Exception{}} = outcome
          model(life, suspended.second)

        {:fails, :rollback} ->
          assert {:error, %Exception{}} = outcome
          {vars, files} = suspended.before
          %{life | vars: vars, files: files}
      end

    # Those that waited have been done now, in the order of asking.
    life =
      Enum.reduce(life.waiting, life, fn {task, effect}, life ->
        assert Task.await(task, 30_000) == {:ok, nil, ""}
        model(life, effect)
      end)

    %{life | suspended: nil, waiting: []}
  end

  defp apply_event(life, :resume_wrongly) do
    assert {:error, %Error{reason: :unknown_suspension}} = Workspace.resume(life.ws, "no such tag", {:ok, 1})
    assert {:error, %Error{}} = Workspace.resume(life.ws, life.suspended.tag, {:ok, self()})
    life
  end

  defp apply_event(life, {:step_behind, effect}) do
    ws = life.ws
    task = Task.async(fn -> Workspace.run(ws, python(effect)) end)
    until(fn -> Workspace.info(ws).queued == length(life.waiting) + 1 end)
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

  defp apply_event(life, :kill) do
    life = give_up_waiting(life)
    ws = life.ws
    Process.exit(ws, :kill)
    assert_receive {:EXIT, ^ws, :killed}
    {:ok, ws} = Workspace.start_link(life.opts)
    assert Workspace.info(ws).lost == nil
    %{life | ws: ws}
  end

  defp padded({:error, reason}), do: {:error, reason, nil}
  defp padded(outcome), do: outcome

  # Whoever waits while a workspace ends learns of it, and what they wanted is not done.
  defp give_up_waiting(life) do
    for {task, _effect} <- life.waiting, do: Task.shutdown(task, :brutal_kill)
    ws = life.ws
    until(fn -> Workspace.info(ws).queued == 0 end)
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

  defp until(condition), do: condition.() || (:erlang.yield() && until(condition))
end
