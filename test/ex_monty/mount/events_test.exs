defmodule ExMonty.Mount.EventsTest do
  # Telemetry is one for the whole node.
  use ExUnit.Case, async: false

  alias ExMonty.{Mount, Native}
  alias ExMonty.Test.Telemetry

  defp table, do: Mount.new!([{"/m", :memory, files: %{"a" => "text"}}])

  # Everything that arrives until an operation on `path` is among it.
  defp until(path, seen \\ []) do
    assert_receive {:ex_monty, :fs, events}
    seen = seen ++ events
    if Enum.any?(events, &(Map.get(&1, :path) == path)), do: seen, else: until(path, seen)
  end

  test "a subscriber is told of each operation and how it ended" do
    mounts = table()
    assert Mount.subscribe(mounts) == :ok
    assert Mount.subscribe(mounts) == :ok
    Mount.read(mounts, "/m/a")
    Mount.write(mounts, "/m/b", "12")
    Mount.read(mounts, "/m/none")
    Mount.rename(mounts, "/m/b", "/m/c")
    Mount.ls(mounts, "/m")

    events = until("/m")

    assert for(event <- events, do: {event.op, event.path, event.bytes, event.result}) == [
             {:read, "/m/a", 4, :ok},
             {:write, "/m/b", 2, :ok},
             {:read, "/m/none", 0, :enoent},
             {:rename, "/m/b", 0, :ok},
             {:ls, "/m", 0, :ok}
           ]

    assert Enum.all?(events, &is_integer(&1.duration_ns))
    assert [%{to: "/m/c"}] = Enum.filter(events, &(&1.op == :rename))
  end

  test "a script is seen, under a lease that was taken before" do
    mounts = table()
    lease = Mount.checkout!(mounts)
    Mount.subscribe(mounts)
    {:ok, runner} = ExMonty.compile("open('/m/a').read()")
    assert {:ok, {:complete, "text", ""}} = ExMonty.start_with_mounts(runner, lease)
    assert Enum.any?(until("/m/a"), &(&1.path == "/m/a"))
  end

  test "what a subscriber has not read is kept in a bounded ring, and the rest counted" do
    mounts = table()
    parent = self()

    slow =
      spawn(fn ->
        for _ <- 1..100, do: send(self(), :busy)
        Mount.subscribe(mounts)
        send(parent, :subscribed)
        receive do: (:read -> :ok)
        for _ <- 1..100, do: receive(do: (:busy -> :ok))
        {:ex_monty, :fs, events} = receive(do: ({:ex_monty, :fs, _} = message -> message))
        send(parent, {:events, events})
      end)

    assert_receive :subscribed
    for _ <- 1..1_500, do: Mount.exists?(mounts, "/m/a")
    send(slow, :read)
    assert_receive {:events, events}
    assert length(events) == 1_025
    assert List.last(events) == %{dropped: 476}
  end

  test "a subscription ends with the subscriber, with the table, and when it is told to" do
    %Mount{ref: ref} = mounts = table()
    subscriber = spawn(fn -> Process.sleep(:infinity) end)
    Mount.subscribe(mounts, subscriber)
    {:ok, relay} = Native.mount_relay(ref, subscriber)
    monitor = Process.monitor(relay)
    Process.exit(subscriber, :kill)
    assert_receive {:DOWN, ^monitor, _, _, :normal}

    Mount.subscribe(mounts)
    Mount.write!(mounts, "/m/a", "")
    assert Mount.unsubscribe(mounts) == :ok
    assert [%{op: :write}] = until("/m/a")
    Mount.write!(mounts, "/m/a", "")
    assert Mount.unsubscribe(mounts) == :ok
    refute_received _

    relay = relay_of_a_forgotten_table()
    monitor = Process.monitor(relay)
    :erlang.garbage_collect()
    assert_receive {:DOWN, ^monitor, _, _, reason} when reason in [:normal, :noproc]
  end

  defp relay_of_a_forgotten_table do
    %Mount{ref: ref} = mounts = table()
    Mount.subscribe(mounts)
    {:ok, relay} = Native.mount_relay(ref, self())
    relay
  end

  test "who is no process of this node is refused" do
    for wrong <- [nil, :name, "pid", make_ref()] do
      assert_raise ArgumentError, ~r/process of this node/, fn -> Mount.subscribe(table(), wrong) end
    end
  end

  test "telemetry gets the same, while a handler is attached" do
    Telemetry.install([:handler])
    %Mount{ref: ref} = mounts = table()
    Mount.read!(mounts, "/m/a")

    assert_receive {:telemetry, [:ex_monty, :fs, :op], %{bytes: 4, duration_ns: _},
                    %{op: :read, path: "/m/a", result: :ok}}

    {:ok, relay} = Native.mount_relay(ref, nil)
    monitor = Process.monitor(relay)
    Telemetry.attach([])
    Mount.read!(mounts, "/m/a")
    assert_receive {:DOWN, ^monitor, _, _, :normal}
    refute_received {:telemetry, _, _, _}
  end
end
