defmodule ExMonty.Test.FewThreads do
  @moduledoc false

  # What is done on a node whose engine has one thread, which an endless loop has. Answers are what
  # `ExMonty.Test.Attack.outcome/1` takes.

  alias ExMonty.{Exception, Mount, Native, Session}

  @doc "The arguments that give a node one thread."
  def arguments, do: ["-ex_monty", "max_threads", "1"]

  @doc "Has runs, evaluations and answers wait for the thread beyond their `:timeout`."
  def outwait do
    {:ok, runner} = ExMonty.compile("while True:\n    pass")
    mounts = Mount.new!([{"/w", :memory}])
    {:ok, session} = Session.new(mounts: mounts)
    {:ok, nil, "", session} = Session.eval(session, "x = 1")

    told =
      beside_a_loop(runner, fn ->
        late = Session.eval(session, "x = 2", timeout: 50)
        # Nothing of it has begun, nothing of it is left.
        {:ok, lease} = Mount.checkout(mounts)
        :ok = Mount.release(lease)
        %{late: kind(late), running: ExMonty.info().turns_running, queued: ExMonty.info().turns_queued}
      end)

    {:ok, x, "", _} = Session.eval(session, "x")
    {:ok, Map.put(told, :x, x), ""}
  end

  @doc "Kills the caller of an evaluation, and that of a dump, while they wait for the thread."
  def kill_waiting do
    {:ok, runner} = ExMonty.compile("while True:\n    pass")
    {:ok, session} = Session.new()
    {:ok, nil, "", session} = Session.eval(session, "x = 1")

    told =
      for wait <- [fn -> Session.eval(session, "x = 2") end, fn -> Session.dump(session) end] do
        beside_a_loop(runner, fn ->
          {pid, monitor} = spawn_monitor(wait)
          until(fn -> ExMonty.info().turns_queued == 1 end)
          Process.exit(pid, :kill)
          receive do: ({:DOWN, ^monitor, _, _, :killed} -> :ok)
          # Given up though no thread has come for it.
          until(fn -> ExMonty.info().turns_queued == 0 end)
        end)

        {:ok, x, "", _} = Session.eval(session, "x")
        x
      end

    {:ok, told, ""}
  end

  @doc "Asks a run that is suspended to go on, which it cannot in time, and then once more."
  def resume_late do
    {:ok, runner} = ExMonty.compile("while True:\n    pass")
    {:ok, other} = ExMonty.compile("f() + 1")
    {:ok, {:function_call, _, snapshot, ""}} = ExMonty.start(other)
    overseer = Native.overseer_new(nil, 50)
    :ok = Native.overseer_attach(overseer, snapshot)
    late = beside_a_loop(runner, fn -> ExMonty.resume(snapshot, {:ok, 1}) end)
    :ok = Native.overseer_attach(Native.overseer_new(nil, nil), snapshot)
    {:ok, %{late: kind(late), then: ExMonty.resume(snapshot, {:ok, 41})}, ""}
  end

  defp beside_a_loop(runner, work) do
    # A turn counts as running until a moment after its answer.
    until(fn -> match?(%{turns_running: 0, turns_queued: 0}, ExMonty.info()) end)
    {loop, monitor} = spawn_monitor(fn -> ExMonty.run(runner, %{}, limits: :unlimited) end)
    until(fn -> ExMonty.info().turns_running == 1 end)
    told = work.()
    Process.exit(loop, :kill)
    receive do: ({:DOWN, ^monitor, _, _, :killed} -> :ok)
    told
  end

  defp kind({:error, %Exception{type: type}}), do: type
  defp kind({:error, %ExMonty.Error{reason: reason}}), do: reason

  defp until(done?) do
    unless done?.() do
      Process.sleep(1)
      until(done?)
    end
  end
end
