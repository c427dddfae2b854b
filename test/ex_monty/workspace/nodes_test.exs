defmodule ExMonty.Workspace.NodesTest do
  use ExUnit.Case, async: false

  import ExMonty.Patience

  alias ExMonty.Test.{HostDirectory, Peers}
  alias ExMonty.Workspace
  alias ExMonty.Workspace.Store

  setup_all do
    Peers.distribute!()
  end

  setup do
    {_peer, node} = Peers.start!()
    %{node: node, name: "agent-#{System.unique_integer([:positive])}"}
  end

  defp options(name, more \\ []) do
    [
      name: name,
      mounts: [{"/work", :memory, files: %{"a" => "one"}}],
      functions: %{"suspend" => &Peers.suspend/2, "hold" => &Peers.hold/2},
      callback_timeout: :infinity
    ] ++ more
  end

  test "a workspace moves with variables, files and its suspended step, and is found by its name",
       %{node: node, name: name} do
    {:ok, ws} = Workspace.start_link(options(name))
    {:ok, nil, ""} = Workspace.run(ws, "n = 1; open('/work/a', 'a').write(' two'); None")
    {:suspended, "go on?", ""} = Workspace.run(ws, "n = n + suspend('go on?')")

    assert {:ok, moved} = Workspace.move(name, node)
    assert node(moved) == node
    assert Workspace.whereis(name) == moved
    assert :erpc.call(node, Workspace, :whereis, [name]) == moved

    assert Workspace.suspensions(name) == ["go on?"]
    assert Workspace.resume(name, "go on?", {:ok, 41}) == {:ok, nil, ""}
    assert Workspace.run(name, "n") == {:ok, 42, ""}
    assert Workspace.read(name, "/work/a") == {:ok, "one two"}
    # Whoever has the process from before is served as well.
    assert Workspace.run(ws, "n + 1") == {:ok, 43, ""}
    assert Workspace.write(ws, "/work/b", "x") == :ok
    assert Workspace.read(name, "/work/b") == {:ok, "x"}
    assert {:ok, fork} = Workspace.fork(ws)
    assert node(fork) == node
    assert Workspace.run(fork, "n = n - 1; n") == {:ok, 41, ""}
    assert Workspace.move(ws, node) == {:ok, moved}
    assert {:ok, back} = Workspace.move(ws, node())
    assert node(back) == node()
    assert Workspace.run(name, "n") == {:ok, 42, ""}
    assert Workspace.move(name, node()) == {:ok, back}

    # To stop it by the process from before is to stop it.
    former = Process.monitor(ws)
    assert Workspace.stop(ws) == :ok
    refute Process.alive?(back)
    assert_receive {:DOWN, ^former, :process, ^ws, :normal}
    assert Workspace.whereis(name) == nil
  end

  test "callers that wait while a workspace moves are served on the other node, in their order",
       %{node: node, name: name} do
    :yes = :global.register_name(name <> "-test", self())
    {:ok, ws} = Workspace.start_link(options(name))
    {:ok, _, _} = Workspace.run(ws, "seen = []")
    first = Task.async(fn -> Workspace.run(ws, "hold('#{name}-test')") end)
    assert_receive {:held, held}
    move = Task.async(fn -> Workspace.move(ws, node) end)
    until(fn -> Workspace.info(ws).queued == 1 end)

    later =
      for n <- 1..5 do
        task = Task.async(fn -> Workspace.run(ws, "seen.append(#{n}); len(seen)") end)
        until(fn -> Workspace.info(ws).queued == n + 1 end)
        task
      end

    send(held, :go)
    assert Task.await(first, :infinity) == {:ok, Atom.to_string(node()), ""}
    assert {:ok, moved} = Task.await(move, :infinity)
    assert node(moved) == node
    assert Task.await_many(later, :infinity) == for(n <- 1..5, do: {:ok, n, ""})
    assert Workspace.run(name, "seen") == {:ok, [1, 2, 3, 4, 5], ""}
  end

  test "a workspace that moves under a supervisor is its child, and comes back from the store when it is killed",
       %{node: node, name: name} do
    store = {Store.Directory, HostDirectory.create!()}
    supervisor = :"supervisor_#{name}"
    {:ok, _pid} = Peers.start_supervisor(node, supervisor)

    {:ok, ws} = Workspace.start_link(options(name, store: store))
    {:ok, _, _} = Workspace.run(ws, "n = 1")
    assert {:ok, moved} = Workspace.move(ws, node, supervisor: supervisor)
    assert [{_, ^moved, _, _}] = DynamicSupervisor.which_children({supervisor, node})
    {:ok, _, _} = Workspace.run(name, "n = 2")

    Process.exit(moved, :kill)
    until(fn -> Workspace.whereis(name) not in [nil, moved] end)
    assert node(Workspace.whereis(name)) == node
    assert Workspace.run(name, "n") == {:ok, 2, ""}
  end

  test "after a node is killed, its workspaces come up on another from the store they share",
       %{node: node, name: name} do
    store = {Store.Directory, HostDirectory.create!()}

    for n <- 1..3 do
      {:ok, ws} = Workspace.start_link(options("#{name}-#{n}", store: store, key: "secret"))
      {:ok, _, _} = Workspace.run(ws, "n = #{n}; open('/work/n', 'w').write('#{n}'); None")
      {:ok, moved} = Workspace.move(ws, node)
      {:ok, _, _} = Workspace.run(moved, "n = n * 10")
      {:suspended, ^n, ""} = Workspace.run(moved, "n = n + suspend(#{n})")
    end

    Peers.kill!(node)
    until(fn -> Enum.all?(1..3, &(Workspace.whereis("#{name}-#{&1}") == nil)) end)

    assert Store.workspaces(store) == {:ok, for(n <- 1..3, do: "#{name}-#{n}")}
    {_peer, other} = Peers.start!()

    for n <- 1..3 do
      {:ok, pid} = Peers.start_workspace(other, options("#{name}-#{n}", store: store, key: "secret"))
      assert node(pid) == other
      assert Workspace.suspensions("#{name}-#{n}") == [n]
      assert Workspace.resume("#{name}-#{n}", n, {:ok, 1}) == {:ok, nil, ""}
      assert Workspace.run("#{name}-#{n}", "n") == {:ok, n * 10 + 1, ""}
      assert Workspace.read("#{name}-#{n}", "/work/n") == {:ok, "#{n}"}
    end
  end

  # Each used to make a further process there.
  test "whoever waits to move it to where it is by then has it there", %{node: node, name: name} do
    {:ok, ws} = Workspace.start_link(options(name))
    moves = for _ <- 1..3, do: Task.async(fn -> Workspace.move(ws, node) end)
    assert [{:ok, moved}] = moves |> Task.await_many() |> Enum.uniq()
    assert Workspace.whereis(name) == moved
  end

  # The name used to stay with the process that only passed on, and to end with it.
  test "a name of one node is the workspace's own again when it has moved back", %{node: node, name: name} do
    registry = :"#{name}-registry"
    start_supervised!({Registry, keys: :unique, name: registry})
    {:ok, _} = :erpc.call(node, Peers, :unlinked, [Registry, [keys: :unique, name: registry]])
    names = [String.to_atom(name), {:via, Registry, {registry, name}}]

    for name <- names do
      {:ok, ws} = Workspace.start_link(options(name))
      {:ok, _} = Workspace.move(ws, node)
      assert Workspace.whereis(name) == ws
      {:ok, back} = Workspace.move(name, node())
      assert Workspace.whereis(name) == back
    end

    Peers.kill!(node)
    for name <- names, do: assert(Workspace.run(name, "1") == {:ok, 1, ""})
  end

  test "an option that a fork does not know is the caller's error, wherever the workspace is", %{
    node: node,
    name: name
  } do
    {:ok, ws} = Workspace.start_link(options(name))
    {:ok, _} = Workspace.move(ws, node)
    assert_raise ArgumentError, ~r/unknown option :nme/, fn -> Workspace.fork(name, nme: 1) end
  end

  test "a move to a node that is not there, or lacks what is needed, leaves the workspace as it was",
       %{node: node, name: name} do
    {:ok, ws} = Workspace.start_link(options(name))
    {:ok, _, _} = Workspace.run(ws, "n = 1")
    assert {:error, %ExMonty.Error{reason: :node_unreachable}} = Workspace.move(ws, :"nobody@127.0.0.1")

    assert {:error, %ExMonty.Error{reason: :move_failed}} =
             Workspace.move(ws, node, supervisor: :no_such_supervisor)

    assert Workspace.run(name, "n") == {:ok, 1, ""}
    assert Workspace.whereis(name) == ws
  end

  test "a node that vanishes in the middle of a move loses nothing", %{node: node, name: name} do
    {:ok, ws} = Workspace.start_link(options(name))
    {:ok, _, _} = Workspace.run(ws, "n = 1; open('/work/b', 'w').write('kept'); None")
    test = self()

    # On the other node the move stands still just before anything is handed over.
    gate = Peers.start_gate(node, {name, :gate}, test)
    stuck = Task.async(fn -> Workspace.move(ws, node, supervisor: {:global, {name, :gate}}) end)
    assert_receive {:asked, ^gate}
    waiting = Task.async(fn -> Workspace.run(ws, "n + 1") end)
    until(fn -> Workspace.info(ws).queued == 1 end)
    Peers.kill!(node)

    assert {:error, %ExMonty.Error{reason: reason}} = Task.await(stuck, :infinity)
    assert reason in [:node_unreachable, :move_failed]
    assert Task.await(waiting, :infinity) == {:ok, 2, ""}
    assert Workspace.read(name, "/work/b") == {:ok, "kept"}
    assert Workspace.whereis(name) == ws
  end

  # The test stands where the supervisor of the new place is looked for, and kills the old place before or after it
  # has handed over.
  test "a node that vanishes in the middle of a move from it loses nothing that is in a store, and nothing stays in between",
       %{node: node, name: name} do
    store = {Store.Directory, HostDirectory.create!()}
    gate = {name, :gate}
    :yes = :global.register_name(gate, self())

    for {when_it_dies, nodes_left} <- [before: node, after: nil] do
      node = nodes_left || elem(Peers.start!(), 1)
      name = "#{name}-#{when_it_dies}"
      options = options(name, store: store)
      {:ok, ws} = Peers.start_workspace(node, options)
      {:ok, nil, ""} = Workspace.run(ws, "n = 1; open('/work/a', 'w').write('kept'); None")
      # Whoever waits learns of the death.
      mover = spawn_monitor(fn -> Workspace.move(ws, node(), supervisor: {:global, gate}) end)
      assert_receive {:"$gen_call", _from, {:start_child, child}}
      {module, function, arguments} = start_of(child)

      new =
        case when_it_dies do
          :before ->
            Peers.kill!(node)
            # As after any other loss of a node, what the store has is what goes on.
            assert {:ok, pid} = apply(module, function, arguments)
            pid

          :after ->
            assert {:ok, waiting} = apply(module, function, arguments)
            assert Workspace.whereis(name) == ws
            monitor = Process.monitor(waiting)
            Peers.kill!(node)
            assert_receive {:DOWN, ^monitor, :process, ^waiting, :normal}
            until(fn -> Workspace.whereis(name) == nil end)
            {:ok, pid} = Workspace.start_link(options)
            pid
        end

      {pid, monitor} = mover
      assert_receive {:DOWN, ^monitor, :process, ^pid, _nodedown}
      assert Workspace.whereis(name) == new
      assert Workspace.run(name, "n, open('/work/a').read()") == {:ok, {1, "kept"}, ""}
      :ok = Workspace.stop(name)
    end
  end

  # What waited to take over used to stay, with a copy of everything, for as long as the workspace that was not moved.
  test "a move that is given up behind the handing over leaves nothing that waits to take over", %{
    node: node,
    name: name
  } do
    gate = {name, :gate}
    :yes = :global.register_name(gate, self())
    {:ok, ws} = Peers.start_workspace(node, options(name))
    mover = Task.async(fn -> Workspace.move(ws, node(), supervisor: {:global, gate}) end)
    assert_receive {:"$gen_call", _from, {:start_child, child}}, 10_000
    {module, function, arguments} = start_of(child)
    assert {:ok, waiting} = apply(module, function, arguments)
    monitor = Process.monitor(waiting)
    Process.exit(:sys.get_state(ws).worker, :kill)
    assert {:error, %ExMonty.Error{reason: :interrupted}} = Task.await(mover, 30_000)
    assert_receive {:DOWN, ^monitor, :process, ^waiting, :normal}, 10_000
    assert Workspace.run(name, "1") == {:ok, 1, ""}
    assert Workspace.whereis(name) == ws
  end

  test "without a store, a workspace whose node vanishes before it is handed over is nowhere", %{
    node: node,
    name: name
  } do
    :yes = :global.register_name({name, :gate}, self())
    {:ok, ws} = Peers.start_workspace(node, options(name))

    {_pid, monitor} =
      spawn_monitor(fn -> Workspace.move(ws, node(), supervisor: {:global, {name, :gate}}) end)

    assert_receive {:"$gen_call", _from, {:start_child, child}}
    Peers.kill!(node)
    {module, function, arguments} = start_of(child)
    assert apply(module, function, arguments) == :ignore
    assert_receive {:DOWN, ^monitor, :process, _pid, _nodedown}
    until(fn -> Workspace.whereis(name) == nil end)
  end

  defp start_of({_id, start, _restart, _shutdown, _type, _modules}), do: start
  defp start_of({start, _restart, _shutdown, _type, _modules}), do: start
  defp start_of(%{start: start}), do: start

  # A name that is an atom is one of its node, as every name is while the network is split.
  @tag :capture_log
  test "of two nodes that have a workspace of one name in one store, the one that started it last goes on, and the other is told",
       %{node: node, name: name} do
    :yes = :global.register_name(name <> "-test", self())
    store = {Store.Directory, HostDirectory.create!()}
    options = options(:"#{name}", store: store, key: "secret")
    {:ok, here} = Workspace.start_link(options)
    {:ok, nil, ""} = Workspace.run(here, "log = ['here']; open('/work/a', 'w').write('here'); None")

    # A step is under way here while the other node takes over.
    code = "log.append('lost'); hold('#{name}-test'); open('/work/a', 'w').write('lost')"
    step = Task.async(fn -> Workspace.run(here, code) end)
    assert_receive {:held, held}
    {:ok, there} = Peers.start_workspace(node, options)
    assert node(there) == node
    assert Workspace.run(there, "log.append('there'); log") == {:ok, ["here", "there"], ""}
    send(held, :go)

    assert {:error, {:not_saved, %ExMonty.Error{reason: :superseded}, {:ok, 4, ""}}} =
             Task.await(step, :infinity)

    assert {:error, %ExMonty.Error{reason: :superseded}} = Workspace.run(here, "log.append('lost')")
    assert Workspace.run(there, "log, open('/work/a').read()") == {:ok, {["here", "there"], "here"}, ""}

    # And back, while both sides do steps as fast as they can.
    :ok = Workspace.stop(here)
    writer = Task.async(fn -> until_refused(there, 1) end)
    until(fn -> Workspace.info(there).steps > 10 end)
    {:ok, here} = Workspace.start_link(options)
    {done, refusal} = Task.await(writer, :infinity)
    assert refusal in [:superseded, :not_saved]
    {:ok, log, ""} = Workspace.run(here, "log")
    assert log == ["here", "there"] ++ Enum.to_list(1..done)
    assert Workspace.read(here, "/work/a") == {:ok, "here" <> Enum.map_join(1..done, &"#{&1}")}
  end

  # How many steps were done, and how it was said that no more are.
  defp until_refused(ws, n) do
    case Workspace.run(ws, "log.append(#{n}); open('/work/a', 'a').write('#{n}')") do
      {:ok, _, ""} -> until_refused(ws, n + 1)
      {:error, %ExMonty.Error{reason: :superseded}} -> {n - 1, :superseded}
      {:error, {:not_saved, %ExMonty.Error{reason: :superseded}, {:ok, _, ""}}} -> {n - 1, :not_saved}
    end
  end
end
