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

  alias ExMonty.Sandbox.Guard

  defstruct [:functions, :guard, :worker]

  @typedoc "The worker, once there is one, and what it knows."
  @type t :: %__MODULE__{functions: %{term => function}, guard: pid | nil, worker: pid | nil}

  @typedoc "A function of the worker, or a callback of a handler."
  @type request ::
          {:function, key :: term, args :: [term], kwargs :: map}
          | {:handler, module, callback :: atom, args :: [term]}

  @typedoc "What a call came to. An `:async` one is a process that waits to begin; see `ExMonty.Sandbox.Guard`."
  @type reply :: {:returned, term} | {:failed, String.t()} | {:async, pid} | :late

  @doc "Callbacks with these functions, and no process yet."
  @spec new(%{term => function}) :: t
  def new(functions), do: %__MODULE__{functions: functions}

  @doc "Adds functions, which are copied to the process now."
  @spec learn(t, %{term => function}) :: t
  def learn(%__MODULE__{} = callbacks, functions) do
    if callbacks.worker, do: send(callbacks.worker, {:learn, functions})
    %{callbacks | functions: Map.merge(callbacks.functions, functions)}
  end

  @doc "The guard of the run's processes, started if need be."
  @spec guard(t) :: {pid, t}
  def guard(%__MODULE__{guard: nil} = callbacks) do
    guard = Guard.start()
    {guard, %{callbacks | guard: guard}}
  end

  def guard(%__MODULE__{guard: guard} = callbacks), do: {guard, callbacks}

  @doc """
  Makes a call, which may take `timeout` milliseconds.

  `answers` says whether it may answer later, by `{:async, fun}`.
  """
  @spec call(t, request, :at_once | :later, timeout) :: {reply, t}
  def call(%__MODULE__{} = callbacks, request, answers, timeout) do
    callbacks = working(callbacks)
    worker = callbacks.worker

    # What comes with this reference is the answer or the death of the worker. Once given up on, neither comes.
    reference = :erlang.monitor(:process, worker, alias: :reply_demonitor)
    send(worker, {:call, reference, answers, request})

    receive do
      {^reference, reply} ->
        {reply, callbacks}

      {:DOWN, ^reference, :process, ^worker, reason} ->
        {{:failed, died(reason)}, %{callbacks | worker: nil}}
    after
      timeout ->
        give_up(reference)
        Guard.kill(worker)
        {:late, %{callbacks | worker: nil}}
    end
  end

  @doc "Ends the processes, if there are any."
  @spec stop(t) :: :ok
  def stop(%__MODULE__{worker: worker, guard: guard}) do
    if worker, do: Guard.kill(worker)
    if guard, do: Guard.dismiss(guard)
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

  # An answer that was on its way when the call was given up on may be a process that waits to begin.
  defp give_up(reference) do
    Process.demonitor(reference, [:flush])

    receive do
      {^reference, {:async, pid}} -> Guard.kill(pid)
      {^reference, _late} -> :ok
    after
      0 -> :ok
    end
  end

  defp working(%__MODULE__{worker: worker} = callbacks) do
    if worker && Process.alive?(worker) do
      callbacks
    else
      {guard, callbacks} = guard(callbacks)
      driver = self()
      functions = callbacks.functions
      callers = [driver | Process.get(:"$callers", [])]
      worker = Guard.prepare(driver, callers, fn _reference -> serve(driver, functions) end)
      Guard.begin(worker, guard, make_ref())
      %{callbacks | worker: worker}
    end
  end

  defp serve(driver, functions) do
    receive do
      {:call, reference, answers, request} ->
        send(reference, {reference, answered(safely(fn -> perform(request, functions) end), answers, driver)})
        serve(driver, functions)

      {:learn, more} ->
        serve(driver, Map.merge(functions, more))
    end
  end

  defp perform({:function, key, args, kwargs}, functions), do: Map.fetch!(functions, key).(args, kwargs)
  defp perform({:handler, module, callback, args}, _functions), do: apply(module, callback, args)

  defp answered({:returned, {:async, fun}}, :later, driver) when is_function(fun, 0) do
    # A process that a function starts has the callers that a task would have.
    {:async, Guard.prepare(driver, Process.get(:"$callers"), &send(&1, {&1, safely(fun)}))}
  end

  defp answered(reply, _answers, _driver), do: reply
end
