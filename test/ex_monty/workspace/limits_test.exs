defmodule ExMonty.Workspace.LimitsTest do
  use ExUnit.Case, async: true

  # The limits of steps, and what a workspace holds that is beyond them.

  import ExMonty.Test.Workspaces

  alias ExMonty.{Exception, Workspace}
  alias ExMonty.Test.FlakyStore

  @megabyte 1_000_000
  # The same dictionary takes more when it is built from bytes than it did when it grew.
  @dictionary "d = {i: i for i in range(114_000)}"
  @grown 8 * @megabyte

  # Variables beyond the limit of the workspace, put there by a step with one of its own, used to be lost as soon as they
  # were bytes: to load them was refused, whatever limits the next step had, and the workspace could do nothing any more.
  test "variables that a step with a larger limit left are loaded again, and can be let go of" do
    ws = start(limits: %{max_memory: 10 * @megabyte})
    larger = [limits: %{max_memory: 100 * @megabyte}]
    {:ok, _, _} = Workspace.run(ws, "x = 'a' * 20_000_000", larger)
    {:ok, fork} = Workspace.fork(ws)
    {:ok, dump} = Workspace.dump(ws)

    for ws <- [ws, fork, start(from: dump, limits: %{max_memory: 10 * @megabyte})] do
      assert {:error, %Exception{type: :memory_error}} = Workspace.run(ws, "len(x)")
      assert {:ok, 20_000_000, ""} = Workspace.run(ws, "len(x)", larger)
      assert {:error, %Exception{}} = Workspace.run(ws, "x = 1; 1 / 0", larger ++ [on_error: :rollback])
      assert {:ok, 20_000_000, ""} = Workspace.run(ws, "y = len(x); x = None; y", larger)
      assert {:ok, 20_000_000, ""} = Workspace.run(ws, "y")
    end
  end

  # What came close to the limit within it used to be lost in the same way, a suspended step included.
  test "a state that takes more than the limit when it is loaded is loaded, and goes on with more" do
    ws = start(limits: %{max_memory: @grown})
    {:ok, nil, ""} = Workspace.run(ws, @dictionary)
    {:ok, dump} = Workspace.dump(ws)
    loaded = start(from: dump, limits: %{max_memory: @grown})
    assert {:ok, 114_000, ""} = Workspace.run(loaded, "len(d)", limits: %{max_memory: 2 * @grown})

    ws = start(limits: %{max_memory: @grown})
    {:suspended, 1, ""} = Workspace.run(ws, @dictionary <> "\nsuspend(1)")
    # Whether the step can do more is for its limit to say; it ends, and the workspace goes on.
    _ = Workspace.resume(ws, 1, {:ok, nil})
    assert Workspace.suspensions(ws) == []
    assert {:ok, 114_000, ""} = Workspace.run(ws, "len(d)", limits: %{max_memory: 2 * @grown})
  end

  # Those that the interpreter's state was begun with used to hold for ever.
  test "the limits that a workspace is started with hold, also when there were others before" do
    store = start_supervised!(FlakyStore)
    options = [name: :"limits-#{inspect(store)}", store: {FlakyStore, store}]
    ws = start(options ++ [limits: %{max_output: 10}])
    assert {:error, %Exception{type: :memory_error}} = Workspace.run(ws, "print('a' * 20)")
    :ok = Workspace.stop(ws)

    ws = start(options ++ [limits: %{max_output: 100}])
    assert {:ok, nil, _} = Workspace.run(ws, "print('a' * 20)")
    assert {:error, %Exception{type: :memory_error}} = Workspace.run(ws, "print('a' * 200)")
    :ok = Workspace.stop(ws)

    # Who gives none has those from before.
    {:ok, ws} = Workspace.start_link(options)
    assert {:error, %Exception{type: :memory_error}} = Workspace.run(ws, "print('a' * 20)")
  end
end
