defmodule ExMonty.Test.AttackedNode.Peer do
  @moduledoc false

  # The attacked node's side: runs what it is asked to run, beside a process that pings another all the time.

  alias ExMonty.Test.{Attack, Resident}

  def main do
    {:ok, _} = Application.ensure_all_started(:ex_monty)
    port = Port.open({:fd, 3, 4}, [:binary, :eof, packet: 4])
    # What is loaded at the first run is no harm that an attack does.
    {:ok, 2, ""} = ExMonty.Sandbox.run("1 + 1")
    serve(port)
  end

  defp serve(port) do
    receive do
      {^port, {:data, question}} ->
        Port.command(port, question |> :erlang.binary_to_term() |> answer() |> :erlang.term_to_binary())
        serve(port)

      {^port, :eof} ->
        :erlang.halt(0, flush: false)
    end
  end

  defp answer(:ping) do
    {:ok, 2, ""} = ExMonty.Sandbox.run("1 + 1")
    :pong
  end

  defp answer({:attack, attacks}) do
    start = Resident.now()
    stranded = ExMonty.info().turns_stranded
    Resident.forget_peak()
    pinger = start_pinger()
    reports = attacks |> Enum.map(&Task.async(fn -> execute(&1) end)) |> Task.await_many(:infinity)
    ping = stop_pinger(pinger)
    peak = Resident.peak()
    rest = Resident.settled(start + Attack.remainder())

    node = %{
      start: start,
      peak: peak,
      rest: rest,
      ping: ping,
      stranded: ExMonty.info().turns_stranded - stranded
    }

    for report <- reports, do: Map.merge(report, node)
  end

  defp execute(attack) do
    {microseconds, {outcome, detail}} = :timer.tc(fn -> Attack.execute(attack) end)
    %{outcome: outcome, detail: detail, milliseconds: div(microseconds, 1_000)}
  end

  # The longest that an answer took, in microseconds.
  defp start_pinger do
    echo = spawn_link(&echo/0)
    spawn_link(fn -> ping(echo, 0) end)
  end

  defp stop_pinger(pinger) do
    send(pinger, {:stop, self()})

    receive do
      {:longest, longest} -> longest
    end
  end

  defp echo do
    receive do
      {from, reference} -> send(from, reference)
    end

    echo()
  end

  defp ping(echo, longest) do
    reference = make_ref()
    began = System.monotonic_time(:microsecond)
    send(echo, {self(), reference})

    receive do
      ^reference -> :ok
    end

    longest = max(longest, System.monotonic_time(:microsecond) - began)

    receive do
      {:stop, from} -> send(from, {:longest, longest})
    after
      2 -> ping(echo, longest)
    end
  end
end
