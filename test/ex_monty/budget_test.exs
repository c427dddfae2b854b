defmodule ExMonty.BudgetTest do
  # What all runs take together, on nodes of its own: it would refuse what other tests begin, and count what they hold.
  use ExUnit.Case, async: true

  alias ExMonty.Test.{Attack, AttackedNode, Budget}

  @mebibyte 1_048_576

  # How often the file is written and read; `EX_MONTY_EXCHANGES=10000` for as often as the counters were designed for.
  @exchanges String.to_integer(System.get_env("EX_MONTY_EXCHANGES", "500"))

  # What `function` tells on a node with a small budget, and the report of that node.
  defp on_a_small_node(function, arguments \\ []) do
    node = start_supervised!({AttackedNode, arguments: Budget.arguments(), patience: 800_000})
    work = Attack.new("#{function}", {Budget, function, arguments}, {:ok, nil})
    assert {:ok, [report]} = AttackedNode.attack(node, [work])
    assert {:ok, told} = report.outcome, report.detail
    assert AttackedNode.alive?(node)
    {told, report}
  end

  test "at the budget nothing new begins, paused runs go on, and afterwards all is as before" do
    {told, _report} = on_a_small_node(:fill)
    # Six pieces of ten million bytes, with what is held beside them, are the budget.
    assert told.paused == 6
    assert told.refusals == [:overloaded, :overloaded, :overloaded]
    assert told.overloads == 3
    assert told.paused_went_on
    assert told.afterwards == {:ok, 1, ""}
  end

  test "a run that grows beyond half as much again as the budget ends, and a paused one goes on" do
    {told, report} = on_a_small_node(:outgrow)
    assert told.grown == :overloaded
    assert told.afterwards == {:ok, 1, ""}
    # In MiB, with what the allocator takes beside what it hands out.
    assert report.peak - report.start < 3 * div(Budget.bytes(), @mebibyte)
  end

  test "writing and reading a mebibyte over and over leaves the count where it was" do
    {told, _report} = on_a_small_node(:exchange, [@exchanges])
    assert told.calls >= 2 * @exchanges
    assert abs(told.drift) < @mebibyte
    assert told.left < @mebibyte
  end

  test "the largest source that is accepted compiles in a bounded multiple of its size, and what it takes is counted" do
    {told, report} = on_a_small_node(:compile)
    assert told.held > told.source
    assert report.peak - report.start < 512 * told.source / @mebibyte
  end
end
