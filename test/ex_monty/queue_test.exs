defmodule ExMonty.QueueTest do
  # Alone: the counts of the nodes say what waits.
  use ExUnit.Case, async: false

  alias ExMonty.Test.{Attack, AttackedNode, FewThreads}

  # What `function` tells on a node with one thread.
  defp on_a_node_with_one_thread(function) do
    node = start_supervised!({AttackedNode, arguments: FewThreads.arguments(), patience: 800_000})
    work = Attack.new("#{function}", {FewThreads, function, []}, {:ok, nil})
    assert {:ok, [report]} = AttackedNode.attack(node, [work])
    assert {:ok, told} = report.outcome, report.detail
    assert AttackedNode.alive?(node)
    told
  end

  # Symptom: a run that waited for a thread was answered when it had one, however long that took.
  test "a :timeout holds for an evaluation that has no thread yet, which leaves its session as it was" do
    assert on_a_node_with_one_thread(:outwait) == %{late: :timeout_error, running: 1, queued: 0, x: 1}
  end

  test "an answer that has no thread in time leaves its snapshot as it was" do
    assert %{late: :timeout_error, then: {:ok, {:complete, 42, ""}}} = on_a_node_with_one_thread(:resume_late)
  end

  # Symptom: the session had ended, though nothing had been done with it.
  test "a session whose caller dies before a thread has come is as it was" do
    assert on_a_node_with_one_thread(:kill_waiting) == [1, 1]
  end
end
