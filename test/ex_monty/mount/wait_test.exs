defmodule ExMonty.Mount.WaitTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Native, Patience}

  setup do
    {:ok, mounts: Mount.new!([{"/m", :memory, files: %{"log" => ""}}])}
  end

  # A process that asks for a lease, says what it got, and lives until it is told to end.
  defp asking(mounts, request) do
    parent = self()

    spawn(fn ->
      send(parent, {:got, self(), Mount.checkout(mounts, request)})
      Process.sleep(:infinity)
    end)
  end

  # A process that is in the line of this table when this returns: nobody overtakes it.
  defp in_line(mounts, request) do
    pid = asking(mounts, request)
    Patience.until(fn -> Process.info(pid, :status) == {:status, :waiting} end)
    pid
  end

  defp kill(pid) do
    monitor = Process.monitor(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, _, _, _}
  end

  test "a lease that is free is had at once", %{mounts: mounts} do
    assert {:ok, %Mount.Lease{mode: :exclusive} = lease} = Mount.checkout(mounts, {:wait, 0})
    Mount.release(lease)
    assert {:ok, %Mount.Lease{mode: :shared}} = Mount.checkout(mounts, {:wait, :shared, 60_000})
    assert {:ok, _} = Mount.checkout(mounts, {:wait, :shared, :infinity})
  end

  test "who waits in vain is out of the line, and no message is left", %{mounts: mounts} do
    lease = Mount.checkout!(mounts)

    for request <- [{:wait, 0}, {:wait, 5}, {:wait, :shared, 5}],
        do: assert(Mount.checkout(mounts, request) == {:error, :mount_in_use})

    Mount.release(lease)
    assert {:ok, _} = Mount.checkout(mounts)
    refute_received _
  end

  test "who waits is served in the order of arrival, and overtaken by nobody", %{mounts: mounts} do
    lease = Mount.checkout!(mounts, :shared)
    first = in_line(mounts, {:wait, 60_000})
    second = in_line(mounts, {:wait, :shared, 60_000})
    third = in_line(mounts, {:wait, :shared, 60_000})
    assert Mount.checkout(mounts, :shared) == {:error, :mount_in_use}

    Mount.release(lease)
    assert_receive {:got, ^first, {:ok, one}}
    refute_received {:got, _, _}
    Mount.release(one)
    assert_receive {:got, ^second, {:ok, _}}
    assert_receive {:got, ^third, {:ok, _}}
    for pid <- [first, second, third], do: kill(pid)
    assert {:ok, _} = Mount.checkout(mounts)
  end

  test "a waiter that is killed lets the next one in", %{mounts: mounts} do
    lease = Mount.checkout!(mounts)
    doomed = in_line(mounts, {:wait, :infinity})
    next = in_line(mounts, {:wait, 60_000})
    kill(doomed)
    Mount.release(lease)
    assert_receive {:got, ^next, {:ok, _}}
    refute_received {:got, ^doomed, _}
  end

  test "a waiter is let in when the owner of the lease is killed", %{mounts: mounts} do
    owner = asking(mounts, :exclusive)
    assert_receive {:got, ^owner, {:ok, _}}
    waiter = in_line(mounts, {:wait, 60_000})
    kill(owner)
    assert_receive {:got, ^waiter, {:ok, lease}}
    assert Mount.write(lease, "/m/log", "x") == :ok
  end

  test "a lease that is waited for is none yet, and can be released away", %{
    mounts: %Mount{ref: table} = mounts
  } do
    lease = Mount.checkout!(mounts)
    reference = make_ref()
    {:ok, awaited} = Native.mount_wait(table, :shared, reference)
    assert Native.file_read(awaited, "/m/log") == {:error, :lease_released}
    assert Native.mount_release(awaited) == :ok
    assert Native.mount_withdraw(awaited) == {:ok, true}
    Mount.release(lease)
    assert {:ok, lease} = Mount.checkout(mounts)
    refute_received {:ex_monty, ^reference, _}

    # One that was granted cannot be given up, only released.
    Mount.release(lease)
    {:ok, granted} = Native.mount_wait(table, :exclusive, reference)
    assert_receive {:ex_monty, ^reference, :leased}
    assert Native.mount_withdraw(granted) == {:ok, false}
    assert Mount.checkout(mounts) == {:error, :mount_in_use}
    assert Native.mount_release(granted) == :ok
  end

  test "200 processes wait for one table, and one has it at a time", %{mounts: mounts} do
    inside = :counters.new(1, [])

    1..200
    |> Enum.map(fn _ ->
      Task.async(fn ->
        {:ok, lease} = Mount.checkout(mounts, {:wait, :infinity})
        :counters.add(inside, 1, 1)
        assert :counters.get(inside, 1) == 1
        Mount.write!(lease, "/m/log", Mount.read!(lease, "/m/log") <> "x")
        :counters.sub(inside, 1, 1)
        Mount.release(lease)
      end)
    end)
    |> Task.await_many(:infinity)

    assert Mount.read!(mounts, "/m/log") == String.duplicate("x", 200)
  end

  test "200 processes share one table, and lose nothing", %{mounts: mounts} do
    1..200
    |> Enum.map(fn number ->
      Task.async(fn ->
        {:ok, lease} = Mount.checkout(mounts, {:wait, :shared, :infinity})
        Mount.append!(lease, "/m/log", "x")
        Mount.write!(lease, "/m/#{number}", "")
        Mount.release(lease)
      end)
    end)
    |> Task.await_many(:infinity)

    assert byte_size(Mount.read!(mounts, "/m/log")) == 200
    assert length(Mount.ls!(mounts, "/m")) == 201
  end

  test "what is no request raises and names what is accepted", %{mounts: mounts} do
    for request <- [{:wait, -1}, {:wait, 1.5}, {:wait, :mine, 5}, {:wait, 0x1_0000_0000}, {:wait}, :wait, nil] do
      assert_raise ArgumentError, ~r/accepted: :exclusive, :shared, \{:wait/, fn ->
        Mount.checkout(mounts, request)
      end
    end
  end
end
