defmodule ExMonty.MonitoredTest do
  # The library monitors whoever waits for a turn or owns a lease. The VM shows what monitors a process to everybody who
  # asks, as dashboards and observers do; what was just being given up was shown, too, and then freed under whoever had
  # asked. The VM died of it, within seconds of a busy process being looked at. What monitors is never freed now.
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Sandbox}

  test "what monitors a process can be asked for while it runs scripts and leases tables" do
    busy = self()
    mounts = Mount.new!([{"/m", :memory}])
    functions = %{"f" => fn _, _ -> {:ok, 1} end}

    watchers =
      for _ <- 1..2,
          do: spawn_link(fn -> Enum.each(Stream.cycle([:monitored_by]), &Process.info(busy, &1)) end)

    for _ <- 1..3_000 do
      assert {:ok, 1, ""} = Sandbox.run("f()", functions: functions, mounts: mounts, timeout: 60_000)
      assert {:monitored_by, [_ | _]} = Process.info(busy, :monitored_by)
    end

    for watcher <- watchers do
      Process.unlink(watcher)
      Process.exit(watcher, :kill)
    end

    assert Mount.read(mounts, "/m") == {:error, :eisdir}
  end

  test "who is not waited for any more is monitored no longer, however many leases there were" do
    mounts = Mount.new!([{"/m", :memory}])
    leases = for _ <- 1..1_000, do: Mount.checkout!(mounts, :shared)
    assert monitors() >= 1_000
    Enum.each(leases, &Mount.release/1)

    # Each that begins ends some of those that ended.
    for _ <- 1..1_000, do: mounts |> Mount.checkout!(:shared) |> Mount.release()
    assert monitors() < 100
  end

  # Asked by another process, which gets in line behind what this one has been told.
  defp monitors do
    test = self()
    {:monitored_by, monitors} = Task.await(Task.async(fn -> Process.info(test, :monitored_by) end))
    length(monitors)
  end
end
