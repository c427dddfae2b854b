defmodule ExMonty.Mount.Relay do
  @moduledoc false

  # A process beside a table that takes its events and hands them on: to a subscriber, or to `:telemetry`. It ends with
  # the subscriber, with the table, or when it is told to. It must not refer to the table, which it would keep.

  alias ExMonty.Native

  # A subscriber with so many messages before it gets no more until it has read some; meanwhile the ring fills.
  @max_backlog 64
  @retry_ms 20

  @type target :: {:process, pid} | {:function, (list -> :ok | :done)}

  # Starts a relay, unless the subscriber (nil: nobody in particular) has one.
  @spec start(reference, pid | nil, target) :: :ok
  def start(table, subscriber, target) do
    caller = self()
    tag = make_ref()
    {relay, monitor} = spawn_monitor(fn -> init(table, subscriber, target, {caller, tag}) end)

    receive do
      {^tag, :ok} -> Process.demonitor(monitor, [:flush])
      {:DOWN, ^monitor, :process, ^relay, reason} -> exit(reason)
    end

    :ok
  end

  defp init(table, subscriber, target, {caller, tag}) do
    feed = Native.mount_feed(table, subscriber)
    send(caller, {tag, :ok})

    with {:ok, feed} when feed != nil <- feed do
      with {:process, pid} <- target, do: Process.monitor(pid)
      # Collects the garbage, and with it what refers to the table.
      :erlang.hibernate(__MODULE__, :wait, [feed, target, :infinity])
    end
  end

  @doc false
  def wait(feed, target, patience) do
    receive do
      {:ex_monty, :events} -> forward(feed, target)
      {:ex_monty, :closed} -> hand_on(feed, target)
      {:DOWN, _monitor, :process, _pid, _reason} -> :ok
      {:stop, caller, tag} -> send(caller, {tag, hand_on(feed, target)})
    after
      patience -> forward(feed, target)
    end
  end

  defp forward(feed, target) do
    if room?(target) do
      if hand_on(feed, target) == :ok, do: __MODULE__.wait(feed, target, :infinity)
    else
      __MODULE__.wait(feed, target, @retry_ms)
    end
  end

  defp room?({:function, _}), do: true

  defp room?({:process, pid}) do
    case Process.info(pid, :message_queue_len) do
      {:message_queue_len, length} -> length < @max_backlog
      # It is dead, and the message that says so on its way.
      nil -> false
    end
  end

  defp hand_on(feed, target) do
    case {Native.mount_events(feed), target} do
      {{:ok, []}, _} ->
        :ok

      {{:ok, events}, {:process, pid}} ->
        send(pid, {:ex_monty, :fs, events})
        :ok

      {{:ok, events}, {:function, function}} ->
        function.(events)
    end
  end
end
