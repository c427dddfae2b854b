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
    # `callers`: for whom that is working, the nearest first.
    defstruct [:kind, :task, :from, :monitor, callers: []]

    @type kind :: :step | :resumption | :upkeep
    @type t :: %__MODULE__{kind: kind, task: term, from: term, monitor: reference | nil, callers: [pid]}
  end

  # Of so many resumed suspensions it is remembered that they were, to tell "twice" from "never".
  @remembered 32

  # Steps and upkeep wait by the number of their asking, and `places` says where: however many wait, one who comes or goes
  # costs the same. There is one suspension at most, and so one resumption.
  defstruct working: nil,
            suspension: nil,
            resumption: nil,
            step: :gb_trees.empty(),
            upkeep: :gb_trees.empty(),
            places: %{},
            asked: 0,
            resumed: []

  @type suspension :: %{:tag => term, optional(atom) => term}
  @type t :: %__MODULE__{
          working: Work.t() | nil,
          suspension: suspension | nil,
          resumption: Work.t() | nil,
          step: :gb_trees.tree(pos_integer, Work.t()),
          upkeep: :gb_trees.tree(pos_integer, Work.t()),
          places: %{reference => {:step | :upkeep, pos_integer}},
          asked: non_neg_integer,
          resumed: [term]
        }
  @type refusal :: :busy | :own_step | :unknown_suspension | :already_resumed

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
        {:ok, %{state | resumption: work}}

      _none_or_another ->
        {:error, if(tag in state.resumed, do: :already_resumed, else: :unknown_suspension)}
    end
  end

  def ask(%__MODULE__{} = state, %Work{} = work, patience) do
    if patience == :now and (busy?(state.working) or waiting(state) > 0 or not may_begin?(work.kind, state)),
      do: {:error, :busy},
      else: {:ok, queue(state, work)}
  end

  # What nobody asked for is housekeeping, and over in a moment.
  defp busy?(nil), do: false
  defp busy?(%Work{from: from}), do: from != nil

  defp queue(state, %Work{kind: kind} = work) do
    number = state.asked + 1
    places = if work.monitor, do: Map.put(state.places, work.monitor, {kind, number}), else: state.places
    %{Map.update!(state, kind, &:gb_trees.insert(number, work, &1)) | places: places, asked: number}
  end

  @doc "How many pieces of work wait."
  @spec waiting(t) :: non_neg_integer
  def waiting(%__MODULE__{} = state) do
    if(state.resumption, do: 1, else: 0) + :gb_trees.size(state.step) + :gb_trees.size(state.upkeep)
  end

  @doc "A refusal as the caller hears of it."
  @spec told(refusal) :: :busy | Error.t()
  def told(:busy), do: :busy

  def told(:own_step) do
    message =
      "a function that a step calls has asked the step's own workspace for what would wait for the step"

    %Error{reason: :own_step, message: message}
  end

  def told(:unknown_suspension),
    do: %Error{reason: :unknown_suspension, message: "no step is suspended with this tag"}

  def told(:already_resumed) do
    %Error{reason: :already_resumed, message: "the step that was suspended with this tag was resumed before"}
  end

  @doc "What begins now, if anything."
  @spec next(t) :: {:begin, Work.t(), t} | :wait
  def next(%__MODULE__{working: nil, resumption: %Work{} = work} = state),
    do: {:begin, work, %{state | working: work, resumption: nil}}

  def next(%__MODULE__{working: nil} = state) do
    first =
      for kind <- [:step, :upkeep],
          may_begin?(kind, state),
          queue = Map.fetch!(state, kind),
          not :gb_trees.is_empty(queue),
          do: {queue |> :gb_trees.smallest() |> elem(0), kind}

    case Enum.min(first, fn -> nil end) do
      nil ->
        :wait

      {number, kind} ->
        {work, state} = take(state, kind, number)
        {:begin, work, %{state | working: work}}
    end
  end

  def next(%__MODULE__{}), do: :wait

  defp take(state, kind, number) do
    {work, queue} = :gb_trees.take(number, Map.fetch!(state, kind))
    {work, %{Map.put(state, kind, queue) | places: Map.delete(state.places, work.monitor)}}
  end

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
    case state.places do
      %{^monitor => {kind, number}} -> state |> take(kind, number) |> elem(1)
      _ -> state
    end
  end

  @doc "Everything that waits, in order, and a state in which nothing does. What was claimed goes back."
  @spec drain(t) :: {[Work.t()], t}
  def drain(%__MODULE__{} = state) do
    {claimed, state} = unclaim(state)
    queued = Enum.sort(:gb_trees.to_list(state.step) ++ :gb_trees.to_list(state.upkeep))
    empty = :gb_trees.empty()
    {claimed ++ Enum.map(queued, &elem(&1, 1)), %{state | step: empty, upkeep: empty, places: %{}}}
  end

  defp unclaim(%__MODULE__{resumption: nil} = state), do: {[], state}

  defp unclaim(%__MODULE__{resumption: %Work{task: {suspension, result}} = work} = state) do
    work = %{work | task: {suspension.tag, result}}
    {[work], %{state | resumption: nil, suspension: suspension, resumed: tl(state.resumed)}}
  end

  @doc "The suspended step, also when its resumption was asked for and has not begun."
  @spec suspended(t) :: suspension | nil
  def suspended(%__MODULE__{resumption: %Work{task: {suspension, _result}}}), do: suspension
  def suspended(%__MODULE__{suspension: suspension}), do: suspension

  @doc false
  def idle?(%__MODULE__{working: nil, resumption: nil} = state), do: :gb_trees.is_empty(state.upkeep)
  def idle?(%__MODULE__{}), do: false

  @doc "One word for operators."
  @spec status(t) :: :idle | :working | :suspended
  def status(%__MODULE__{working: %Work{}}), do: :working
  def status(%__MODULE__{suspension: nil}), do: :idle
  def status(%__MODULE__{}), do: :suspended

  # A resumption comes before all that waits, so no step gets past a suspension that is claimed.
  defp may_begin?(:step, state), do: state.suspension == nil
  defp may_begin?(:upkeep, _state), do: true
end
