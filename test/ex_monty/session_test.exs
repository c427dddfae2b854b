defmodule ExMonty.SessionTest do
  use ExUnit.Case, async: true

  import ExMonty.Patience

  alias ExMonty.{Dataclass, Error, Exception, Mount, Session}

  doctest ExMonty.Session

  defp session(opts \\ []), do: Session.new!(opts)

  defp value(session, code, opts \\ []) do
    assert {:ok, value, _output, ^session} = Session.eval(session, code, opts)
    value
  end

  describe "what lives on" do
    test "variables, functions, classes, imports and closures do" do
      session = session()

      for code <- [
            "import math\nfrom dataclasses import dataclass",
            "def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        return n\n    return step",
            "step = counter()",
            "@dataclass\nclass P:\n    x: int\n    def twice(self):\n        return self.x * 2",
            "p = P(21)",
            "step()",
            "step()"
          ] do
        value(session, code)
      end

      assert value(session, "[step(), p.twice(), math.floor(2.5), P(1) == P(1)]") == [3, 42, 2, true]
    end

    test "the working directory, open files and the state of random do" do
      session = session(mounts: [{"/work", :memory, files: %{"n.txt" => "one\ntwo\n"}}], seed: 7)
      value(session, "import os, random\nf = open('n.txt')\nfirst = f.readline()\na = random.random()")
      value(session, "os.mkdir('sub')\nos.chdir('sub')")
      value(session, "out = open('out.txt', 'w')\nout.write('x')")
      value(session, "out.write(f.readline())\nout.close()")

      assert value(session, "[first, os.getcwd(), open('out.txt').read()]") == [
               "one\n",
               "/work/sub",
               "xtwo\n"
             ]

      b = value(session, "random.random()")

      assert {:ok, [_, ^b], ""} = ExMonty.eval("import random\n[random.random(), random.random()]", seed: 7)
    end

    test "inputs do, of every evaluation" do
      session = session()
      assert value(session, "x + y", inputs: %{x: 1, y: 2}) == 3
      assert value(session, "x + y", inputs: %{"x" => 10}) == 12
    end

    test "instances of the host's dataclasses do, and their methods are asked for in any later evaluation" do
      session = session()
      value(session, "kept = p", inputs: %{p: Dataclass.new("P", x: 1)})

      assert {:ok,
              {:method_call, %{name: "move", args: [%Dataclass{name: "P", fields: %{"x" => 1}}, 2]}, snapshot,
               ""}} = Session.start(session, "kept.move(2)")

      assert ExMonty.resume(snapshot, {:ok, "moved"}) == {:ok, {:complete, "moved", ""}}
    end

    test "what an evaluation did before it raised does, and its output is in the exception" do
      session = session()

      assert {:error, %Exception{type: :value_error} = exception} =
               Session.eval(session, "x = 1\nprint('here')\ndef f():\n    raise ValueError('no')\nx = 2\nf()")

      assert exception.output == "here\n"
      assert [%{filename: "<python-input-0>"}, %{name: "f"}] = exception.traceback
      assert {:error, %Exception{type: :syntax_error}} = Session.eval(session, "x = = 3")
      assert {:error, %Exception{traceback: frames}} = Session.eval(session, "f()")
      # The source of an earlier evaluation is still known.
      assert [%{filename: "<python-input-2>"}, %{filename: "<python-input-0>", name: "f"}] = frames
      assert value(session, "x") == 2
    end

    test "the value of the last expression is the answer, and output is each evaluation's own" do
      session = session()
      assert {:ok, nil, "a\n", ^session} = Session.eval(session, "print('a')\nx = 1")
      assert {:ok, 1, "b\n", ^session} = Session.eval(session, "print('b')\nx")
      assert {:ok, nil, "", ^session} = Session.eval(session, "")
      assert {:ok, nil, "", ^session} = Session.eval(session, "# nothing")
    end
  end

  describe "who answers" do
    test "is the session, or the evaluation in its place" do
      session = session(functions: %{"f" => fn [x], _ -> {:ok, x + 1} end})
      assert value(session, "f(1)") == 2
      assert value(session, "f(1)", functions: %{"f" => fn [x], _ -> {:ok, x + 2} end}) == 3
      assert value(session, "f(1)") == 2
      assert {:error, %Exception{type: :name_error}} = Session.eval(session, "g(1)")
    end

    test "a table that is leased elsewhere refuses the evaluation, and the session stays free" do
      mounts = Mount.new!([{"/work", :memory}])
      session = session(mounts: mounts)
      {:ok, lease} = Mount.checkout(mounts)
      assert Session.eval(session, "x = 1") == {:error, :mount_in_use}

      assert {:ok, {:complete, nil, ""}} =
               Session.start_with_mounts(session, "open('a', 'w').write('x')\ny = 1", lease)

      :ok = Mount.release(lease)
      assert Session.start_with_mounts(session, "y", lease) == {:error, :lease_released}
      assert value(session, "[y, open('a').read()]") == [1, "x"]
    end
  end

  describe "one thing at a time" do
    test "holds while an evaluation is paused, whatever is tried" do
      session = session()
      {:ok, {:function_call, _, snapshot, _}} = Session.start(session, "x = f() + g()")
      assert {:error, %Error{reason: :busy}} = Session.eval(session, "1")
      assert {:error, %Error{reason: :busy}} = Session.start(session, "1")
      assert {:error, %Error{reason: :busy}} = Session.dump(session)
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume(snapshot, {:ok, 1})
      assert {:error, %Error{reason: :busy}} = Session.eval(session, "1")
      {:ok, again} = Session.of(snapshot)
      assert {:error, %Error{reason: :busy}} = Session.eval(again, "1")
      # A result that is refused changes nothing.
      assert {:error, %Error{reason: :invalid_value}} = ExMonty.resume(snapshot, {:ok, self()})
      assert {:ok, {:complete, nil, ""}} = ExMonty.resume(snapshot, {:ok, 2})
      assert value(session, "x") == 3
      assert value(again, "x") == 3
      assert {:error, %Error{reason: :snapshot_consumed}} = Session.of(snapshot)
    end

    test "holds for many who try at the same time" do
      session = session()
      value(session, "n = 0")

      results =
        1..50
        |> Task.async_stream(fn _ -> elem(Session.eval(session, "n += 1"), 0) end,
          max_concurrency: 16,
          timeout: :infinity
        )
        |> Enum.map(fn {:ok, result} -> result end)

      assert value(session, "n") == Enum.count(results, &(&1 == :ok))
    end

    test "a snapshot that nobody refers to any more gives the session back as it was at the pause" do
      session = session()
      value(session, "x = [1]")

      # The snapshot is garbage when the process is gone.
      {pid, monitor} =
        spawn_monitor(fn ->
          {:ok, _} = Session.start(session, "import os\nx.append(2)\ny = 5\nf()\nx.append(3)")
        end)

      assert_receive {:DOWN, ^monitor, :process, ^pid, :normal}
      assert until_free(fn -> Session.eval(session, "[x, y]") end) == {:ok, [[1, 2], 5], "", session}
    end

    test "a snapshot that waits for futures does so, too" do
      session = session()

      {pid, monitor} =
        spawn_monitor(fn ->
          code = "import asyncio\nx = 1\nawait asyncio.gather(f())"
          {:ok, {:function_call, _, snapshot, _}} = Session.start(session, code)
          {:ok, {:resolve_futures, _, _}} = ExMonty.resume(snapshot, :pending)
        end)

      assert_receive {:DOWN, ^monitor, :process, ^pid, :normal}
      assert {:ok, 1, "", _} = until_free(fn -> Session.eval(session, "x") end)
    end
  end

  describe "bad input" do
    test "is refused without touching the session" do
      session = session(max_source_bytes: 20)

      assert {:error, %Error{reason: :source_too_large, message: message}} =
               Session.eval(session, "x = 1 # a comment too long")

      assert message == "the source has 26 bytes, and :max_source_bytes accepts 20"
      assert {:error, %Error{reason: :invalid_source}} = Session.eval(session, <<"x = '", 0xFF, "'">>)

      assert {:error, %Error{reason: :invalid_value, message: message}} =
               Session.eval(session, "x", inputs: %{x: [self()]})

      assert message =~ ~s(inputs["x"][0])
      assert {:error, %Exception{type: :syntax_error, message: message}} = Session.eval(session, "eval('1')")
      assert message =~ "'eval' is not available"
      assert value(session, "1") == 1
    end

    test "raises where the program is wrong" do
      session = session()

      assert_raise ArgumentError, ~r/unknown option :cwd; accepted: :inputs, :limits/, fn ->
        Session.eval(session, "1", cwd: "/")
      end

      assert_raise ArgumentError, ~r/unknown option :functions/, fn ->
        Session.start(session, "1", functions: %{})
      end

      assert_raise ArgumentError, ~r/unknown limit :time/, fn ->
        Session.eval(session, "1", limits: %{time: 1})
      end

      assert_raise ArgumentError, ~r/:inputs is for an evaluation/, fn -> Session.new(inputs: %{x: 1}) end
      assert_raise ArgumentError, ~r/unknown option :colour/, fn -> Session.new(colour: 1) end

      assert_raise ArgumentError, ~r/invalid option :inputs/, fn ->
        Session.eval(session, "1", inputs: [1])
      end

      assert_raise ArgumentError, ~r/expected a snapshot/, fn -> Session.of(make_ref()) end
      assert {:error, :host_path_not_found} = Session.new(mounts: [{"/x", "/no/such/directory", :read_only}])
    end

    test "a snapshot of a program's run has no session" do
      {:ok, runner} = ExMonty.compile("f()")
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
      assert {:error, %Error{reason: :no_session}} = Session.of(snapshot)
    end
  end
end
