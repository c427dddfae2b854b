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
    on_exit(fn -> File.rm(DurableAgent.said_in(directory)) end)
    :rand.seed(:exsss, {11, 26, @kills})

    {_reached, kills} =
      Enum.map_reduce(1..@kills, 0, fn _, reached ->
        {where, answered} =
          directory |> start() |> kill_after(directory, :rand.uniform(60), :rand.uniform(6_000), reached)

        {found, reached} = examine(directory, where, answered)
        {{where, found}, reached}
      end)
      |> then(fn {kills, reached} -> {reached, kills} end)

    kills = Enum.frequencies(kills)
    if @kills >= 100, do: IO.puts("where the kills fell, and what was found: #{inspect(kills)}")
    places = for {{where, _found}, _count} <- kills, uniq: true, do: where
    if @kills >= 100, do: assert(Enum.all?([:step, :save], &(&1 in places)))
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

  # Kills after so many lines and microseconds; says where that fell, and which step was the last that was answered.
  defp kill_after(port, directory, lines, microseconds, reached) do
    :ok = heard(port, "up")
    listen(port, lines)
    # The moment of the fault, not a wait for anything: somewhere in a step, a save, or between.
    spin(System.monotonic_time(:microsecond) + microseconds)
    {:os_pid, pid} = Port.info(port, :os_pid)
    {_, 0} = System.cmd("kill", ["-9", "#{pid}"])
    await_end(port)
    seen = DurableAgent.said(directory)

    answered =
      Enum.find_value(seen, reached, fn line ->
        with "done " <> n <- line, do: String.to_integer(n), else: (_ -> nil)
      end)

    {where(seen), answered}
  end

  # Of what the node said, the last.
  defp where(["begin" | _]), do: :note
  defp where(["noted" | _]), do: :step
  defp where(["saving" | seen]), do: if(resuming?(seen), do: :save_of_resumption, else: :save)
  defp where(["saved" | seen]), do: if(resuming?(seen), do: :resumed, else: :saved)
  defp where(["suspended " <> _ | _]), do: :resumption
  defp where(_up_or_done), do: :between

  defp resuming?(seen), do: match?("suspended " <> _, Enum.find(seen, &(&1 not in ["saving", "saved"])))

  defp heard(port, line) do
    receive do
      {^port, {:data, {:eol, ^line}}} -> :ok
      {^port, {:data, {:eol, _another}}} -> heard(port, line)
      {^port, {:exit_status, status}} -> flunk("the node ended with status #{status}")
    end
  end

  defp listen(_port, 0), do: :ok

  defp listen(port, lines) do
    receive do
      {^port, {:data, {:eol, _line}}} -> listen(port, lines - 1)
      {^port, {:exit_status, status}} -> flunk("the node ended with status #{status}")
    end
  end

  defp await_end(port) do
    receive do
      {^port, {:data, _line}} -> await_end(port)
      {^port, {:exit_status, _killed}} -> :ok
    end
  end

  defp spin(until), do: if(System.monotonic_time(:microsecond) < until, do: spin(until))

  # What the store has is a state that there was: variables and files of the same step, the one that was answered last
  # or the one after it. Where it is known on which side of the save the kill fell, it is known which of the two. Gives what
  # was found, and how far it had come.
  defp examine(directory, where, answered) do
    log =
      capture_log(fn ->
        {:ok, ws} = Workspace.start_link(DurableAgent.options(directory))
        send(self(), {:started, ws})
      end)

    assert_received {:started, ws}
    info = Workspace.info(ws)
    if info.lost, do: assert(log =~ "step #{info.lost.step} was lost"), else: refute(log =~ "lost")
    if info.lost, do: assert(info.lost.step == info.steps + 1 and info.lost.code =~ "n = n + 1")

    suspended = Workspace.suspensions(ws)
    found = if info.lost, do: :lost, else: if(suspended == [], do: :whole, else: :suspended)
    DurableAgent.finish_suspended(ws)
    {:ok, {n, answers}, ""} = Workspace.run(ws, "n, answers")
    assert n in [answered, answered + 1], "#{n} was reached, #{answered} was answered"

    # What was done last may not have been said any more, so that what was said was done at least.
    done = [{:whole, answered + 1}, {:suspended, answered + 1}]

    case where do
      where when where in [:step, :save] ->
        assert {found, n} in [{:lost, answered} | done]

      where when where in [:between, :note] ->
        assert {found, n} in [{:whole, answered}, {:lost, answered} | done]

      where when where in [:saved, :resumption, :save_of_resumption] ->
        assert {found, n} in done

      :resumed ->
        assert {found, n} == {:whole, answered + 1}
    end

    assert answers == for(k <- 1..n//1, rem(k, 5) == 0, do: "answer #{k}")
    if n > 0, do: assert(Workspace.read(ws, "/work/log") == {:ok, Enum.map_join(1..n, &"#{&1}\n")})

    for k <- max(1, n - 6)..n//1 do
      assert Workspace.read(ws, "/work/#{rem(k, 7)}") == {:ok, String.duplicate("#{k}", 1000)}
    end

    :ok = Workspace.stop(ws)
    {found, n}
  end
end
