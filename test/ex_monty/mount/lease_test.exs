defmodule ExMonty.Mount.LeaseTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Patience}

  setup do
    {:ok, mounts: Mount.new!([{"/m", :memory, files: %{"file" => "text", "dir/x" => ""}}])}
  end

  # A process that checks out and holds the lease until it is told to stop, or killed.
  defp holder(mounts, mode \\ :exclusive) do
    parent = self()

    pid =
      spawn(fn ->
        send(parent, {:leased, self(), Mount.checkout(mounts, mode)})
        Process.sleep(:infinity)
      end)

    assert_receive {:leased, ^pid, {:ok, lease}}
    {pid, lease}
  end

  defp kill(pid, reason \\ :kill) do
    monitor = Process.monitor(pid)
    Process.exit(pid, reason)
    assert_receive {:DOWN, ^monitor, _, _, _}
  end

  defp changes do
    [
      &Mount.write(&1, "/m/file", ""),
      &Mount.append(&1, "/m/file", ""),
      &Mount.mkdir_p(&1, "/m/new"),
      &Mount.rm(&1, "/m/file"),
      &Mount.rename(&1, "/m/file", "/m/new")
    ]
  end

  describe "an exclusive lease" do
    test "keeps other leases, changes and mounts out, and lets everybody read", %{mounts: mounts} do
      lease = Mount.checkout!(mounts)

      for change <- [
            &Mount.checkout(&1),
            &Mount.checkout(&1, :shared),
            &Mount.add(&1, "/new", :memory),
            &Mount.add(&1, "/new", "lib", :read_only),
            (&Mount.remove(&1, "/m"))
            | changes()
          ] do
        assert change.(mounts) == {:error, :mount_in_use}
      end

      assert Mount.write(lease, "/m/file", "through the lease") == :ok
      assert Mount.read(mounts, "/m/file") == {:ok, "through the lease"}
      assert Mount.ls(mounts, "/m") == {:ok, ["dir", "file"]}
      assert {:ok, %File.Stat{size: 17}} = Mount.stat(mounts, "/m/file")
      assert Mount.exists?(mounts, "/m/file")

      assert {1, [%{virtual: "/m"}], %{bytes: 17}} =
               {Mount.count(mounts), Mount.list(mounts), Mount.usage(mounts)}

      assert inspect(mounts) =~ "/m"

      assert Mount.release(lease) == :ok
      assert Mount.write(mounts, "/m/file", "") == :ok
      assert {:ok, _} = Mount.add(mounts, "/new", :memory)
    end

    test "raises with the reason where a lease is asked for with !", %{mounts: mounts} do
      lease = Mount.checkout!(mounts)
      error = assert_raise ExMonty.Error, fn -> Mount.checkout!(mounts) end
      assert error.reason == :mount_in_use
      error = assert_raise ExMonty.Error, fn -> Mount.write!(mounts, "/m/x", "") end
      assert error.message == "could not write \"/m/x\": the mount table is in use by another lease"
      # Used to the end, or it would be garbage before.
      Mount.release(lease)
    end
  end

  describe "shared leases" do
    test "go together and with changes of files, not with exclusive ones or changes of mounts", %{
      mounts: mounts
    } do
      [one, two] = for _ <- 1..2, do: Mount.checkout!(mounts, :shared)
      assert Mount.write(one, "/m/file", "1") == :ok
      assert Mount.append(two, "/m/file", "2") == :ok
      assert Mount.append(mounts, "/m/file", "3") == :ok
      assert Mount.read(one, "/m/file") == {:ok, "123"}

      for lease <- [one, two] do
        assert Mount.checkout(mounts) == {:error, :mount_in_use}
        assert Mount.add(mounts, "/new", :memory) == {:error, :mount_in_use}
        assert Mount.remove(mounts, "/m") == {:error, :mount_in_use}
        Mount.release(lease)
      end

      assert {:ok, _} = Mount.checkout(mounts)
    end
  end

  test "modes that there are not raise and name those there are", %{mounts: mounts} do
    for mode <- [{:wait, :soon}, {:wait, :share, 100}, :exclusiv, nil, "shared"] do
      assert_raise ArgumentError, ~r/accepted: :exclusive, :shared/, fn -> Mount.checkout(mounts, mode) end
    end
  end

  describe "a released lease" do
    test "is one for every use of it, and stays so", %{mounts: mounts} do
      lease = Mount.checkout!(mounts)
      assert Mount.release(lease) == :ok
      assert Mount.release(lease) == :ok

      for use <- [
            &Mount.read(&1, "/m/file"),
            &Mount.ls(&1, "/m"),
            (&Mount.stat(&1, "/m"))
            | changes()
          ] do
        assert use.(lease) == {:error, :lease_released}
      end

      error = assert_raise ExMonty.Error, fn -> Mount.exists?(lease, "/m/file") end
      assert error.reason == :lease_released
    end

    test "does not end the lease that came after it", %{mounts: mounts} do
      first = Mount.checkout!(mounts)
      Mount.release(first)
      second = Mount.checkout!(mounts)
      assert Mount.release(first) == :ok
      assert Mount.checkout(mounts) == {:error, :mount_in_use}
      assert Mount.read(second, "/m/file") == {:ok, "text"}
    end

    test "may be released, and used, by a process that does not own it", %{mounts: mounts} do
      {owner, lease} = holder(mounts)
      assert Mount.write(lease, "/m/file", "by another") == :ok
      assert Mount.release(lease) == :ok
      assert {:ok, mine} = Mount.checkout(mounts)
      kill(owner)
      assert Mount.read(mine, "/m/file") == {:ok, "by another"}
    end
  end

  describe "the death of the owner" do
    test "ends its leases, however it dies", %{mounts: mounts} do
      for reason <- [:kill, :shutdown, :boom] do
        {owner, lease} = holder(mounts)
        assert Mount.checkout(mounts) == {:error, :mount_in_use}
        kill(owner, reason)
        # Nobody asks the table for anything.
        Patience.until(fn -> Mount.read(lease, "/m/file") == {:error, :lease_released} end)
      end
    end

    test "ends all of its leases and nobody else's", %{mounts: mounts} do
      other = Mount.new!([{"/m", :memory}])
      {owner, one} = holder(mounts, :shared)
      {survivor, two} = holder(mounts, :shared)
      {_, three} = holder(other)

      kill(owner)
      assert Mount.checkout(mounts) == {:error, :mount_in_use}
      assert Mount.read(one, "/m/file") == {:error, :lease_released}
      assert {:ok, _} = Mount.read(two, "/m/file")
      assert {:ok, _} = Mount.ls(three, "/m")

      kill(survivor)
      assert {:ok, _} = Mount.checkout(mounts)
    end

    test "leaves the table to whoever has heard of it", %{mounts: mounts} do
      for use <- [
            &Mount.write!(&1, "/m/file", ""),
            &Mount.add!(&1, "/new", :memory),
            &Mount.remove!(&1, "/new"),
            &Mount.checkout!(&1)
          ] do
        lease = left_by_a_slow_death(mounts)
        use.(mounts)
        assert Mount.read(lease, "/m/file") == {:error, :lease_released}
      end
    end

    # The VM tells links first, and monitors one after the other: a crowd of monitors makes it take its time to come to
    # the one that watches over the lease.
    defp left_by_a_slow_death(mounts) do
      Process.flag(:trap_exit, true)
      parent = self()

      owner =
        spawn_link(fn ->
          receive do: (:go -> send(parent, {:leased, Mount.checkout(mounts)}))
          Process.sleep(:infinity)
        end)

      crowd =
        spawn(fn ->
          for _ <- 1..100_000, do: Process.monitor(owner)
          send(parent, :watching)
          Process.sleep(:infinity)
        end)

      assert_receive :watching
      send(owner, :go)
      assert_receive {:leased, {:ok, lease}}
      Process.exit(owner, :kill)
      assert_receive {:EXIT, ^owner, :killed}
      Process.exit(crowd, :kill)
      lease
    end

    test "leaves a released lease's successor alone", %{mounts: mounts} do
      {owner, lease} = holder(mounts)
      Mount.release(lease)
      mine = Mount.checkout!(mounts)
      kill(owner)
      assert Mount.read(mine, "/m/file") == {:ok, "text"}
      assert Mount.checkout(mounts) == {:error, :mount_in_use}
    end
  end

  test "a lease that nothing refers to ends when the garbage is collected", %{mounts: mounts} do
    forget(mounts)
    assert Mount.checkout(mounts) == {:error, :mount_in_use}

    # The VM runs destructors a moment after the collection that found the garbage, and tells nobody.
    Patience.until(fn ->
      :erlang.garbage_collect()
      match?({:ok, _}, Mount.checkout(mounts))
    end)
  end

  defp forget(mounts) do
    {:ok, _lease} = Mount.checkout(mounts)
    :ok
  end

  test "a lease that a paused run refers to lasts as long as the run", %{mounts: mounts} do
    {snapshot, call} = pause(mounts)
    for _ <- 1..3, do: :erlang.garbage_collect()
    assert {:ok, {:function_call, ^call, ^snapshot, ""}} = ExMonty.progress(snapshot)
    assert Mount.checkout(mounts) == {:error, :mount_in_use}

    # Resumed without it, the run has no use for it any more.
    assert {:ok, {:complete, 1, ""}} = ExMonty.resume(snapshot, {:ok, 1})

    Patience.until(fn ->
      :erlang.garbage_collect()
      match?({:ok, _}, Mount.checkout(mounts))
    end)
  end

  defp pause(mounts) do
    {:ok, runner} = ExMonty.compile("f()")
    lease = Mount.checkout!(mounts)
    {:ok, {:function_call, call, snapshot, ""}} = ExMonty.start_with_mounts(runner, lease)
    {snapshot, call}
  end

  test "a lease keeps its table, whoever else has forgotten it" do
    lease = lease_of_a_forgotten_table()
    :erlang.garbage_collect()
    assert Mount.read(lease, "/m/file") == {:ok, "text"}
  end

  defp lease_of_a_forgotten_table do
    Mount.checkout!(Mount.new!([{"/m", :memory, files: %{"file" => "text"}}]))
  end

  test "of many processes that race for an exclusive lease, one has it at a time", %{mounts: mounts} do
    [inside, refused] = for _ <- 1..2, do: :counters.new(1, [])
    Mount.write!(mounts, "/m/file", "")

    1..50
    |> Enum.map(fn _ ->
      Task.async(fn -> for _ <- 1..10, do: win(mounts, inside, refused) end)
    end)
    |> Task.await_many(:infinity)

    assert :counters.get(refused, 1) > 0
    assert Mount.read!(mounts, "/m/file") == String.duplicate("x", 500)
    assert {:ok, _} = Mount.checkout(mounts)
  end

  # The file grows by reading and writing it, which loses what two do at once.
  defp win(mounts, inside, refused) do
    case Mount.checkout(mounts) do
      {:ok, lease} ->
        :counters.add(inside, 1, 1)
        assert :counters.get(inside, 1) == 1
        Mount.write!(lease, "/m/file", Mount.read!(lease, "/m/file") <> "x")
        :counters.sub(inside, 1, 1)
        assert Mount.release(lease) == :ok

      {:error, :mount_in_use} ->
        :counters.add(refused, 1, 1)
        win(mounts, inside, refused)
    end
  end
end
