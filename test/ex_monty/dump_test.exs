defmodule ExMonty.DumpTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, FunctionCall, Mount, OsCall, ValueGenerator}

  doctest ExMonty.Dump

  defp started(code, inputs \\ %{}, opts \\ []) do
    {:ok, runner} = ExMonty.compile(code, inputs: Map.keys(inputs))
    {:ok, progress} = ExMonty.start(runner, inputs, opts)
    progress
  end

  # The snapshot after a journey through bytes.
  defp moved(snapshot), do: snapshot |> ExMonty.dump_snapshot!() |> ExMonty.load_snapshot!()

  describe "a runner" do
    test "is dumped without being consumed, and keeps its inputs, script name and options" do
      {:ok, runner} =
        ExMonty.compile("x + eval('1')", inputs: [:x], script_name: "job.py", dynamic_code: true)

      loaded = runner |> ExMonty.dump!() |> ExMonty.load_runner!()
      assert ExMonty.run(loaded, %{x: 1}) == {:ok, 2, ""}
      assert ExMonty.run(runner, %{x: 1}) == {:ok, 2, ""}
      assert {:error, %ExMonty.Exception{traceback: [frame | _]}} = ExMonty.run(loaded, %{x: "1"})
      assert frame.filename == "job.py"
      assert_raise ArgumentError, ~r/missing inputs "x"/, fn -> ExMonty.run(loaded) end
    end

    test "runs in a node that never saw its source" do
      dump = ExMonty.dump!(elem(ExMonty.compile("sum(range(n))", inputs: [:n]), 1))
      assert elsewhere(dump, "{:ok, r} = ExMonty.load_runner(dump); ExMonty.run(r, %{n: 5})") == {:ok, 10, ""}
    end

    test "that another version of the interpreter compiled is compiled anew" do
      {:ok, runner} = ExMonty.compile("x * 2", inputs: [:x])
      dump = ExMonty.dump!(runner)
      # The record begins with an array of three, of which the first is the version.
      <<0x83, version, rest::binary>> = body(dump)
      assert version in 1..23
      # What the other version compiled is not looked at.
      source = binary_part(rest, 0, byte_size(rest) - 100)
      assert {:ok, loaded} = ExMonty.load_runner(with_body(dump, <<0x83, version - 1, source::binary>>))
      assert ExMonty.run(loaded, %{x: 21}) == {:ok, 42, ""}
      # While this version's is read.
      assert {:error, %{reason: :invalid_dump}} =
               ExMonty.load_runner(with_body(dump, <<0x83, version, source::binary>>))
    end

    test "is refused anew when its source reads eval and it was not trusted with it" do
      {:ok, runner} = ExMonty.compile("eval('1')", dynamic_code: true)
      dump = ExMonty.dump!(runner)
      <<0x83, version, rest::binary>> = body(dump)
      untrusted = String.replace(rest, "Allowed", "Refused")
      assert untrusted != rest

      assert {:error, %ExMonty.Exception{type: :syntax_error}} =
               ExMonty.load_runner(with_body(dump, <<0x83, version - 1, untrusted::binary>>))
    end
  end

  describe "a paused run" do
    test "goes on from a function call" do
      {:function_call, call, snapshot, "a\n"} = started("print('a'); x = 20; x + fetch('b', c=1) + x")
      loaded = moved(snapshot)
      assert ExMonty.progress(loaded) == {:ok, {:function_call, call, loaded, "a\n"}}
      assert ExMonty.resume(loaded, {:ok, 2}) == {:ok, {:complete, 42, ""}}
    end

    test "goes on from a call to the system" do
      {:os_call, call, snapshot, ""} = started("open('/a.txt').read() + 'c'")
      loaded = moved(snapshot)
      assert {:ok, {:os_call, %OsCall{function: :open} = ^call, ^loaded, ""}} = ExMonty.progress(loaded)
      handle = {:file_handle, %{path: "/a.txt", mode: "r", position: 0}}
      {:ok, {:os_call, %OsCall{function: :read_text}, snapshot, ""}} = ExMonty.resume(loaded, {:ok, handle})
      assert ExMonty.resume(moved(snapshot), {:ok, "ab"}) == {:ok, {:complete, "abc", ""}}
    end

    test "goes on from the lookup of a name" do
      {:name_lookup, "unknown", snapshot, ""} = started("x = unknown; x + 1")
      loaded = moved(snapshot)
      assert {:ok, {:name_lookup, "unknown", ^loaded, ""}} = ExMonty.progress(loaded)
      assert ExMonty.resume(loaded, {:ok, 41}) == {:ok, {:complete, 42, ""}}
    end

    test "goes on from an exception that it is answered, which its own handler catches" do
      {:function_call, _call, snapshot, ""} =
        started("try:\n    x = fetch()\nexcept ValueError as e:\n    x = str(e)\nx")

      assert ExMonty.resume(moved(snapshot), {:error, :value_error, "no"}) == {:ok, {:complete, "no", ""}}
    end

    test "goes on from futures, some of which are answered before and some after a second journey" do
      code = "import asyncio\nawait asyncio.gather(f(1), f(2), f(3))"
      {:function_call, a, snapshot, _} = started(code)
      {:ok, {:function_call, b, snapshot, _}} = ExMonty.resume(moved(snapshot), :pending)
      {:ok, {:function_call, c, snapshot, _}} = ExMonty.resume(moved(snapshot), :pending)
      {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(moved(snapshot), :pending)
      futures = futures |> ExMonty.dump_future_snapshot!() |> ExMonty.load_future_snapshot!()
      assert ExMonty.pending_call_ids(futures) == [a.call_id, b.call_id, c.call_id]
      assert {:ok, {:resolve_futures, ^futures, ""}} = ExMonty.progress(futures)
      {:ok, {:resolve_futures, futures, _}} = ExMonty.resume_futures(futures, [{b.call_id, {:ok, 2}}])
      dump = ExMonty.dump_future_snapshot!(futures)
      futures = ExMonty.load_future_snapshot!(dump, limits: %{max_duration_secs: 500})
      results = [{a.call_id, {:ok, 1}}, {c.call_id, {:ok, 3}}]
      assert ExMonty.resume_futures(futures, results) == {:ok, {:complete, [1, 2, 3], ""}}
    end

    test "keeps an instance of a host's dataclass, whose methods and attributes are asked for as before" do
      point = Dataclass.new("Point", x: 1, y: 2)
      code = "a = p.move(1)\nb = p.missing\npause()\nc = p.move(2)\n[a, b, c, p.x]"
      {:method_call, %FunctionCall{args: [before, 1]}, snapshot, _} = started(code, %{p: point})
      loaded = moved(snapshot)
      assert {:ok, {:method_call, %FunctionCall{args: [^before, 1]}, ^loaded, _}} = ExMonty.progress(loaded)

      {:ok, {:name_lookup, {:attribute, ^before, "missing"}, snapshot, _}} =
        ExMonty.resume(loaded, {:ok, "a"})

      loaded = moved(snapshot)
      assert {:ok, {:name_lookup, {:attribute, ^before, "missing"}, _, _}} = ExMonty.progress(loaded)
      {:ok, {:function_call, %{name: "pause"}, snapshot, _}} = ExMonty.resume(loaded, {:ok, "b"})

      {:ok, {:method_call, %FunctionCall{args: [again, 2]}, snapshot, _}} =
        ExMonty.resume(moved(snapshot), {:ok, nil})

      assert again == before
      assert ExMonty.resume(snapshot, {:ok, "c"}) == {:ok, {:complete, ["a", "b", "c", 1], ""}}
    end

    test "goes on with a lease, in its working directory and with the file that it had opened" do
      mounts = Mount.new!([{"/work", :memory, files: %{"n.txt" => "one\ntwo\n"}}])
      {:ok, lease} = Mount.checkout(mounts)

      code = """
      import os
      f = open('n.txt')
      first = f.readline()
      os.mkdir('sub')
      os.chdir('sub')
      pause()
      open('out.txt', 'w').write(f.readline())
      [first, os.getcwd()]
      """

      {:ok, runner} = ExMonty.compile(code)
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.start_with_mounts(runner, lease)
      loaded = moved(snapshot)

      assert ExMonty.resume_with_mounts(loaded, {:ok, nil}, lease) ==
               {:ok, {:complete, ["one\n", "/work/sub"], ""}}

      assert Mount.read(mounts, "/work/sub/out.txt") == {:ok, "two\n"}
    end

    test "goes on with another lease than the one that it was dumped under" do
      mounts = Mount.new!([{"/work", :memory}])
      {:ok, lease} = Mount.checkout(mounts)
      {:ok, runner} = ExMonty.compile("open('a', 'w').write('1')\npause()\nopen('a', 'a').write('2')")
      {:ok, {:function_call, _, snapshot, _}} = ExMonty.start_with_mounts(runner, lease)
      dump = ExMonty.dump_snapshot!(snapshot)
      :ok = Mount.release(lease)
      {:ok, other} = Mount.checkout(mounts)
      loaded = ExMonty.load_snapshot!(dump)
      assert ExMonty.resume_with_mounts(loaded, {:ok, nil}, lease) == {:error, :lease_released}
      assert ExMonty.resume_with_mounts(loaded, {:ok, nil}, other) == {:ok, {:complete, 1, ""}}
      assert Mount.read(mounts, "/work/a") == {:ok, "12"}
    end

    test "keeps the seed, the clock and the time zone" do
      opts = [seed: 7, clock: ~U[2024-02-29 12:00:00Z], timezone: "Europe/Zurich"]

      code = """
      import random, os, datetime
      a = [random.random(), os.urandom(4).hex()]
      pause()
      b = [random.random(), os.urandom(4).hex(), str(datetime.datetime.now()), str(datetime.datetime.now().astimezone())]
      a + b
      """

      {:function_call, _, snapshot, _} = started(code, %{}, opts)
      {:ok, straight} = ExMonty.resume(snapshot, {:ok, nil})
      {:function_call, _, snapshot, _} = started(code, %{}, opts)
      assert ExMonty.resume(moved(snapshot), {:ok, nil}) == {:ok, straight}
      assert {:complete, [_, _, _, _, "2024-02-29 13:00:00", "2024-02-29 13:00:00+01:00"], ""} = straight
    end

    test "keeps variables of every kind" do
      for seed <- 1..200 do
        :rand.seed(:exsss, seed)
        value = ValueGenerator.value()
        {:function_call, _, snapshot, _} = started("kept = [x, x]\npause()\nkept", %{x: value})
        {:ok, straight} = ExMonty.resume(snapshot, {:ok, nil})
        {:function_call, _, snapshot, _} = started("kept = [x, x]\npause()\nkept", %{x: value})
        assert ExMonty.resume(moved(snapshot), {:ok, nil}) == {:ok, straight}, inspect(value)
      end
    end

    test "keeps functions, closures, classes, generators and iterators in the middle of their work" do
      code = """
      from dataclasses import dataclass
      @dataclass
      class P:
          x: int
          def twice(self):
              return self.x * 2
      def counter():
          n = 0
          def step():
              nonlocal n
              n += 1
              return n
          return step
      step = counter()
      step()
      squares = iter([i * i for i in range(5)])
      next(squares)
      p = P(21)
      total = 0
      for i in range(3):
          total += fetch(i)
      [step(), next(squares), p.twice(), total, [P(i) for i in range(2)] == [P(0), P(1)]]
      """

      {:function_call, call, snapshot, _} = started(code)
      {:complete, value, ""} = drive({:function_call, call, snapshot, ""}, &(&1 * 10))
      assert value == [2, 1, 42, 30, true]
    end

    test "goes on in another node" do
      {:function_call, _, snapshot, _} =
        started("print('here'); x = {'a': [1, 2]}; x['a'].append(fetch()); x")

      dump = ExMonty.dump_snapshot!(snapshot, key: "shared")

      assert elsewhere(dump, """
             {:ok, s} = ExMonty.load_snapshot(dump, key: "shared")
             {:ok, {:function_call, call, ^s, output}} = ExMonty.progress(s)
             {call.name, output, ExMonty.resume(s, {:ok, 3})}
             """) == {"fetch", "here\n", {:ok, {:complete, %{"a" => [1, 2, 3]}, ""}}}
    end

    test "is consumed by being dumped, and by nothing that is wrong about the call" do
      {:function_call, _, snapshot, _} = started("fetch()")
      assert_raise ArgumentError, ~r/invalid option :key/, fn -> ExMonty.dump_snapshot(snapshot, key: "") end

      assert_raise ArgumentError, ~r/unknown option :limits/, fn ->
        ExMonty.dump_snapshot(snapshot, limits: %{})
      end

      assert_raise ArgumentError, ~r/waits for futures/, fn -> ExMonty.dump_future_snapshot(snapshot) end
      assert {:ok, dump} = ExMonty.dump_snapshot(snapshot)
      assert {:error, %{reason: :snapshot_consumed}} = ExMonty.dump_snapshot(snapshot)
      assert {:error, %{reason: :snapshot_consumed}} = ExMonty.resume(snapshot, {:ok, 1})
      assert {:error, %{reason: :snapshot_consumed}} = ExMonty.progress(snapshot)
      # The bytes are not.
      for n <- 1..3,
          do: assert({:ok, {:complete, ^n, ""}} = ExMonty.resume(ExMonty.load_snapshot!(dump), {:ok, n}))
    end

    test "is dumped once by many who try at the same time" do
      {:function_call, _, snapshot, _} = started("fetch()")
      tasks = for _ <- 1..8, do: Task.async(fn -> ExMonty.dump_snapshot(snapshot) end)
      {dumps, refused} = tasks |> Task.await_many(:infinity) |> Enum.split_with(&match?({:ok, _}, &1))
      assert [{:ok, _}] = dumps
      assert Enum.all?(refused, &match?({:error, %{reason: :snapshot_consumed}}, &1))
    end
  end

  defp drive({:function_call, call, snapshot, _}, answer) do
    {:ok, progress} = ExMonty.resume(moved(snapshot), {:ok, answer.(hd(call.args))})
    drive(progress, answer)
  end

  defp drive({:complete, _, _} = complete, _answer), do: complete

  # The value of `code`, in which `dump` is the dump, in a VM of its own.
  defp elsewhere(dump, code) do
    path = Path.join(System.tmp_dir!(), "ex_monty_#{System.unique_integer([:positive])}.dump")
    File.write!(path, dump)

    script =
      "dump = File.read!(#{inspect(path)}); value = (#{code}); IO.write(Base.encode64(:erlang.term_to_binary(value)))"

    paths = Enum.flat_map(:code.get_path(), &["-pa", to_string(&1)])
    {output, 0} = System.cmd("elixir", paths ++ ["-e", script])
    File.rm!(path)
    output |> Base.decode64!() |> :erlang.binary_to_term()
  end

  defp body(<<_head::binary-size(52), body::binary>>), do: body

  defp with_body(<<head::binary-size(12), _::binary-size(40), _::binary>>, body) do
    head = <<head::binary, byte_size(body)::64>>
    <<head::binary, :crypto.hash(:sha256, [head, body])::binary, body::binary>>
  end
end
