defmodule ExMonty.Sandbox.Guard do
  @moduledoc false

  # Sees to it that no process of a run outlives the process that drives it.
  #
  # The functions of a host run in processes of their own, which are busy with them and cannot watch anybody. So one
  # process per run watches the driver, and kills the others when it is gone. A link would do that for a driver that
  # dies, and would also kill it with every function that does.
  #
  # A process of a run does nothing before it is told to `begin`, and is told so only once the guard knows of it. Until
  # then it watches the driver itself.

  @doc "Starts the guard of the calling process."
  @spec start() :: pid
  def start do
    driver = self()

    spawn(fn ->
      Process.monitor(driver)
      watch(MapSet.new())
    end)
  end

  @doc "Makes a process of the run that `driver` drives, which waits for `begin/3`. `fun` is given the reference of it."
  @spec prepare(driver :: pid, callers :: [pid], (reference -> any)) :: pid
  def prepare(driver, callers, fun) do
    spawn(fn ->
      monitor = Process.monitor(driver)

      receive do
        {:begin, reference} ->
          Process.demonitor(monitor, [:flush])
          Process.put(:"$callers", callers)
          fun.(reference)

        {:DOWN, ^monitor, :process, ^driver, _reason} ->
          :ok
      end
    end)
  end

  @doc "Sets a prepared process going, watched by `guard`."
  @spec begin(pid, guard :: pid, reference) :: :ok
  def begin(pid, guard, reference) do
    send(guard, {:watch, pid})
    send(pid, {:begin, reference})
    :ok
  end

  @doc "Kills a process of the run, and waits until it is dead."
  @spec kill(pid) :: :ok
  def kill(pid) do
    monitor = Process.monitor(pid)
    Process.exit(pid, :kill)

    receive do
      {:DOWN, ^monitor, :process, ^pid, _reason} -> :ok
    end
  end

  @doc "Sends the guard home. The driver has killed what it watched."
  @spec dismiss(pid) :: :ok
  def dismiss(guard) do
    send(guard, :dismiss)
    :ok
  end

  defp watch(pids) do
    receive do
      {:watch, pid} ->
        Process.monitor(pid)
        watch(MapSet.put(pids, pid))

      {:DOWN, _monitor, :process, pid, _reason} ->
        # Every process that is watched is in the set; the one that is not is the driver.
        if MapSet.member?(pids, pid),
          do: watch(MapSet.delete(pids, pid)),
          else: Enum.each(pids, &Process.exit(&1, :kill))

      :dismiss ->
        :ok
    end
  end
end
