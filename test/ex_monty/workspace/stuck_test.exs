defmodule ExMonty.Workspace.StuckTest do
  # Alone, because turns that are abandoned keep others from beginning.
  use ExUnit.Case, async: false

  import ExMonty.Test.Workspaces

  alias ExMonty.{Exception, Patience, Workspace}
  alias ExMonty.Test.FlakyStore

  # One operation of the interpreter, which looks at no limit while it computes. It takes many seconds, also on a fast
  # machine, and the variables are with it.
  @endless "10 ** 30_000_000"

  # A session whose evaluation was abandoned is busy until the operation ends, which may be never. A workspace that waited
  # for it would be lost to one line of a script; one that has the variables from before at hand goes on from these.
  test "a step with an operation that cannot be stopped is taken back, says so, and the next one is done at once" do
    on_exit(fn -> Patience.until(fn -> ExMonty.info().turns_abandoned == 0 end, 6_000) end)
    store = start_supervised!(FlakyStore)
    ws = start(name: :"stuck-#{inspect(store)}", store: {FlakyStore, store})
    {:ok, nil, ""} = Workspace.run(ws, "n = 1; open('/work/a', 'w').write('1'); None")

    assert {:error, {:taken_back, %Exception{type: :timeout_error, output: "so far\n"}}} =
             Workspace.run(ws, "n = 2; open('/work/a', 'w').write('2'); print('so far'); x = #{@endless}",
               limits: %{max_duration_secs: 0.05}
             )

    assert ExMonty.info().turns_abandoned == 1
    assert Workspace.run(ws, "n = n + 1; n, open('/work/a').read()") == {:ok, {2, "1"}, ""}
    assert Workspace.info(ws) |> Map.take([:steps, :saved]) == %{steps: 3, saved: 3}
  end

  test "a step that runs out of time in a function is saved as it was left" do
    store = start_supervised!(FlakyStore)
    ws = start(name: :"late-#{inspect(store)}", store: {FlakyStore, store})
    {:ok, nil, ""} = Workspace.run(ws, "n = 1")

    # What the step was paused with is in its process, and keeps the variables until that has collected it.
    assert {:error, %Exception{type: :timeout_error}} = Workspace.run(ws, "n = 2; gate('in')", timeout: 50)
    assert Workspace.info(ws).saved == 2

    assert {:error, %Exception{type: :timeout_error}} =
             Workspace.run(ws, "n = 3\nwhile True: pass", timeout: 50)

    assert Workspace.info(ws).saved == 3
    assert Workspace.run(ws, "n") == {:ok, 3, ""}
  end

  test "what needs the variables after a step was killed waits until they are free" do
    for need <- [&Workspace.dump/1, &Workspace.fork/1] do
      ws = start()
      {:ok, nil, ""} = Workspace.run(ws, "n = 1")
      task = Task.async(fn -> Workspace.run(ws, "n = 2; gate('in')\nwhile True: m = 1") end)
      send(at("in"), :go)
      Process.exit(:sys.get_state(ws).worker, :kill)
      assert {:error, _lost} = Task.await(task)
      assert {:ok, _dump_or_fork} = need.(ws)
      assert Workspace.run(ws, "n") == {:ok, 2, ""}
    end
  end
end
