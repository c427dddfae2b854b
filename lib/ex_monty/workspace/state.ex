defmodule ExMonty.Workspace.State do
  @moduledoc false

  # What a workspace is doing, what waits, and what may begin next: decisions only, no process and no effect.
  #
  #                 ask                        suspended
  #     caller ────────────▶ queue ──next──▶ working ──────▶ suspended ──resume──▶ working
  #                                             │ done                               │
  #                                             ▼                                    ▼
  #                                           idle ◀──────────────────────────────  …
  #
  # There are three kinds of work. A *step* needs the interpreter, so none begins while one is suspended. A *resumption*
  # goes on with the suspended step, and is next. Everything else works on the workspace as it is between two turns of
  # the interpreter, and waits only for what is being done. One piece of work is done at a time, and within its kind the
  # order is that of asking.

  alias ExMonty.Error

  defmodule Work do
    @moduledoc false
    # `from` is whoever waits for it, and `monitor` tells when nobody does any more.
    @enforce_keys [:kind, :task]
    defstruct [:kind, :task, :from, :monitor]

    @type kind :: :step | :resumption | :upkeep
    @type t :: %__MODULE__{kind: kind, task: term, from: term, monitor: reference | nil}
  end

  # Of so many resumed suspensions it is remembered that they were, to tell "twice" from "never".
  @remembered 32

  defstruct working: nil, suspension: nil, queue: [], resumed: []

  @type suspension :: %{:tag => term, optional(atom) => term}
  @type t :: %__MODULE__{
          working: Work.t() | nil,
          suspension: suspension | nil,
          queue: [Work.t()],
          resumed: [term]
        }
  @type refusal :: :busy | :unknown_suspension | :already_resumed

  @doc false
  def new(suspension \\ nil), do: %__MODULE__{suspension: suspension}

  @doc "Accepts work. With `:now` it is refused if it could not begin at once."
  @spec ask(t, Work.t(), :queue | :now) :: {:ok, t} | {:error, refusal}
  def ask(state, work, patience \\ :queue)

  # The suspension is claimed now, so that whoever comes second is told, however long the first has to wait.
  def ask(%__MODULE__{} = state, %Work{kind: :resumption, task: {tag, _}} = work, _patience) do
    case state.suspension do
      %{tag: ^tag} = suspension ->
        work = %{work | task: {suspension, elem(work.task, 1)}}
        state = %{state | suspension: nil, resumed: Enum.take([tag | state.resumed], @remembered)}
        {:ok, %{state | queue: [work | state.queue]}}

      _none_or_another ->
        {:error, if(tag in state.resumed, do: :already_resumed, else: :unknown_suspension)}
    end
  end

  def ask(%__MODULE__{} = state, %Work{} = work, patience) do
    asked = %{state | queue: state.queue ++ [work]}

    if patience == :now and (state.working != nil or state.queue != [] or not may_begin?(work, state)),
      do: {:error, :busy},
      else: {:ok, asked}
  end

  @doc "A refusal as the caller hears of it."
  @spec told(refusal) :: :busy | Error.t()
  def told(:busy), do: :busy

  def told(:unknown_suspension),
    do: %Error{reason: :unknown_suspension, message: "no step is suspended with this tag"}

  def told(:already_resumed) do
    %Error{reason: :already_resumed, message: "the step that was suspended with this tag was resumed before"}
  end

  @doc "What begins now, if anything."
  @spec next(t) :: {:begin, Work.t(), t} | :wait
  def next(%__MODULE__{working: nil} = state) do
    case Enum.split_while(state.queue, &(not may_begin?(&1, state))) do
      {waiting, [work | behind]} -> {:begin, work, %{state | working: work, queue: waiting ++ behind}}
      {_waiting, []} -> :wait
    end
  end

  def next(%__MODULE__{}), do: :wait

  @doc "What was being done has come to its end, which may be a suspension, new or left as it was."
  @spec finish(t, suspension | nil) :: t
  def finish(%__MODULE__{working: %Work{kind: :upkeep}} = state, nil), do: %{state | working: nil}

  def finish(%__MODULE__{working: %Work{}} = state, suspension) do
    # A tag that is used again is no longer one that was resumed before.
    resumed = if suspension, do: List.delete(state.resumed, suspension.tag), else: state.resumed
    %{state | working: nil, suspension: suspension, resumed: resumed}
  end

  @doc "Work that had not begun and that nobody waits for is not done. A resumption is: its suspension was claimed."
  @spec abandon(t, reference) :: t
  def abandon(%__MODULE__{} = state, monitor) do
    %{state | queue: Enum.reject(state.queue, &(&1.monitor == monitor and &1.kind != :resumption))}
  end

  @doc "Everything that waits, in order, and a state in which nothing does. What was claimed goes back."
  @spec drain(t) :: {[Work.t()], t}
  def drain(%__MODULE__{queue: [%Work{kind: :resumption} = work | queue]} = state) do
    {suspension, result} = work.task
    work = %{work | task: {suspension.tag, result}}
    {[work | queue], %{state | queue: [], suspension: suspension, resumed: tl(state.resumed)}}
  end

  def drain(%__MODULE__{} = state), do: {state.queue, %{state | queue: []}}

  @doc false
  def idle?(%__MODULE__{working: nil, queue: queue}), do: queue == [] or Enum.all?(queue, &(&1.kind == :step))
  def idle?(%__MODULE__{}), do: false

  @doc "One word for operators."
  @spec status(t) :: :idle | :working | :suspended
  def status(%__MODULE__{working: %Work{}}), do: :working
  def status(%__MODULE__{suspension: nil}), do: :idle
  def status(%__MODULE__{}), do: :suspended

  # A claimed suspension is first in the queue, so no step gets past it.
  defp may_begin?(%Work{kind: :step}, state), do: state.suspension == nil
  defp may_begin?(%Work{}, _state), do: true
end
