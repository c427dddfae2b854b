defmodule ExMonty.Mount.Events do
  @moduledoc """
  Operations on files, told to processes. Each function is called through `ExMonty.Mount`, which has it too.

  With `:telemetry` loaded and a handler attached to `[:ex_monty, :fs, :op]`, the same operations are events of it:
  measurements `bytes` and `duration_ns`, metadata `op`, `path`, `result` (and `to`). What did not fit is
  `[:ex_monty, :fs, :dropped]` with the measurement `count`. Handlers are looked for when a table is made and when it is
  leased, and run in a process beside the table.
  """

  alias ExMonty.{Mount, Native}
  alias ExMonty.Mount.Relay

  @doc """
  Sends `pid`, a process of this node, what is done with files of the table, in batches `{:ex_monty, :fs, events}`.

  An event is `%{op: op, path: path, bytes: bytes, result: :ok | posix, duration_ns: ns}`; that of a rename has its second
  path as `to`. `op` is `:read`, `:write`, `:append`, `:open`, `:stat`, `:lstat`, `:ls`, `:mkdir`, `:rm`, `:rmdir`, `:rename`,
  `:scan` or `:resolve`; one call may be several. Operations never wait for a subscriber: up to 1,024 events are kept while
  it has not read what was sent before, and what does not fit is counted in a last `%{dropped: n}`. A subscription ends
  with the subscriber, and with the table. Subscribing again changes nothing.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory}])
      iex> :ok = ExMonty.Mount.subscribe(mounts)
      iex> ExMonty.Mount.write!(mounts, "/m/a", "text")
      iex> receive do
      ...>   {:ex_monty, :fs, [%{op: :write, path: path, bytes: bytes, result: :ok}]} -> {path, bytes}
      ...> end
      {"/m/a", 4}
  """
  @spec subscribe(Mount.t(), pid) :: :ok
  def subscribe(mounts, pid \\ self())

  def subscribe(%Mount{ref: table}, pid) when is_pid(pid) and node(pid) == node() do
    Relay.start(table, pid, {:process, pid})
  end

  def subscribe(%Mount{}, other) do
    raise ArgumentError, "a subscriber: got #{inspect(other)}, accepted: a process of this node"
  end

  @doc "Ends a subscription; what was done before is sent first. Nothing is done where there is none."
  @spec unsubscribe(Mount.t(), pid) :: :ok
  def unsubscribe(%Mount{ref: table}, pid \\ self()) when is_pid(pid) do
    with {:ok, relay} when is_pid(relay) <- Native.mount_relay(table, pid) do
      monitor = Process.monitor(relay)
      send(relay, {:stop, self(), monitor})

      # The relay has ended, and with it the subscription.
      receive do
        {:DOWN, ^monitor, :process, ^relay, _reason} -> :ok
      end

      receive do
        {^monitor, _} -> :ok
      after
        0 -> :ok
      end
    end

    :ok
  end
end
