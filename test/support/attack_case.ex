defmodule ExMonty.Test.AttackCase do
  @moduledoc false

  # A test for each attack of a table. They run on a node of the module's own, one after the other, so that a death is the
  # death of one attack; those that only wait for their time limit run all together before, and are looked at one by one.

  alias ExMonty.Test.{Attack, AttackedNode}

  # In seconds: less than an attacked node is waited for.
  @more_time 100

  defmacro __using__(attacks: table) do
    quote bind_quoted: [table: table] do
      # Alone: an attack that is to exhaust its memory must not exhaust its time before.
      use ExUnit.Case, async: false

      @table table
      @moduletag timeout: 180_000

      setup_all do
        node = start_supervised!(ExMonty.Test.AttackedNode)
        {:ok, node: node, early: ExMonty.Test.AttackCase.run_ahead(@table.attacks(), node)}
      end

      for {name, index} <- @table.attacks() |> Enum.map(& &1.name) |> Enum.with_index() do
        test name, %{node: node, early: early} do
          attack = Enum.at(@table.attacks(), unquote(index))
          ExMonty.Test.AttackCase.assert_harmless(attack, node, early)
        end
      end
    end
  end

  @doc false
  # What became of the attacks that need not be alone, by name.
  @spec run_ahead([Attack.t()], pid) :: %{String.t() => AttackedNode.result()}
  def run_ahead(attacks, node) do
    apart =
      attacks
      |> Enum.filter(&(&1.way == :apart))
      |> Enum.map(&Task.async(fn -> {&1.name, on_its_own_node(&1)} end))
      |> Task.await_many(:infinity)

    together = Enum.filter(attacks, &(&1.way == :together))

    together =
      case together != [] && AttackedNode.attack(node, together) do
        {:ok, reports} ->
          together |> Enum.zip(reports) |> Enum.map(fn {attack, report} -> {attack.name, {:ok, report}} end)

        # One of them did it: which one will be seen when each is alone.
        _ ->
          []
      end

    Map.new(apart ++ together)
  end

  defp on_its_own_node(attack) do
    {:ok, node} = AttackedNode.start_link()
    result = alone(attack, node)
    alive? = AttackedNode.alive?(node)
    GenServer.stop(node)
    if alive?, do: result, else: {:died, :afterwards}
  end

  defp alone(attack, node) do
    with {:ok, [report]} <- AttackedNode.attack(node, [attack]), do: {:ok, report}
  end

  # A slow or busy machine comes to the end of the time first: what lies behind it is looked for with more of it.
  defp with_more_time_if_late({:ok, report} = result, attack) do
    if Attack.late?(report.outcome) and not Attack.late?(attack.expect) and attack.code,
      do: on_its_own_node(Attack.with_time(attack, @more_time)),
      else: result
  end

  defp with_more_time_if_late(result, _attack), do: result

  @doc false
  @spec assert_harmless(Attack.t(), pid, map) :: :ok
  def assert_harmless(attack, node, early) do
    report =
      case early
           |> Map.get_lazy(attack.name, fn -> alone(attack, node) end)
           |> with_more_time_if_late(attack) do
        {:ok, report} -> report
        {:died, status} -> ExUnit.Assertions.flunk("the node died of it, with status #{status}")
        :silent -> ExUnit.Assertions.flunk("the node did not answer any more")
      end

    unless Attack.expected?(attack, report.outcome) do
      ExUnit.Assertions.flunk("""
      it came to #{inspect(report.outcome)} (#{report.detail})
      in #{report.milliseconds} ms, and not to #{inspect(attack.expect)}
      """)
    end

    ExUnit.Assertions.assert(
      report.stranded == 0,
      "it, or one beside it, looked at no limit: its thread is stranded"
    )

    if attack.memory && not Map.has_key?(early, attack.name) do
      ExUnit.Assertions.assert(
        report.peak <= report.start + attack.memory,
        "it took the node from #{report.start} to #{report.peak} MiB, which is more than #{attack.memory} more"
      )

      ExUnit.Assertions.assert(
        report.rest <= report.start + Attack.remainder(),
        "the node had #{report.start} MiB before and #{report.rest} MiB afterwards"
      )
    end

    ExUnit.Assertions.assert(AttackedNode.alive?(node), "the node does not answer afterwards")
    :ok
  end
end
