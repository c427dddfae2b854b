defmodule ExMonty.Workspace.DurabilityTest do
  use ExUnit.Case, async: false

  import ExUnit.CaptureLog

  alias ExMonty.Test.{DurableAgent, HostDirectory}
  alias ExMonty.Workspace

  # A hundred and more with `EX_MONTY_KILLS=100 mix test test/ex_monty/workspace/durability_test.exs`.
  @kills String.to_integer(System.get_env("EX_MONTY_KILLS", "10"))

  @tag timeout: :infinity
  test "a node that is killed in the middle of steps and saves loses at most the step in flight, and says so" do
    directory = HostDirectory.create!()
    :rand.seed(:exsss, {11, 26, @kills})

    Enum.reduce(1..@kills, {0, 0}, fn _, {reached, losses} ->
      {begun, answered} = directory |> start() |> kill_after(:rand.uniform(40), :rand.uniform(4_000), reached)
      {reached, lost?} = examine(directory, begun, answered)
      {reached, if(lost?, do: losses + 1, else: losses)}
    end)
  end

  defp start(directory) do
    elixir = System.find_executable("elixir")
    ebin = :ex_monty |> :code.lib_dir(:ebin) |> List.to_string()
    call = "ExMonty.Test.DurableAgent.main(#{inspect(directory)})"

    Port.open({:spawn_executable, elixir}, [
      :binary,
      :exit_status,
      line: 1_000,
      args: ["-pa", ebin, "-e", call]
    ])
  end

  # Kills after so many lines and microseconds; gives the last step that was begun, and the last that was answered.
  defp kill_after(port, lines, microseconds, reached) do
    :ok = heard(port, "up")
    seen = listen(port, lines, [])
    # The moment of the fault, not a wait for anything: somewhere in a step, a save, or between.
    spin(System.monotonic_time(:microsecond) + microseconds)
    {:os_pid, pid} = Port.info(port, :os_pid)
    {_, 0} = System.cmd("kill", ["-9", "#{pid}"])
    seen = drain(port, seen)

    answered =
      Enum.find_value(seen, reached, fn line ->
        with "done " <> n <- line, do: String.to_integer(n), else: (_ -> nil)
      end)

    {answered + 1, answered}
  end

  defp heard(port, line) do
    receive do
      {^port, {:data, {:eol, ^line}}} -> :ok
      {^port, {:data, {_, other}}} -> flunk("expected #{inspect(line)}, got #{inspect(other)}")
      {^port, {:exit_status, status}} -> flunk("the node ended with status #{status}")
    end
  end

  defp listen(_port, 0, seen), do: seen

  defp listen(port, lines, seen) do
    receive do
      {^port, {:data, {:eol, line}}} -> listen(port, lines - 1, [line | seen])
      {^port, {:exit_status, status}} -> flunk("the node ended with status #{status}: #{inspect(seen)}")
    end
  end

  defp drain(port, seen) do
    receive do
      {^port, {:data, {_, line}}} -> drain(port, [line | seen])
      {^port, {:exit_status, _killed}} -> seen
    end
  end

  defp spin(until), do: if(System.monotonic_time(:microsecond) < until, do: spin(until))

  # What the store has is a state that there was: variables and files of the same step, the one that was answered last
  # or the one after it.
  defp examine(directory, begun, answered) do
    log =
      capture_log(fn ->
        {:ok, ws} = Workspace.start_link(DurableAgent.options(directory))
        send(self(), {:started, ws})
      end)

    assert_received {:started, ws}
    info = Workspace.info(ws)
    if info.lost, do: assert(log =~ "step #{info.lost.step} was lost"), else: refute(log =~ "lost")

    suspended = Workspace.suspensions(ws)
    DurableAgent.finish_suspended(ws)
    {:ok, {n, answers}, ""} = Workspace.run(ws, "n, answers")
    assert n in [answered, begun], "#{n} was reached, #{answered} was answered"

    assert answers == for(k <- 1..n//1, rem(k, 5) == 0, do: "answer #{k}")
    if n > 0, do: assert(Workspace.read(ws, "/work/log") == {:ok, Enum.map_join(1..n, &"#{&1}\n")})

    for k <- max(1, n - 6)..n//1 do
      assert Workspace.read(ws, "/work/#{rem(k, 7)}") == {:ok, String.duplicate("#{k}", 1000)}
    end

    if info.lost && suspended == [], do: assert(info.lost.code =~ "n = n + 1")
    :ok = Workspace.stop(ws)
    {n, info.lost != nil}
  end
end
