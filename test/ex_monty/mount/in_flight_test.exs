defmodule ExMonty.Mount.InFlightTest do
  use ExUnit.Case, async: true

  # A process that is killed while its run has its turn: the turn is given up, and the lease ends with it.

  alias ExMonty.{Mount, Patience, Sandbox, Session}

  @endless "while True:\n    open('/m/n', 'a').write('x')"

  setup do
    {:ok, mounts: Mount.new!([{"/m", :memory, files: %{"n" => ""}}])}
  end

  # Kills a process that runs `work` once files have come of it, and waits until it is gone.
  defp kill_in_flight(mounts, work) do
    {pid, monitor} = spawn_monitor(work)
    Patience.until(fn -> Mount.usage(mounts).bytes > 100 end)
    assert Process.alive?(pid)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
  end

  # Nobody has the table any more, and nobody writes into it.
  defp assert_free(mounts) do
    assert {:ok, lease} = Mount.checkout(mounts, {:wait, 60_000})
    contents = Mount.read!(mounts, "/m/n")
    for _ <- 1..1_000, do: Mount.stat!(mounts, "/m/n")
    assert Mount.read!(mounts, "/m/n") == contents
    assert Mount.write(lease, "/m/n", "") == :ok
    Mount.release(lease)
  end

  for mode <- [:exclusive, :shared] do
    test "with a lease of its own, #{mode}", %{mounts: mounts} do
      test = self()
      {:ok, runner} = ExMonty.compile(@endless)

      kill_in_flight(mounts, fn ->
        lease = Mount.checkout!(mounts, unquote(mode))
        send(test, {:lease, lease})
        ExMonty.start_with_mounts(runner, lease, %{}, limits: :unlimited)
      end)

      assert_receive {:lease, lease}
      assert_free(mounts)
      assert Mount.read(lease, "/m/n") == {:error, :lease_released}
      assert ExMonty.start_with_mounts(runner, lease) == {:error, :lease_released}
    end
  end

  test "a lease beside it goes on, and whoever waits is let in when both are over", %{mounts: mounts} do
    mine = Mount.checkout!(mounts, :shared)

    kill_in_flight(mounts, fn ->
      Sandbox.run(@endless, mounts: mounts, lease: :shared, limits: :unlimited)
    end)

    assert {:ok, _} = Mount.read(mine, "/m/n")
    assert Mount.append(mine, "/m/mine", "1") == :ok
    assert Mount.checkout(mounts) == {:error, :mount_in_use}
    waiting = Task.async(fn -> Mount.checkout(mounts, {:wait, 60_000}) |> elem(0) end)
    Mount.release(mine)
    assert Task.await(waiting, :infinity) == :ok
    assert_free(mounts)
  end

  test "with a lease that a sandbox took, in the middle of the script", %{mounts: mounts} do
    for opts <- [[], [timeout: 600_000], [on_output: fn _text -> :ok end]] do
      opts = [mounts: mounts, limits: :unlimited] ++ opts
      kill_in_flight(mounts, fn -> Sandbox.run("print('begun')
" <> @endless, opts) end)
      assert_free(mounts)
    end
  end

  test "after a pause that was resumed, also by another than the owner of the lease", %{mounts: mounts} do
    {:ok, runner} = ExMonty.compile("f()
" <> @endless)
    lease = Mount.checkout!(mounts)

    {:ok, {:function_call, _, snapshot, _}} =
      ExMonty.start_with_mounts(runner, lease, %{}, limits: :unlimited)

    kill_in_flight(mounts, fn -> ExMonty.resume_with_mounts(snapshot, {:ok, nil}, lease) end)
    # The lease is this process's and stays; the run is gone.
    assert {:error, %ExMonty.Error{reason: :snapshot_consumed}} = ExMonty.progress(snapshot)
    assert Mount.checkout(mounts) == {:error, :mount_in_use}
    assert {:ok, _} = Mount.read(lease, "/m/n")
    Mount.release(lease)
    assert_free(mounts)
  end

  test "of a session, which is free afterwards", %{mounts: mounts} do
    session = Session.new!(mounts: mounts, limits: :unlimited)

    kill_in_flight(mounts, fn ->
      Session.eval(
        session,
        "x = 1
" <> @endless
      )
    end)

    assert_free(mounts)
    assert {:ok, 1, "", _session} = Patience.until_free(fn -> Session.eval(session, "x") end)
  end
end
