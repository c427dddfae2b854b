defmodule ExMonty.Workspace.Server do
  @moduledoc false

  # The process of a workspace. It decides nothing (`State` does) and does nothing that takes time (`Errand` does, in a
  # process linked to this one): it holds what the workspace is between two pieces of work.

  use GenServer

  require Logger

  alias ExMonty.{Error, Mount}
  alias ExMonty.Workspace.{Arrival, Errand, Look, Name, Options, Recovery, State, Suspension, Variables}
  alias ExMonty.Workspace.State.Work

  @enforce_keys [:options]
  defstruct [
    :options,
    :contents,
    :checkpoint,
    :lost,
    :worker,
    # after a worker was killed: the process that goes back to where it began, and why it ended
    :recovery,
    :files_before,
    :idle_timer,
    :offer,
    state: State.new(),
    # :serving; {:waiting, the one before, monitor of who moves it, token} for one that is to take over;
    # {:moved, pid, its monitor}
    role: :serving
  ]

  ## Starting

  @doc "Starts the process with what `origin` says it holds; see `ExMonty.Workspace.Arrival`."
  @spec start(:link | :nolink, Options.t(), Arrival.origin()) :: GenServer.on_start()
  def start(link, %Options{} = options, origin) do
    # One that takes over gets its name when it does.
    name = if match?({:adopted, _, _}, origin), do: nil, else: options.registered
    named = if name, do: [name: name], else: []

    case link do
      :link -> GenServer.start_link(__MODULE__, {options, origin}, named)
      :nolink -> GenServer.start(__MODULE__, {options, origin}, named)
    end
  end

  @impl true
  def init({options, origin}) do
    Process.flag(:trap_exit, true)

    case Arrival.arrive(options, origin) do
      {:ok, %{contents: contents} = arrived} ->
        if arrived.lost, do: warn_of_loss(options, arrived.lost)

        data = %__MODULE__{
          options: Options.settled(options),
          contents: %{contents | suspension: nil},
          checkpoint: arrived.checkpoint,
          lost: arrived.lost,
          state: State.new(contents.suspension),
          role: arrived.role
        }

        {:ok, data, :hibernate}

      :ignore ->
        :ignore

      # Whoever starts it is told by what the start answers, and not ended by a signal, too.
      {:error, reason} ->
        with pid when is_pid(pid) <- :"$ancestors" |> Process.get() |> hd() |> GenServer.whereis(),
             do: Process.unlink(pid)

        {:stop, reason}
    end
  end

  defp warn_of_loss(options, lost) do
    Logger.warning(
      "workspace #{inspect(options.name)}: step #{lost.step} was lost; what it did outside may have happened"
    )
  end

  ## Calls

  @impl true
  def handle_call({:hand_over, token}, _from, %{offer: {token, image}} = data),
    do: {:reply, {:ok, image, data.worker}, %{data | offer: nil}}

  def handle_call({:hand_over, _token}, _from, data), do: {:reply, :gone, data}

  # It has moved back here.
  def handle_call(:release_name, _from, %{role: {:moved, _pid, _monitor}} = data),
    do: {:reply, Name.give_up(data.options.registered), data}

  def handle_call(request, from, %{role: {:moved, pid, _monitor}} = data) do
    pass_on(pid, from, request)
    {:noreply, data}
  end

  def handle_call({:take_over, token}, _from, %{role: {:waiting, former, monitor, token}} = data) do
    Process.demonitor(monitor, [:flush])
    :ok = Name.take_over(data.options.registered, former)
    {:reply, :ok, proceed(%{data | role: :serving})}
  end

  def handle_call({:take_over, _token}, _from, data) do
    {:reply, {:error, %Error{reason: :move_failed, message: "nobody waits to take over"}}, data}
  end

  def handle_call({:offer, token, image}, _from, data), do: {:reply, :ok, %{data | offer: {token, image}}}

  def handle_call(:here, _from, data), do: {:reply, self(), data}
  def handle_call(:info, _from, data), do: {:reply, info(data), data}
  def handle_call(:suspensions, _from, data), do: {:reply, suspensions(data), data}
  def handle_call(:options, _from, data), do: {:reply, data.options, data}

  def handle_call({:look, question}, from, data) do
    Look.answer(question, from, data.contents.mounts)
    {:noreply, data}
  end

  def handle_call({:ask, kind, task, patience, callers}, {caller, _tag} = from, data) do
    work = %Work{kind: kind, task: task, from: from, callers: callers, monitor: Process.monitor(caller)}
    asked = if data.worker in callers, do: {:error, :own_step}, else: State.ask(data.state, work, patience)

    case asked do
      {:ok, state} ->
        {:noreply, proceed(%{data | state: state})}

      {:error, refusal} ->
        Process.demonitor(work.monitor, [:flush])
        {:reply, {:error, State.told(refusal)}, data}
    end
  end

  defp info(data) do
    %{
      status: State.status(data.state),
      steps: data.contents.steps,
      queued: State.waiting(data.state),
      suspensions: suspensions(data),
      saved: data.checkpoint && data.checkpoint.saved,
      lost: data.lost
    }
  end

  defp suspensions(%{state: %{suspension: nil}}), do: []
  defp suspensions(%{state: %{suspension: suspension}}), do: [Suspension.unpack_tag(suspension.tag)]

  ## Work

  # Begins what may begin, or waits.
  defp proceed(%{role: :serving} = data) do
    case State.next(data.state) do
      {:begin, work, state} -> begin(work, %{cancel_idle(data) | state: state})
      :wait -> idle(data)
    end
  end

  defp proceed(data), do: data

  defp begin(%Work{} = work, data) do
    if work.monitor, do: Process.demonitor(work.monitor, [:flush])

    errand = %Errand{
      server: self(),
      options: data.options,
      contents: %{data.contents | suspension: data.state.suspension},
      checkpoint: data.checkpoint
    }

    callers = callers(work)
    # Before there is anybody who could change them.
    files_before = files_before(work, data.contents)

    worker =
      spawn_link(fn ->
        Process.put(:"$callers", callers)
        {reply, errand} = Errand.perform(work.task, errand)
        send(errand.server, {:done, self(), reply, errand})
      end)

    %{data | worker: worker, files_before: files_before}
  end

  defp callers(%Work{from: {pid, _tag}, callers: callers}), do: [pid | callers]
  defp callers(%Work{from: nil}), do: []

  defp files_before(%Work{kind: :upkeep}, _contents), do: nil

  defp files_before(_work, contents) do
    case Mount.snapshot(contents.mounts) do
      {:ok, snapshot} -> snapshot
      {:error, _reason} -> nil
    end
  end

  @impl true
  def handle_info({:done, worker, reply, errand}, %{worker: worker} = data) do
    work = data.state.working
    dismiss(worker)
    data = held(data, errand)

    case reply do
      {:moved, pid} ->
        answer(work, {:ok, pid})
        {:noreply, leave(data, pid), :hibernate}

      reply ->
        answer(work, reply)
        work |> still_named(data) |> proceed() |> rest()
    end
  end

  # Where this process would go back to if the worker were killed.
  def handle_info({:contents, worker, contents}, %{worker: worker} = data),
    do: {:noreply, %{data | contents: %{contents | suspension: nil}}}

  # What the worker that was killed has left behind may still be at work, so that going back is work, too.
  def handle_info({:EXIT, worker, reason}, %{worker: worker} = data) when worker != nil do
    work = data.state.working
    server = self()
    {before, contents, checkpoint} = {before(work, data), left(work, data), data.checkpoint}

    recovery =
      spawn_link(fn -> send(server, {:recovered, self(), Recovery.perform(contents, before, checkpoint)}) end)

    {:noreply, %{data | worker: nil, recovery: {recovery, reason}, files_before: nil, offer: nil}}
  end

  def handle_info({:recovered, pid, {contents, checkpoint, found}}, %{recovery: {pid, reason}} = data) do
    dismiss(pid)
    {:noreply, recovered(%{data | checkpoint: checkpoint}, contents, reason, found)}
  end

  def handle_info({:EXIT, pid, _reason}, %{recovery: {pid, reason}} = data),
    do: {:noreply, recovered(data, left(data.state.working, data), reason, :unknown)}

  def handle_info({:EXIT, _pid, :normal}, data), do: {:noreply, data}
  def handle_info({:EXIT, _pid, reason}, data), do: {:stop, reason, data}

  # Whoever was to hand over is gone, and did not: this one is not needed.
  def handle_info(
        {:DOWN, monitor, :process, _pid, _reason},
        %{role: {:waiting, _former, monitor, _token}} = data
      ),
      do: {:stop, :normal, data}

  def handle_info({:DOWN, monitor, :process, _pid, _reason}, %{role: {:moved, _to, monitor}} = data),
    do: {:stop, :normal, data}

  def handle_info({:DOWN, monitor, :process, _pid, _reason}, data),
    do: {:noreply, %{data | state: State.abandon(data.state, monitor)}}

  def handle_info({:timeout, timer, :idle}, %{idle_timer: timer} = data) do
    {:ok, state} = State.ask(data.state, %Work{kind: :upkeep, task: :sleep})
    {:noreply, proceed(%{data | state: state, idle_timer: nil})}
  end

  # What came too late: a timer that was cancelled, a worker that was given up.
  def handle_info(_message, data), do: {:noreply, data}

  # However it ends now, what it did has been taken over.
  defp dismiss(worker) do
    Process.unlink(worker)

    receive do
      {:EXIT, ^worker, _reason} -> :ok
    after
      0 -> :ok
    end
  end

  # A process that has nothing to do and whose variables are bytes is as small as it gets.
  defp rest(data) do
    if data.role == :serving and data.contents.variables.session == nil and State.idle?(data.state),
      do: {:noreply, data, :hibernate},
      else: {:noreply, data}
  end

  # A worker is linked, which an end without a fault does not tell it.
  @impl true
  def terminate(_reason, data) do
    workers = if data.recovery, do: [elem(data.recovery, 0)], else: List.wrap(data.worker)

    for worker <- workers do
      monitor = Process.monitor(worker)
      Process.exit(worker, :kill)

      receive do
        {:DOWN, ^monitor, :process, ^worker, _reason} -> :ok
      end
    end
  end

  # What the work left, with the suspended step where it belongs.
  defp held(data, errand) do
    suspension = errand.contents.suspension
    state = finish(data.state, suspension)

    %{
      data
      | contents: %{errand.contents | suspension: nil},
        checkpoint: errand.checkpoint,
        state: state,
        worker: nil,
        files_before: nil,
        offer: nil
    }
  end

  defp finish(%State{working: %Work{kind: :upkeep}} = state, _suspension), do: State.finish(state, nil)
  defp finish(state, suspension), do: State.finish(state, suspension)

  defp answer(%Work{from: nil}, _reply), do: :ok
  defp answer(%Work{from: from}, reply), do: GenServer.reply(from, reply)

  # Where a worker that was killed began, if that is known whole.
  defp before(%Work{kind: :resumption}, data), do: before(data.files_before, nil)

  defp before(%Work{kind: :step}, %{contents: %{variables: variables}} = data) do
    if Variables.packed?(variables), do: before(data.files_before, variables.bytes)
  end

  defp before(%Work{}, _data), do: nil
  defp before(nil, _variables), do: nil
  defp before(files, variables), do: %{files: files, variables: variables}

  # What is there without the worker: a step that was lost was begun, and a resumption left its suspension.
  defp left(%Work{kind: :step}, data), do: Map.update!(data.contents, :steps, &(&1 + 1))

  defp left(%Work{kind: :resumption, task: {suspension, _}}, data),
    do: %{data.contents | suspension: suspension}

  defp left(%Work{kind: :upkeep}, data), do: %{data.contents | suspension: State.suspended(data.state)}

  defp recovered(data, contents, reason, found) do
    work = data.state.working
    answer(work, {:error, Recovery.lost(work.kind, reason, found)})

    proceed(%{
      data
      | recovery: nil,
        contents: %{contents | suspension: nil},
        state: finish(data.state, contents.suspension)
    })
  end

  ## Moving away

  # A move that failed may have been taken for one that did not: then the name is claimed back.
  defp still_named(%Work{task: {:move, _node, _supervisor}}, data) do
    Name.take_over(data.options.registered)
    data
  end

  defp still_named(_work, data), do: data

  defp leave(data, pid) do
    {waiting, _state} = State.drain(data.state)

    for %Work{} = work <- waiting do
      if work.monitor, do: Process.demonitor(work.monitor, [:flush])
      if work.from, do: pass_on(pid, work.from, {:ask, work.kind, work.task, :queue, work.callers})
    end

    monitor = Process.monitor(pid)
    %__MODULE__{options: data.options, role: {:moved, pid, monitor}}
  end

  # The caller waits for whoever answers; until then it watches this process, which stays as long as the other does.
  defp pass_on(pid, from, request), do: send(pid, {:"$gen_call", from, request})

  ## Being idle

  defp idle(%{options: %{idle_timeout: :infinity}} = data), do: data

  defp idle(data) do
    if State.idle?(data.state) and data.contents.variables.session != nil do
      %{data | idle_timer: :erlang.start_timer(data.options.idle_timeout, self(), :idle)}
    else
      data
    end
  end

  defp cancel_idle(%{idle_timer: nil} = data), do: data

  defp cancel_idle(data) do
    _ = Process.cancel_timer(data.idle_timer)
    %{data | idle_timer: nil}
  end
end
