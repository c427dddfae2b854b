defmodule ExMonty.Sandbox.Futures do
  @moduledoc false

  # What a run waits for: functions that run in processes of their own, and sleeps.
  #
  # A call is known by its `call_id`. It is *running* until its process answers, dies or takes too long, or until its
  # sleep is over; then it is *done*, with a reply, until the run takes that.

  alias ExMonty.Milliseconds
  alias ExMonty.Sandbox.{Callbacks, Guard}

  defstruct running: %{}, calls: %{}, done: %{}

  @typedoc "Running calls by their id, the ids of those that are processes by their monitor, replies of those done."
  @type t :: %__MODULE__{}

  @type call_id :: non_neg_integer
  @type reply :: {:returned, term} | {:failed, String.t()} | :late | :slept

  @doc "Sets a process going that was prepared for a call; it may take `timeout` milliseconds."
  @spec begin(t, call_id, label :: String.t(), pid, guard :: pid, timeout) :: t
  def begin(%__MODULE__{} = futures, call_id, label, pid, guard, timeout) do
    reference = :erlang.monitor(:process, pid, alias: :reply_demonitor)
    Guard.begin(pid, guard, reference)
    call = {:process, pid, reference, label, due(timeout)}

    %{
      futures
      | running: Map.put(futures.running, call_id, call),
        calls: Map.put(futures.calls, reference, call_id)
    }
  end

  @doc "Begins a sleep of `milliseconds`."
  @spec sleep(t, call_id, non_neg_integer) :: t
  def sleep(%__MODULE__{} = futures, call_id, milliseconds) do
    put_in(futures.running[call_id], {:sleep, due(milliseconds)})
  end

  @doc "Whether anything is running or done."
  @spec any?(t) :: boolean
  def any?(%__MODULE__{} = futures), do: futures.running != %{} or futures.done != %{}

  @doc """
  Waits until one of the calls `call_ids` is done, or until the time `until`, and takes the replies of those that are.

  Calls that nobody knows are told apart: a run that was suspended while it waited has lost them.
  """
  @spec take(t, [call_id], until :: integer | :infinity) ::
          {:done, [{call_id, label :: String.t(), reply}], t}
          | {:unknown, [call_id]}
          | {:over, t}
  def take(%__MODULE__{} = futures, call_ids, until) do
    futures = futures |> collect() |> expire(now())

    case Enum.reject(call_ids, &(is_map_key(futures.running, &1) or is_map_key(futures.done, &1))) do
      [] -> wait(futures, call_ids, until)
      unknown -> {:unknown, unknown}
    end
  end

  @doc "Puts a reply back that the run did not take."
  @spec put_back(t, call_id, label :: String.t(), reply) :: t
  def put_back(%__MODULE__{} = futures, call_id, label, reply) do
    put_in(futures.done[call_id], {label, reply})
  end

  @doc "Kills what is running."
  @spec stop(t) :: :ok
  def stop(%__MODULE__{running: running}) do
    for {_call_id, {:process, pid, reference, _label, _due}} <- running, do: kill(pid, reference)
    :ok
  end

  defp wait(futures, call_ids, until) do
    case Enum.filter(call_ids, &is_map_key(futures.done, &1)) do
      [] ->
        now = now()

        if until != :infinity and now >= until do
          {:over, futures}
        else
          futures
          |> receive_one(Milliseconds.at_once(milliseconds(now, until, futures)))
          |> collect()
          |> expire(now())
          |> wait(call_ids, until)
        end

      done ->
        replies = for id <- done, {label, reply} = futures.done[id], do: {id, label, reply}
        {:done, replies, %{futures | done: Map.drop(futures.done, done)}}
    end
  end

  # Takes what has arrived already.
  defp collect(futures) do
    case receive_one(futures, 0) do
      ^futures -> futures
      more -> collect(more)
    end
  end

  defp receive_one(%__MODULE__{calls: calls} = futures, timeout) do
    receive do
      {reference, reply} when is_map_key(calls, reference) ->
        finish(futures, reference, reply)

      {:DOWN, reference, :process, _pid, reason} when is_map_key(calls, reference) ->
        finish(futures, reference, {:failed, Callbacks.died(reason)})
    after
      timeout -> futures
    end
  end

  defp finish(futures, reference, reply) do
    {call_id, calls} = Map.pop!(futures.calls, reference)
    {{:process, _pid, _reference, label, _due}, running} = Map.pop!(futures.running, call_id)
    %{futures | calls: calls, running: running, done: Map.put(futures.done, call_id, {label, reply})}
  end

  defp expire(futures, now) do
    Enum.reduce(futures.running, futures, fn
      {call_id, {:sleep, due}}, futures when due <= now ->
        %{
          futures
          | running: Map.delete(futures.running, call_id),
            done: Map.put(futures.done, call_id, {"asyncio.sleep()", :slept})
        }

      {_call_id, {:process, pid, reference, _label, due}}, futures when is_integer(due) and due <= now ->
        kill(pid, reference)
        finish(futures, reference, :late)

      _running, futures ->
        futures
    end)
  end

  defp kill(pid, reference) do
    Process.demonitor(reference, [:flush])
    Guard.kill(pid)

    receive do
      {^reference, _late} -> :ok
    after
      0 -> :ok
    end
  end

  defp milliseconds(now, until, futures) do
    futures.running
    |> Enum.map(fn {_call_id, call} -> elem(call, tuple_size(call) - 1) end)
    |> Enum.min(fn -> :infinity end)
    |> min(until)
    |> then(&if(&1 == :infinity, do: :infinity, else: max(&1 - now, 0)))
  end

  defp due(:infinity), do: :infinity
  defp due(milliseconds), do: now() + milliseconds

  defp now, do: System.monotonic_time(:millisecond)
end
