defmodule ExMonty.Workspace.StuckTest do
  use ExUnit.Case, async: true

  import ExMonty.Test.Workspaces

  alias ExMonty.{Exception, Workspace}
  alias ExMonty.Test.{Attack, AttackedNode, FlakyStore, StuckStep}

  # A session whose evaluation was abandoned is busy until the operation ends, which may be never. A workspace that waited
  # for it would be lost to one line of a script; one that has the variables from before at hand goes on from these.
  test "a step with an operation that cannot be stopped is taken back, says so, and the next one is done at once" do
    node = start_supervised!({AttackedNode, arguments: StuckStep.arguments(), patience: 800_000})
    work = Attack.new("go_on", {StuckStep, :go_on, []}, {:ok, nil})
    assert {:ok, [report]} = AttackedNode.attack(node, [work])
    assert {:ok, told} = report.outcome, report.detail

    assert {:error, {:taken_back, %Exception{type: :timeout_error, output: "so far\n"}}} = told.stuck
    assert told.abandoned == 1
    assert told.next == {:ok, {2, "1"}, ""}
    assert told.info == %{steps: 3, saved: 3}
  end

  test "a step that runs out of time in a function is saved as it was left" do
    store = start_supervised!(FlakyStore)
    ws = start(name: :"late-#{inspect(store)}", store: {FlakyStore, store})
    {:ok, nil, ""} = Workspace.run(ws, "n = 1")

    # What the step was paused with is in its process, and keeps the variables until that has collected it.
    assert {:error, %Exception{type: :timeout_error}} = Workspace.run(ws, "n = 2; gate('in')", timeout: 5_000)
    assert Workspace.info(ws).saved == 2

    assert {:error, %Exception{type: :timeout_error}} =
             Workspace.run(ws, "n = 3\nwhile True: pass", timeout: 5_000)

    assert Workspace.info(ws).saved == 3
    assert Workspace.run(ws, "n") == {:ok, 3, ""}
  end

  test "what needs the variables after a step was killed waits until they are free" do
    for need <- [&Workspace.dump/1, &Workspace.fork/1] do
      ws = start()
      {:ok, nil, ""} = Workspace.run(ws, "n = 1")
      task = Task.async(fn -> Workspace.run(ws, "n = 2; gate('in')\nwhile True: m = 1") end)
      send(at("in"), :go)
      Process.exit(:sys.get_state(ws, :infinity).worker, :kill)
      assert {:error, _lost} = Task.await(task, :infinity)
      assert {:ok, _dump_or_fork} = need.(ws)
      assert Workspace.run(ws, "n") == {:ok, 2, ""}
    end
  end
end
