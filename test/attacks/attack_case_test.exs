defmodule ExMonty.Test.AttackCaseTest do
  # Each has a node of its own.
  use ExUnit.Case, async: true

  alias ExMonty.Test.{Attack, AttackCase, AttackedNode}

  setup do
    {:ok, node: start_supervised!(AttackedNode)}
  end

  defp counting(expect, way) do
    Attack.new("counting", "sum(i for i in range(2_000_000))", expect,
      limits: %{max_duration_secs: 0.02},
      way: way
    )
  end

  test "an attack that comes to the end of its time before its outcome gets more time", %{node: node} do
    for way <- [:alone, :together, :apart] do
      attack = counting({:ok, 1_999_999_000_000}, way)
      assert :ok == AttackCase.assert_harmless(attack, node, AttackCase.run_ahead([attack], node))
    end
  end

  test "an attack that is to come to the end of its time gets no more of it", %{node: node} do
    assert :ok == AttackCase.assert_harmless(counting({:raised, :timeout_error}, :alone), node, %{})
  end

  test "an attack that comes to something else is a failure", %{node: node} do
    assert_raise ExUnit.AssertionError, ~r/it came to {:ok, 1999999000000}/, fn ->
      AttackCase.assert_harmless(counting({:ok, 1}, :alone), node, %{})
    end
  end

  test "an attack that the node dies of is a failure", %{node: node} do
    assert_raise ExUnit.AssertionError, ~r/the node died of it, with status 3/, fn ->
      AttackCase.assert_harmless(Attack.new("halting", {:erlang, :halt, [3]}, {:ok, 1}), node, %{})
    end
  end
end
