defmodule ExMonty.StrandedTest do
  # What outgrows its memory where the interpreter does not look, on a node of its own: its threads never end.
  use ExUnit.Case, async: true

  alias ExMonty.Test.{Attack, AttackedNode, Greed}

  setup do
    {:ok, node: start_supervised!({AttackedNode, patience: 800_000})}
  end

  defp told(node, function) do
    work = Attack.new("#{function}", {Greed, function, []}, {:ok, nil})
    assert {:ok, [report]} = AttackedNode.attack(node, [work])
    assert {:ok, told} = report.outcome, report.detail
    assert AttackedNode.alive?(node)
    {told, report}
  end

  test "a run that is stranded ends in a MemoryError, and its lease with it", %{node: node} do
    {{type, message, output, file, afterwards, counters}, report} = told(node, :run)
    assert type == :memory_error
    assert message =~ "a single operation asked for more than twice as much"
    assert output == "told\n"
    assert file == "kept"
    assert afterwards == {:ok, 2, ""}
    assert counters == %{turns_stranded: 1, turns_abandoned: 0, turns_stuck: 0, turns_running: 0}
    # In MiB: what the thread keeps, and what the node took to run at all.
    assert report.peak - report.start < 256
  end

  test "a session whose evaluation is stranded has ended", %{node: node} do
    {{type, reason, counters}, _report} = told(node, :evaluate)
    assert {type, reason} == {:memory_error, :session_ended}
    assert counters == %{turns_stranded: 1, turns_abandoned: 0, turns_stuck: 0, turns_running: 0}
  end

  test "a workspace whose step is stranded goes on, from before or without variables", %{node: node} do
    {{rolled_back, kept, afterwards}, _report} = told(node, :step)
    assert rolled_back == {:memory_error, 1, {:error, :enoent}}
    # The rollback made bytes of the variables, but what ran since is no longer what they are.
    assert kept == {{:variables_lost, :memory_error}, :name_error, {:ok, "written"}}
    assert afterwards == {:ok, 2, ""}
  end

  test "stranded runs keep no place of others, however many there are", %{node: node} do
    {{bound, ended, afterwards, counters}, _report} = told(node, :many)
    assert ended == %{memory_error: bound}
    assert afterwards == {:ok, 2, ""}
    assert counters == %{turns_stranded: bound, turns_abandoned: 0, turns_stuck: 0, turns_running: 0}
  end
end
