defmodule ExMonty.WorkspaceTest do
  use ExUnit.Case, async: true
  doctest ExMonty.Workspace

  import ExMonty.Test.Workspaces

  alias ExMonty.{Error, Exception, Workspace}

  describe "steps" do
    test "variables, functions, imports and the working directory live on" do
      ws = start()
      assert {:ok, nil, ""} = Workspace.run(ws, "import json, os\ndef double(x):\n    return x * 2\nn = 21")
      assert {:ok, nil, ""} = Workspace.run(ws, "os.mkdir('/work/d'); os.chdir('/work/d')")
      assert {:ok, 2, ""} = Workspace.run(ws, "open('f', 'w').write(json.dumps(double(n)))")
      assert Workspace.read(ws, "/work/d/f") == {:ok, "42"}
    end

    test "an exception ends its step and nothing else" do
      ws = start()
      assert {:ok, nil, ""} = Workspace.run(ws, "n = 1")

      assert {:error, %Exception{type: :zero_division_error, output: "so far\n"}} =
               Workspace.run(ws, "n = 2; print('so far'); n / 0")

      assert {:error, %Exception{type: :syntax_error}} = Workspace.run(ws, "n = ")
      assert Workspace.run(ws, "n") == {:ok, 2, ""}
      assert Workspace.info(ws).steps == 4
    end

    test "callers are served one after the other, in the order of asking" do
      ws = start()
      {:ok, _, _} = Workspace.run(ws, "order = []")
      first = Task.async(fn -> Workspace.run(ws, "gate('first'); order.append(0)") end)
      pid = at("first")

      tasks =
        for n <- 1..10 do
          task = Task.async(fn -> Workspace.run(ws, "order.append(#{n}); len(order)") end)
          queued(ws, n)
          task
        end

      assert Workspace.info(ws).status == :working
      send(pid, :go)
      Task.await(first, :infinity)
      assert Task.await_many(tasks, :infinity) == for(n <- 1..10, do: {:ok, n + 1, ""})
      assert Workspace.run(ws, "order") == {:ok, Enum.to_list(0..10), ""}
    end

    test "without patience a caller is told that the workspace is busy" do
      ws = start()
      assert Workspace.run(ws, "1", queue: false) == {:ok, 1, ""}
      task = Task.async(fn -> Workspace.run(ws, "gate('in')") end)
      pid = at("in")
      assert Workspace.run(ws, "1", queue: false) == {:error, :busy}
      send(pid, :go)
      assert Task.await(task, :infinity) == {:ok, "in", ""}
      assert {:suspended, "t", ""} = Workspace.run(ws, "suspend('t')")
      assert Workspace.run(ws, "1", queue: false) == {:error, :busy}
    end

    test "the workspace answers while a step runs, and its files can be looked at" do
      ws = start()

      task =
        Task.async(fn ->
          Workspace.run(ws, "open('/work/a', 'w').write('1'); gate('in'); open('/work/b', 'w')")
        end)

      pid = at("in")
      assert Workspace.read(ws, "/work/a") == {:ok, "1"}
      assert {:ok, [%{path: "/work/a", kind: :created}]} = Workspace.changes(ws)
      assert {:ok, paths} = Workspace.files(ws)
      assert "/work/a" in paths
      assert Workspace.suspensions(ws) == []
      send(pid, :go)
      assert {:ok, _, ""} = Task.await(task, :infinity)
    end

    test "what is printed is heard while the step runs, and there at its end" do
      ws = start()
      test = self()

      task =
        Task.async(fn ->
          Workspace.run(ws, "print('one'); gate('in'); print('two')", on_output: &send(test, {:out, &1}))
        end)

      pid = at("in")
      assert_receive {:out, "one\n"}
      send(pid, :go)
      assert Task.await(task, :infinity) == {:ok, nil, "one\ntwo\n"}
      assert_receive {:out, "two\n"}
    end

    test "limits and time-outs end a step and leave the workspace" do
      ws = start()
      {:ok, _, _} = Workspace.run(ws, "n = 7")

      assert {:error, %Exception{}} =
               Workspace.run(ws, "while True: pass", limits: %{max_duration_secs: 0.05})

      assert {:error, _} = Workspace.run(ws, "gate('never')", timeout: 50)
      assert Workspace.run(ws, "n") == {:ok, 7, ""}
    end

    test "a rollback takes back files and variables, and a step that succeeds is not rolled back" do
      ws = start(mounts: [{"/work", :memory, files: %{"a" => "before"}}])
      {:ok, _, _} = Workspace.run(ws, "xs = [1]; import os")

      code =
        "xs.append(2); y = 3; open('/work/a', 'w').write('x'); os.mkdir('/work/d'); raise ValueError('no')"

      assert {:error, %Exception{type: :value_error}} = Workspace.run(ws, code, on_error: :rollback)
      assert Workspace.run(ws, "xs, os.listdir('/work')") == {:ok, {[1], ["a"]}, ""}
      assert Workspace.read(ws, "/work/a") == {:ok, "before"}
      assert {:error, %Exception{type: :name_error}} = Workspace.run(ws, "y")
      assert {:ok, _, _} = Workspace.run(ws, "xs.append(2)", on_error: :rollback)
      assert {:error, %Exception{}} = Workspace.run(ws, code, on_error: :keep)
      assert Workspace.run(ws, "xs, y, os.listdir('/work')") == {:ok, {[1, 2, 2], 3, ["a", "d"]}, ""}
    end

    test "a rollback of the very first step leaves nothing" do
      ws = start()
      assert {:error, _} = Workspace.run(ws, "n = 1; 1 / 0", on_error: :rollback)
      assert {:error, %Exception{type: :name_error}} = Workspace.run(ws, "n")
    end

    test "a step whose process is killed is lost, says so, and with a rollback leaves nothing" do
      ws = start()
      {:ok, _, _} = Workspace.run(ws, "n = 1")

      task =
        Task.async(fn ->
          Workspace.run(ws, "n = 2; open('/work/a', 'w').write('x'); gate('in')", on_error: :rollback)
        end)

      at("in")

      Process.exit(:sys.get_state(ws, :infinity).worker, :kill)
      assert {:error, %Error{reason: :step_lost}} = Task.await(task, :infinity)
      assert Workspace.run(ws, "n") == {:ok, 1, ""}
      assert Workspace.read(ws, "/work/a") == {:error, :enoent}
    end

    test "a killed step without a rollback leaves a workspace that goes on" do
      ws = start()
      {:ok, _, _} = Workspace.run(ws, "n = 1")
      task = Task.async(fn -> Workspace.run(ws, "n = 2; gate('in'); n = 3") end)
      at("in")
      Process.exit(:sys.get_state(ws, :infinity).worker, :kill)
      assert {:error, %Error{reason: :step_lost}} = Task.await(task, :infinity)
      assert Workspace.run(ws, "n") == {:ok, 2, ""}
    end

    test "a killed resumption leaves the step suspended, with the files it was suspended with" do
      ws = start()

      {:suspended, "a", ""} =
        Workspace.run(
          ws,
          "open('/work/a', 'w').write('1'); suspend('a'); open('/work/a', 'a').write('2'); gate('in')"
        )

      task = Task.async(fn -> Workspace.resume(ws, "a", {:ok, nil}) end)
      at("in")
      Process.exit(:sys.get_state(ws, :infinity).worker, :kill)
      assert {:error, %Error{reason: :step_lost}} = Task.await(task, :infinity)
      assert Workspace.suspensions(ws) == ["a"]
      assert Workspace.read(ws, "/work/a") == {:ok, "1"}
      task = Task.async(fn -> Workspace.resume(ws, "a", {:ok, nil}) end)
      send(at("in"), :go)
      assert Task.await(task, :infinity) == {:ok, "in", ""}
      assert Workspace.read(ws, "/work/a") == {:ok, "12"}
    end

    test "a step of which the caller died before it began is not done" do
      ws = start()
      {:ok, _, _} = Workspace.run(ws, "done = []")
      running = Task.async(fn -> Workspace.run(ws, "gate('in')") end)
      pid = at("in")
      {dying, monitor} = spawn_monitor(fn -> Workspace.run(ws, "done.append(1)") end)
      queued(ws, 1)
      Process.exit(dying, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^dying, :killed}
      queued(ws, 0)
      send(pid, :go)
      assert {:ok, "in", ""} = Task.await(running, :infinity)
      assert Workspace.run(ws, "done") == {:ok, [], ""}
    end
  end

  describe "forks and dumps" do
    test "a fork has everything and goes its own way" do
      ws = start()
      {:ok, _, _} = Workspace.run(ws, "xs = [1]; open('/work/f', 'w').write('1'); None")
      {:ok, fork} = Workspace.fork(ws, idle_timeout: 5)
      {:ok, _, _} = Workspace.run(fork, "xs.append(2); open('/work/f', 'w').write('2'); None")
      {:ok, _, _} = Workspace.run(ws, "xs.append(3)")
      assert Workspace.run(ws, "xs, open('/work/f').read()") == {:ok, {[1, 3], "1"}, ""}
      assert Workspace.run(fork, "xs, open('/work/f').read()") == {:ok, {[1, 2], "2"}, ""}
      assert {:ok, [%{path: "/work/f", kind: :modified}]} = Workspace.changes(fork)
    end

    test "a fork and its template resume the same suspended step to different ends" do
      ws = start()
      {:suspended, "a", ""} = Workspace.run(ws, "answer = suspend('a')")
      {:ok, fork} = Workspace.fork(ws)
      assert Workspace.resume(fork, "a", {:ok, "in the fork"}) == {:ok, nil, ""}
      assert Workspace.resume(ws, "a", {:ok, "in the template"}) == {:ok, nil, ""}
      assert Workspace.run(fork, "answer") == {:ok, "in the fork", ""}
      assert Workspace.run(ws, "answer") == {:ok, "in the template", ""}
    end

    test "a fork may have functions of its own, and keeps those of its template where it has none" do
      ws = start()
      {:ok, fork} = Workspace.fork(ws, functions: %{"mine" => fn [], _ -> {:ok, "mine"} end})
      assert Workspace.run(fork, "mine()") == {:ok, "mine", ""}
      {:ok, fork} = Workspace.fork(ws)
      assert {:suspended, "a", ""} = Workspace.run(fork, "suspend('a')")
    end

    test "a dump is not loaded with another key, damaged, or when it is something else" do
      ws = start(key: "one")
      {:ok, _, _} = Workspace.run(ws, "n = 1")
      {:ok, dump} = Workspace.dump(ws)
      Process.flag(:trap_exit, true)

      for {bytes, key} <- [
            {dump, "two"},
            {dump, nil},
            {"nonsense", "one"},
            {binary_part(dump, 0, 100), "one"}
          ] do
        assert {:error, %Error{reason: :invalid_dump}} =
                 Workspace.start_link([from: bytes] ++ if(key, do: [key: key], else: []))
      end
    end

    test "an idle workspace keeps its variables as bytes, and goes on from them" do
      ws = start(idle_timeout: 0)
      {:ok, _, _} = Workspace.run(ws, "n = 1")
      until(fn -> Process.info(ws, :current_function) == {:current_function, {:erlang, :hibernate, 3}} end)
      assert :sys.get_state(ws, :infinity).contents.variables.session == nil
      assert Workspace.run(ws, "n + 1") == {:ok, 2, ""}
    end
  end

  describe "options" do
    test "what does not exist or has the wrong shape is refused by its name" do
      ws = start()

      for {opts, message} <- [
            {[nme: 1], ~r/unknown option :nme; accepted: :mounts, :name, /},
            {[idle_timeout: -1], ~r/option :idle_timeout: -1; accepted: a number of milliseconds/},
            {[mounts: 1], ~r/option :mounts: 1/},
            {[store: "x", name: "a"], ~r/option :store: "x"/},
            {[store: {Workspace.Store.Directory, "x"}], ~r/option :name: nil; accepted with :store/},
            {[hosts: [1]], ~r/option :hosts/},
            {[from: 1], ~r/option :from: 1/},
            {[functions: 1], ~r/functions/}
          ] do
        assert_raise ArgumentError, message, fn -> Workspace.start_link(opts) end
      end

      # A secret is not repeated.
      assert_raise ArgumentError, ~r/option :key/, fn -> Workspace.start_link(key: nil) end
      error = assert_raise ArgumentError, fn -> Workspace.start_link(key: :secret_atom) end
      refute error.message =~ "secret_atom"

      for opts <- [[on_error: :undo], [queue: 1], [inputs: 1], [other: 1], [timeout: :soon]] do
        assert_raise ArgumentError, fn -> Workspace.run(ws, "1", opts) end
      end

      for input <- [self(), %ExMonty.Dataclass{name: "A", fields: %{"x" => 1}, frozen: true}] do
        assert {:error, %Error{reason: :invalid_value, message: "inputs[\"x\"]" <> _}} =
                 Workspace.run(ws, "x", inputs: %{x: input})
      end

      assert_raise ArgumentError, ~r/:name/, fn -> Workspace.fork(ws, mounts: []) end
      assert_raise ArgumentError, ~r/:supervisor/, fn -> Workspace.move(ws, node(), supervisor: 1) end
    end

    # Whoever asked used to be ended by the link, before it could look at the error.
    test "what cannot be started is an error of the start, and of the fork, and no signal to whoever asked" do
      assert {:error, :host_path_not_found} =
               Workspace.start_link(mounts: [{"/d", "/no/such/directory", :overlay}])

      assert {:error, %Error{reason: :invalid_dump}} = Workspace.start_link(from: "none")
      store = {ExMonty.Test.FlakyStore, start_supervised!(ExMonty.Test.FlakyStore)}
      ws = start(name: :"refused-#{inspect(store)}", store: store)
      name = :"refused-fork-#{inspect(store)}"
      {:ok, fork} = Workspace.fork(ws, name: name, store: store)
      :ok = Workspace.stop(fork)
      assert {:error, %Error{reason: :already_stored}} = Workspace.fork(ws, name: name, store: store)
      # A signal would have come before this answer.
      assert {:ok, 1, ""} = Workspace.run(ws, "1")
    end
  end
end
