defmodule ExMonty.Sandbox.Callbacks do
  @moduledoc false

  # The process in which the functions of one run are called.
  #
  # A task per call would copy what the functions capture at every call, and a call in the run's own process could not
  # be given up on. So one process holds the functions and answers calls until one of them takes too long or kills it;
  # then it is replaced, when the next call comes.

  defstruct [:functions, :timeout, :worker]

  @type t :: %__MODULE__{}

  @doc false
  def new(functions, timeout), do: %__MODULE__{functions: functions, timeout: timeout}

  @doc """
  Calls the function under `key`, giving its answer, or the reason why there is none, as an answer.

  `label` names the function in that reason.
  """
  @spec call(t, term, String.t(), [term], map) :: {ExMonty.Sandbox.answer() | {:suspend, term}, t}
  def call(%__MODULE__{worker: nil} = callbacks, key, label, args, kwargs) do
    call(%{callbacks | worker: start(callbacks.functions)}, key, label, args, kwargs)
  end

  def call(%__MODULE__{worker: {pid, monitor}} = callbacks, key, label, args, kwargs) do
    ref = make_ref()
    send(pid, {ref, key, args, kwargs})

    receive do
      {^ref, {:answered, answer}} ->
        {checked(answer, label), callbacks}

      {^ref, {:failed, reason}} ->
        {{:error, :runtime_error, "#{label} failed: #{reason}"}, callbacks}

      {:DOWN, ^monitor, :process, ^pid, reason} ->
        {{:error, :runtime_error, "#{label} failed: its process exited with #{inspect(reason)}"},
         %{callbacks | worker: nil}}
    after
      callbacks.timeout ->
        message = "#{label} did not answer within #{callbacks.timeout} ms"
        {{:error, :timeout_error, message}, stop(callbacks, ref)}
    end
  end

  @doc "Ends the process, if there is one."
  @spec stop(t) :: t
  def stop(callbacks), do: stop(callbacks, make_ref())

  defp stop(%__MODULE__{worker: nil} = callbacks, _ref), do: callbacks

  defp stop(%__MODULE__{worker: {pid, monitor}} = callbacks, ref) do
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^monitor, :process, ^pid, _reason} -> :ok
    end

    # An answer that came too late must not stay in the caller's mailbox.
    receive do
      {^ref, _late} -> :ok
    after
      0 -> :ok
    end

    %{callbacks | worker: nil}
  end

  @doc "What is wrong with an answer of another shape."
  @spec accepted() :: String.t()
  def accepted, do: "it answered neither {:ok, value} nor {:error, type, message} nor {:error, message}"

  defp checked({:ok, _value} = answer, _label), do: answer
  defp checked({:suspend, _tag} = answer, _label), do: answer

  defp checked({:error, type, message} = answer, _label) when is_atom(type) and is_binary(message),
    do: answer

  defp checked({:error, message}, _label) when is_binary(message), do: {:error, :runtime_error, message}

  defp checked(_other, label) do
    {:error, :runtime_error, "#{label} failed: #{accepted()}"}
  end

  defp start(functions) do
    caller = self()
    callers = [caller | Process.get(:"$callers", [])]

    spawn_monitor(fn ->
      worker = self()
      spawn(fn -> watch(caller, worker) end)
      Process.put(:"$callers", callers)
      serve(caller, functions)
    end)
  end

  defp serve(caller, functions) do
    receive do
      {ref, key, args, kwargs} ->
        send(caller, {ref, apply_safely(Map.fetch!(functions, key), args, kwargs)})
        serve(caller, functions)
    end
  end

  defp apply_safely(fun, args, kwargs) do
    {:answered, fun.(args, kwargs)}
  rescue
    exception -> {:failed, "(#{inspect(exception.__struct__)}) #{Exception.message(exception)}"}
  catch
    :throw, value -> {:failed, "it threw #{inspect(value)}"}
    :exit, reason -> {:failed, "it exited with #{inspect(reason)}"}
  end

  # A run whose process dies must not leave its function running. The worker cannot watch: it is busy.
  defp watch(caller, worker) do
    caller_monitor = Process.monitor(caller)
    worker_monitor = Process.monitor(worker)

    receive do
      {:DOWN, ^caller_monitor, :process, _pid, _reason} -> Process.exit(worker, :kill)
      {:DOWN, ^worker_monitor, :process, _pid, _reason} -> :ok
    end
  end
end
