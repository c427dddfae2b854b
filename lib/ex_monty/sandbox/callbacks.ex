defmodule ExMonty.Sandbox.Callbacks do
  @moduledoc false

  # The process in which the functions of one run are called.
  #
  # A task per call would copy what the functions capture at every call, and a call in the run's own process could not
  # be given up on. So one process holds the functions and answers calls until one of them takes too long or kills it;
  # then it is replaced, when the next call comes.
  #
  # A function that answers `{:async, fun}` is the exception: `fun` is copied, from this process into one of its own,
  # which is what it costs to run beside others. The driver gets the process, never the function.

  alias ExMonty.Sandbox.{Board, Conversation, Guard, Host}

  defstruct [:host, :guard, :worker, :board]

  @typedoc "What the worker knows, and the worker, its guard and its board, once there are any."
  @type t :: %__MODULE__{host: Host.t(), guard: pid | nil, worker: pid | nil, board: Board.t() | nil}

  @typedoc "What a call came to. An `:async` one is a process that waits to begin; see `ExMonty.Sandbox.Guard`."
  @type reply :: {:returned, term} | {:failed, String.t()} | {:async, pid} | :late

  @doc "Callbacks of this host, and no process yet."
  @spec new(Host.t()) :: t
  def new(host), do: %__MODULE__{host: Host.answering(host)}

  @doc "Adds functions, which are copied to the process now."
  @spec learn(t, %{String.t() => function}) :: t
  def learn(%__MODULE__{} = callbacks, functions) do
    if callbacks.worker, do: send(callbacks.worker, {:learn, functions})
    %{callbacks | host: Host.learn(callbacks.host, functions)}
  end

  @doc "The guard of the run's processes, started if need be."
  @spec guard(t) :: {pid, t}
  def guard(%__MODULE__{guard: nil} = callbacks) do
    guard = Guard.start()
    {guard, %{callbacks | guard: guard}}
  end

  def guard(%__MODULE__{guard: guard} = callbacks), do: {guard, callbacks}

  @doc "Makes a call, which may take `timeout` milliseconds."
  @spec call(t, Host.request(), timeout) :: {reply, t}
  def call(%__MODULE__{} = callbacks, request, timeout) do
    callbacks = working(callbacks)
    worker = callbacks.worker

    # What comes with this reference is the answer or the death of the worker. Once given up on, neither comes.
    reference = :erlang.monitor(:process, worker, alias: :reply_demonitor)
    send(worker, {:call, reference, request})

    receive do
      {^reference, reply} ->
        {reply, callbacks}

      {:DOWN, ^reference, :process, ^worker, reason} ->
        {{:failed, died(reason)}, %{callbacks | worker: nil}}
    after
      timeout ->
        give_up(reference, worker)

        receive do
          {^reference, _late} -> :ok
        after
          0 -> :ok
        end

        {:late, %{callbacks | worker: nil}}
    end
  end

  @doc """
  Makes a call of a function, and has the run go on with the answer, and so on while it calls functions; see
  `ExMonty.Sandbox.Conversation`.

  Each call may take `timeout` milliseconds, and none may go on after the time `deadline`. A worker that is killed while
  the script has its turn takes the run with it, which is `:lost` then.
  """
  @spec converse(t, Host.request(), Conversation.call(), reference | nil, timeout, integer | :infinity) ::
          {Conversation.outcome() | {:lost, reason :: term}, t}
  def converse(%__MODULE__{} = callbacks, request, call, lease, timeout, deadline) do
    %{worker: worker, board: board} = callbacks = callbacks |> working() |> with_board()
    reference = :erlang.monitor(:process, worker, alias: :reply_demonitor)
    Board.post(board, call)
    send(worker, {:converse, reference, request, call, lease, board, deadline})

    case listen(reference, worker, board, timeout, deadline) do
      {:told, outcome} ->
        {outcome, callbacks}

      {:died, reason} ->
        # With the call open, it died of the function; else in the middle of a turn, which ended with it.
        outcome =
          if Board.take(board),
            do: {:replied, {:failed, died(reason)}, Board.last(board)},
            else: {:lost, reason}

        {outcome, without_worker(callbacks)}

      :late ->
        give_up(reference, worker)
        {{:replied, :late, Board.last(board)}, without_worker(callbacks)}
    end
  end

  @doc "Ends the processes, if there are any."
  @spec stop(t) :: :ok
  def stop(%__MODULE__{worker: worker, guard: guard, board: board}) do
    if worker, do: Guard.kill(worker)
    if guard, do: Guard.dismiss(guard)
    if board, do: Board.drop(board)
    :ok
  end

  @doc "Why there is no answer from a process that died."
  @spec died(term) :: String.t()
  def died(reason), do: "its process exited with #{inspect(reason)}"

  @doc "Calls a function, whatever it does."
  @spec safely((() -> term)) :: {:returned, term} | {:failed, String.t()}
  def safely(fun) do
    {:returned, fun.()}
  rescue
    exception -> {:failed, "(#{inspect(exception.__struct__)}) #{Exception.message(exception)}"}
  catch
    :throw, value -> {:failed, "it threw #{inspect(value)}"}
    :exit, reason -> {:failed, "it exited with #{inspect(reason)}"}
  end

  # A worker that has taken a call sees to it that the driver hears of it, if only by its death.
  defp listen(reference, worker, board, timeout, deadline) do
    receive do
      {^reference, outcome} -> {:told, outcome}
      {:DOWN, ^reference, :process, ^worker, reason} -> {:died, reason}
    after
      Board.patience(board, timeout, deadline) ->
        if Board.patience(board, timeout, deadline) == 0 and Board.take(board),
          do: :late,
          else: listen(reference, worker, board, timeout, deadline)
    end
  end

  defp give_up(reference, worker) do
    Process.demonitor(reference, [:flush])
    Guard.kill(worker)
  end

  # A board that a dead worker may have left an open call on is not used again.
  defp without_worker(%__MODULE__{board: board} = callbacks) do
    Board.drop(board)
    %{callbacks | worker: nil, board: nil}
  end

  defp with_board(%__MODULE__{board: nil} = callbacks), do: %{callbacks | board: Board.new()}
  defp with_board(%__MODULE__{} = callbacks), do: callbacks

  defp working(%__MODULE__{worker: worker} = callbacks) do
    if worker && Process.alive?(worker) do
      callbacks
    else
      {guard, callbacks} = guard(callbacks)
      driver = self()
      host = callbacks.host
      callers = [driver | Process.get(:"$callers", [])]
      worker = Guard.prepare(driver, callers, fn _reference -> serve(driver, host) end)
      Guard.begin(worker, guard, make_ref())
      %{callbacks | worker: worker}
    end
  end

  defp serve(driver, host) do
    receive do
      {:call, reference, request} ->
        send(reference, {reference, safely(fn -> Host.perform(host, request) end)})
        serve(driver, host)

      {:converse, reference, request, call, lease, board, deadline} ->
        %Conversation{host: host, lease: lease, board: board, deadline: deadline, driver: driver}
        |> Conversation.hold(request, call, &send(reference, {reference, &1}))

        serve(driver, host)

      {:learn, functions} ->
        serve(driver, Host.learn(host, functions))
    end
  end
end
