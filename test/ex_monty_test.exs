defmodule ExMontyTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Exception, FunctionCall, OsCall}

  doctest ExMonty

  defp start!(code, inputs \\ %{}, opts \\ []) do
    {:ok, runner} = ExMonty.compile(code, inputs: Map.keys(inputs))
    ExMonty.start(runner, inputs, opts)
  end

  describe "compile" do
    test "gives a syntax error as the exception that Python raises" do
      assert {:error, %Exception{type: :syntax_error, traceback: [frame]}} =
               ExMonty.compile("x = = 1", script_name: "wrong.py")

      assert frame.filename == "wrong.py"
      assert frame.line == 1
    end

    test "refuses a source beyond the cap, and takes one at the cap" do
      assert {:ok, _} = ExMonty.compile("x = 1", max_source_bytes: 5)

      assert {:error, %Error{reason: :source_too_large, message: message}} =
               ExMonty.compile("x = 10", max_source_bytes: 5)

      assert message =~ "6 bytes"

      assert {:error, %Error{reason: :source_too_large}} =
               ExMonty.compile(String.duplicate("#", 256 * 1024 + 1))
    end

    test "refuses a source that is not text" do
      assert {:error, %Error{reason: :invalid_source}} = ExMonty.compile(<<"x = '", 0xFF, "'">>)
    end

    test "takes input names as atoms and strings" do
      assert {:ok, runner} = ExMonty.compile("a + b", inputs: [:a, "b"])
      assert {:ok, 3, ""} = ExMonty.run(runner, %{"a" => 1, b: 2})
    end

    test "refuses an input name that is no Python identifier, as Python would" do
      assert {:error, %Exception{}} = ExMonty.compile("1", inputs: ["not a name"])
    end
  end

  describe "run" do
    test "gives the value of the last statement, or nil" do
      assert ExMonty.eval("1 + 1") == {:ok, 2, ""}
      assert ExMonty.eval("x = 1") == {:ok, nil, ""}
      assert ExMonty.eval("") == {:ok, nil, ""}
    end

    test "collects what was printed, to stderr too, in order" do
      code = "import sys\nprint('a', 'b', sep='-')\nprint('c', file=sys.stderr)\nprint('d', end='')"
      assert ExMonty.eval(code) == {:ok, nil, "a-b\nc\nd"}
    end

    test "runs one runner any number of times, with nothing left over" do
      {:ok, runner} = ExMonty.compile("seen = seen_before\nseen.append(1)\nlen(seen)", inputs: [:seen_before])
      for _ <- 1..10, do: assert({:ok, 1, ""} = ExMonty.run(runner, %{seen_before: []}))
    end

    test "gives an exception with its traceback, and what was printed before it" do
      code = "def f(x):\n    return 1 / x\nprint('so far')\nf(0)"

      assert {:error, %Exception{type: :zero_division_error, output: "so far\n"} = exception} =
               ExMonty.eval(code, script_name: "f.py")

      assert [%{filename: "f.py", line: 4}, %{filename: "f.py", line: 2, name: "f"}] = exception.traceback
    end

    test "has no host: names, functions, files, sleep, the environment" do
      for {code, type, text} <- [
            {"nothing", :name_error, "name 'nothing' is not defined"},
            {"nothing()", :name_error, "name 'nothing' is not defined"},
            {"open('/etc/passwd').read()", :permission_error, "Permission denied: '/etc/passwd'"},
            {"from pathlib import Path\nPath('/x').write_text('y')", :permission_error, "/x"},
            {"import os\nos.getenv('HOME')", :runtime_error, "os.getenv"},
            {"import time\ntime.sleep(3600)", :runtime_error, "time.sleep"},
            {"import requests", :module_not_found_error, "requests"},
            {"import os\nos.urandom(8)", :runtime_error, "os.urandom"}
          ] do
        assert {:error, %Exception{type: ^type, message: message}} = ExMonty.eval(code), code
        assert message =~ text
      end
    end

    test "answers the predicates with False, and the clock by the system's" do
      code = """
      from pathlib import Path
      from datetime import date, datetime
      import time
      p = Path('/x')
      [p.exists(), p.is_file(), p.is_dir(), p.is_symlink(), date.today(), datetime.now(), time.time()]
      """

      for clock <- [:system, :host] do
        assert {:ok, [false, false, false, false, today, now, time], ""} = ExMonty.eval(code, clock: clock)
        assert Date.diff(Date.utc_today(), today) in 0..1
        assert abs(NaiveDateTime.diff(NaiveDateTime.utc_now(), now)) < 60
        assert abs(System.os_time(:second) - time) < 60
      end
    end
  end

  describe "options of a run" do
    test ":clock can stand still, in any zone" do
      code =
        "from datetime import datetime\nimport time\n[datetime.now(), time.time(), datetime.now().astimezone()]"

      clock = ~U[2024-02-29 23:30:00.250000Z]

      assert {:ok, [~N[2024-03-01 00:30:00.250000], 1_709_249_400.25, zoned], ""} =
               ExMonty.eval(code, clock: clock, timezone: "Europe/Zurich")

      assert DateTime.compare(zoned, clock) == :eq

      assert {:ok, [~N[2024-03-01 05:00:00.250000] | _], ""} =
               ExMonty.eval(code, clock: clock, timezone: "+05:30")

      assert {:ok, [~N[2024-02-29 22:30:00.250000] | _], ""} =
               ExMonty.eval(code, clock: clock, timezone: -3600)
    end

    test ":clock :host pauses at clock calls, :no_handler reads the system's in the run's zone" do
      code = "from datetime import datetime, timezone\n[datetime.now(), datetime.now(timezone.utc)]"
      {:ok, {:os_call, call, snapshot, _}} = start!(code, %{}, clock: :host, timezone: "+01:00")
      assert %OsCall{function: :datetime_now, args: [nil]} = call
      {:ok, {:os_call, call, snapshot, _}} = ExMonty.resume(snapshot, {:ok, ~N[2001-02-03 04:05:06]})
      assert %OsCall{function: :datetime_now, args: [{:timezone, %{offset_seconds: 0}}]} = call
      {:ok, {:complete, [given, %DateTime{} = read], ""}} = ExMonty.resume(snapshot, :no_handler)
      assert NaiveDateTime.compare(given, ~N[2001-02-03 04:05:06]) == :eq
      assert abs(DateTime.diff(DateTime.utc_now(), read)) < 60

      {:ok, {:os_call, _, snapshot, _}} =
        start!("from datetime import datetime\ndatetime.now()", %{}, clock: :host, timezone: "+10:00")

      {:ok, {:complete, local, ""}} = ExMonty.resume(snapshot, :no_handler)
      assert NaiveDateTime.diff(local, NaiveDateTime.utc_now(), :minute) in 599..600
    end

    test ":seed makes random and entropy repeatable, and different seeds differ" do
      code = "import random, os\n[random.random(), random.Random().random(), os.urandom(16), os.urandom(3)]"
      {:ok, [_, _, {:bytes, bytes}, {:bytes, more}] = drawn, ""} = ExMonty.eval(code, seed: 42)
      assert {byte_size(bytes), byte_size(more)} == {16, 3}
      assert {:ok, ^drawn, ""} = ExMonty.eval(code, seed: 42)
      assert {:ok, other, ""} = ExMonty.eval(code, seed: -(2 ** 100))
      assert Enum.zip(drawn, other) |> Enum.all?(fn {a, b} -> a != b end)
    end

    test ":cwd is where relative paths begin" do
      assert {:ok, "/work/deep", ""} = ExMonty.eval("import os\nos.getcwd()", cwd: "/work/deep/")
      {:ok, {:os_call, call, _, _}} = start!("open('a.txt')", %{}, cwd: "/work")
      assert call.args == [{:path, "/work/a.txt"}, "r"]
    end

    test "that do not exist or have the wrong shape raise, and say what is accepted" do
      {:ok, runner} = ExMonty.compile("x", inputs: [:x])

      for {call, words} <- [
            {fn -> ExMonty.compile("1", input: []) end, ["unknown option :input", ":inputs", ":script_name"]},
            {fn -> ExMonty.compile("1", :inputs) end, ["keyword list"]},
            {fn -> ExMonty.compile("1", inputs: :x) end, [":inputs", "list"]},
            {fn -> ExMonty.compile("1", inputs: [:x, "x"]) end, [":inputs", "different"]},
            {fn -> ExMonty.compile("1", inputs: [:x | :y]) end, [":inputs"]},
            {fn -> ExMonty.compile("1", inputs: [1]) end, [":inputs", "atoms or strings"]},
            {fn -> ExMonty.compile("1", script_name: "") end, [":script_name"]},
            {fn -> ExMonty.compile("1", max_source_bytes: 0) end, [":max_source_bytes", "positive integer"]},
            {fn -> ExMonty.compile("1", dynamic_code: true) end, ["unknown option :dynamic_code"]},
            {fn -> ExMonty.run(runner, %{x: 1}, cwd: "work") end, [":cwd", "absolute path"]},
            {fn -> ExMonty.run(runner, %{x: 1}, cwd: "/a\0") end, [":cwd"]},
            {fn -> ExMonty.run(runner, %{x: 1}, clock: :sundial) end, [":clock", ":system", "%DateTime{}"]},
            {fn -> ExMonty.run(runner, %{x: 1}, timezone: "Mars/Olympus") end, [":timezone", "IANA"]},
            {fn -> ExMonty.run(runner, %{x: 1}, timezone: "+25:00") end, [":timezone", "+02:00"]},
            {fn -> ExMonty.run(runner, %{x: 1}, timezone: 86_400) end, [":timezone", "seconds"]},
            {fn -> ExMonty.run(runner, %{x: 1}, seed: 1.5) end, [":seed", "integer"]},
            {fn -> ExMonty.run(runner, %{x: 1}, seed: 2 ** 5000) end, [":seed", "4096 bits"]},
            {fn -> ExMonty.run(runner, %{x: 1}, seed: 1, seed: 2) end, [":seed", "twice"]},
            {fn -> ExMonty.eval("1", inputs: [x: 1]) end, [":inputs", "map"]},
            {fn -> ExMonty.eval("1", inputs: %{"x" => 1, x: 2}) end, [":inputs", "once"]},
            {fn -> ExMonty.run(runner, %{}) end, ["missing inputs \"x\""]},
            {fn -> ExMonty.run(runner, %{x: 1, y: 2, z: 3}) end, ["unknown inputs \"y\", \"z\"", "\"x\""]},
            {fn -> ExMonty.run(runner, [1]) end, [":inputs", "map"]},
            {fn -> ExMonty.run(make_ref(), %{}) end, ["expected a runner"]},
            {fn -> ExMonty.run(:runner, %{}) end, ["expected a runner"]}
          ] do
        error = assert_raise ArgumentError, call
        for word <- words, do: assert(error.message =~ word, "#{inspect(error.message)} lacks #{word}")
      end
    end
  end

  describe "a paused run" do
    test "tells the call: name, arguments, id, and what was printed since" do
      code = "print('one')\na = f(1, [2], key={'k': 3})\nprint('two')\nb = f(a)\n(a, b)"
      {:ok, {:function_call, call, snapshot, "one\n"}} = start!(code)
      assert %FunctionCall{name: "f", args: [1, [2]], kwargs: %{"key" => %{"k" => 3}}, call_id: first} = call
      {:ok, {:function_call, call, snapshot, "two\n"}} = ExMonty.resume(snapshot, {:ok, "A"})
      assert %FunctionCall{name: "f", args: ["A"], kwargs: kwargs, call_id: second} = call
      assert kwargs == %{} and first != second
      assert ExMonty.resume(snapshot, {:ok, nil}) == {:ok, {:complete, {"A", nil}, ""}}
    end

    test "takes an exception, which the script may catch" do
      code = "try:\n    f()\nexcept ValueError as e:\n    r = str(e)\nr"
      {:ok, {:function_call, _, snapshot, _}} = start!(code)
      assert {:ok, {:complete, "no", ""}} = ExMonty.resume(snapshot, {:error, :value_error, "no"})
    end

    test "that takes an exception and does not catch it ends, with its output" do
      {:ok, {:function_call, _, snapshot, _}} = start!("print('before')\nf()")
      {:ok, {:function_call, _, _, "before\n"}} = ExMonty.progress(snapshot)

      assert {:error, %Exception{type: :key_error, message: "'k'", output: ""}} =
               ExMonty.resume(snapshot, {:error, :key_error, "'k'"})
    end

    test "asks for a name that it does not know, once" do
      {:ok, {:name_lookup, "limit", snapshot, ""}} = start!("limit + limit")
      assert ExMonty.resume(snapshot, {:ok, 21}) == {:ok, {:complete, 42, ""}}

      {:ok, {:name_lookup, "f", snapshot, ""}} = start!("h = f\nh(1)")
      {:ok, {:function_call, call, snapshot, ""}} = ExMonty.resume(snapshot, {:ok, {:function, "g"}})
      assert call.name == "g"
      assert {:ok, {:complete, 2, ""}} = ExMonty.resume(snapshot, {:ok, 2})

      {:ok, {:name_lookup, "f", snapshot, ""}} = start!("x = f")
      assert {:error, %Exception{type: :name_error}} = ExMonty.resume(snapshot, :undefined)

      {:ok, {:name_lookup, "f", snapshot, ""}} = start!("x = f")
      assert {:error, %Exception{type: :os_error}} = ExMonty.resume(snapshot, {:error, :os_error, "e"})
    end

    test "is told again by progress/1, and by nobody once it has been resumed" do
      {:ok, {:function_call, call, snapshot, "x\n"}} = start!("print('x')\nf([1, 2])")
      for _ <- 1..3, do: assert({:ok, {:function_call, ^call, ^snapshot, "x\n"}} = ExMonty.progress(snapshot))
      {:ok, {:complete, nil, ""}} = ExMonty.resume(snapshot, {:ok, nil})
      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.progress(snapshot)
      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.resume(snapshot, {:ok, nil})
    end

    test "survives every answer that does not fit" do
      {:ok, {:function_call, _, snapshot, _}} = start!("f()")

      for {result, reason} <- [
            {:ok, :invalid_result},
            {nil, :invalid_result},
            {[], :invalid_result},
            {{:ok}, :invalid_result},
            {{:ok, 1, 2, 3}, :invalid_result},
            {:no_handler, :invalid_result},
            {:undefined, :invalid_result},
            {self(), :invalid_result},
            {[1 | self()], :invalid_result},
            {{:error, "text"}, :invalid_result},
            {{:error, :value_error, :text}, :invalid_result},
            {{:error, :value_error, <<0xFF>>}, :invalid_result},
            {{:error, :no_such_error, "text"}, :invalid_result},
            {{:error, "value_error", "text"}, :invalid_result},
            {{:ok, self()}, :invalid_value},
            {{:ok, [1 | 2]}, :invalid_value},
            {{:ok, make_ref()}, :invalid_value},
            {{:ok, fn -> 1 end}, :invalid_value},
            {{:ok, %{a: [hd(Port.list())]}}, :invalid_value},
            {{:ok, Enum.reduce(1..500, [], fn _, inner -> [inner] end)}, :value_too_deep}
          ] do
        assert {:error, %Error{reason: ^reason}} = ExMonty.resume(snapshot, result), inspect(result)
      end

      assert {:ok, {:complete, 1, ""}} = ExMonty.resume(snapshot, {:ok, 1})
    end

    test "is resumed by one of many who try" do
      {:ok, {:function_call, _, snapshot, _}} = start!("f()")

      results =
        1..50
        |> Task.async_stream(&ExMonty.resume(snapshot, {:ok, &1}), max_concurrency: 50)
        |> Enum.to_list()

      assert Enum.count(results, &match?({:ok, {:ok, {:complete, _, ""}}}, &1)) == 1
      assert Enum.count(results, &match?({:ok, {:error, %Error{reason: :snapshot_consumed}}}, &1)) == 49
    end

    test "goes from process to process" do
      code = "total = 0\nfor i in range(20):\n    total += f(i)\ntotal"

      step = fn
        _step, {:ok, {:complete, value, _}} ->
          value

        step, {:ok, {:function_call, call, snapshot, _}} ->
          task = Task.async(fn -> ExMonty.resume(snapshot, {:ok, hd(call.args)}) end)
          step.(step, Task.await(task))
      end

      assert step.(step, start!(code)) == 190
    end

    test "is no argument where something else is expected" do
      {:ok, {:function_call, _, snapshot, _}} = start!("f()")
      assert_raise ArgumentError, ~r/waits for futures/, fn -> ExMonty.resume_futures(snapshot, []) end
      assert_raise ArgumentError, ~r/waits for futures/, fn -> ExMonty.pending_call_ids(snapshot) end
      assert_raise ArgumentError, ~r/expected a runner/, fn -> ExMonty.start(snapshot) end

      {:ok, runner} = ExMonty.compile("1")

      for wrong <- [runner, make_ref(), :snapshot, self(), [1 | 2], nil] do
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.resume(wrong, {:ok, 1}) end
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.resume_futures(wrong, []) end
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.progress(wrong) end
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.pending_call_ids(wrong) end
      end
    end
  end

  describe "an OS call" do
    test "carries its function and its arguments" do
      for {code, function, args, kwargs} <- [
            {"Path('/a/../b').exists()", :exists, [{:path, "/b"}], %{}},
            {"Path('/a').is_file()", :is_file, [{:path, "/a"}], %{}},
            {"Path('/a').is_dir()", :is_dir, [{:path, "/a"}], %{}},
            {"Path('/a').is_symlink()", :is_symlink, [{:path, "/a"}], %{}},
            {"Path('/a').read_text()", :read_text, [{:path, "/a"}], %{}},
            {"Path('/a').read_bytes()", :read_bytes, [{:path, "/a"}], %{}},
            {"Path('/a').write_text('x')", :write_text, [{:path, "/a"}, "x"], %{}},
            {"Path('/a').write_bytes(b'x')", :write_bytes, [{:path, "/a"}, {:bytes, "x"}], %{}},
            {"Path('/a').mkdir(parents=True)", :mkdir, [{:path, "/a"}],
             %{"parents" => true, "exist_ok" => false}},
            {"Path('/a').unlink()", :unlink, [{:path, "/a"}], %{}},
            {"Path('/a').rmdir()", :rmdir, [{:path, "/a"}], %{}},
            {"Path('/a').rename('/b')", :rename, [{:path, "/a"}, {:path, "/b"}], %{}},
            {"Path('/a').resolve()", :resolve, [{:path, "/a"}], %{}},
            {"list(Path('/a').iterdir())", :iterdir, [{:path, "/a"}], %{}},
            {"Path('/a').stat()", :stat, [{:path, "/a"}], %{}},
            {"os.getenv('HOME', 'none')", :getenv, ["HOME", "none"], %{}},
            {"os.urandom(4)", :urandom, [4], %{}},
            {"time.sleep(1.5)", :sleep, [1.5], %{}},
            {"import elsewhere", :import, ["elsewhere"], %{}}
          ] do
        code = "import os, time\nfrom pathlib import Path\n" <> code
        assert {:ok, {:os_call, %OsCall{} = call, _, ""}} = start!(code), code
        assert {call.function, call.args, call.kwargs} == {function, args, kwargs}
      end
    end

    test "is answered with what its function gives" do
      handle = {:file_handle, %{path: "/a", mode: "r", position: 0}}

      stat = %File.Stat{
        size: 7,
        type: :directory,
        mode: 0o755,
        mtime: {{2024, 1, 1}, {0, 0, 0}},
        atime: 5,
        ctime: 0
      }

      for {code, answers, value} <- [
            {"Path('/a').exists()", [true], true},
            {"Path('/a').read_text()", ["text"], "text"},
            {"Path('/a').read_bytes()", [{:bytes, <<255>>}], {:bytes, <<255>>}},
            {"Path('/a').write_text('x')", [1], 1},
            {"open('/a').read()", [handle, "text"], "text"},
            {"Path('/a').mkdir()", [self()], nil},
            {"[p.name for p in Path('/a').iterdir()]", [[{:path, "/a/b"}, "c"]], ["b", "c"]},
            {"s = Path('/a').stat()\n[s.st_size, s.st_mode, s.st_mtime, s.st_atime]", [stat],
             [7, 0o40755, 1_704_067_200.0, 5.0]},
            {"sorted(os.listdir('/a'))", [["b", "a"]], ["a", "b"]},
            {"str(Path('/a').resolve())", [{:path, "/z"}], "/z"},
            {"os.getenv('HOME')", [nil], nil},
            {"os.environ['K']", [%{"K" => "v"}], "v"},
            {"os.urandom(2)", [{:bytes, "ab"}], {:bytes, "ab"}},
            {"time.sleep(1)", [{:any, :thing, self()}], nil},
            {"import elsewhere\nelsewhere.x", [{:module, "elsewhere", %{"x" => 5}}], 5}
          ] do
        code = "import os, time\nfrom pathlib import Path\n" <> code

        step = fn {:ok, {:os_call, _, snapshot, _}}, answer -> ExMonty.resume(snapshot, {:ok, answer}) end

        asked = fn progress, answer ->
          Enum.reduce_while([1], progress, fn _, progress -> {:halt, step.(progress, answer)} end)
        end

        result = Enum.reduce(answers, start!(code), fn answer, progress -> asked.(progress, answer) end)
        assert {:ok, {:complete, ^value, ""}} = result, code
      end
    end

    test "that gets what its function does not give stays" do
      for {code, wrong, right} <- [
            {"Path('/a').exists()", [1, "yes", nil], true},
            {"Path('/a').read_text()", [1, {:bytes, "x"}, <<255>>], "x"},
            {"Path('/a').read_bytes()", [1, "text"], {:bytes, "x"}},
            {"Path('/a').write_text('x')", ["1", 1.5], 1},
            {"list(Path('/a').iterdir())", ["x", [1], [:a | :b]], []},
            {"Path('/a').stat()", [%{}, %File.Stat{mtime: :soon}, 1], %File.Stat{}},
            {"Path('/a').resolve()", ["/a", 1], {:path, "/a"}},
            {"time.time()", ["now", ~D[2024-01-01]], 1.5},
            {"open('/a')", ["/a", 1], {:file_handle, %{path: "/a", mode: "r", position: 0}}},
            {"import elsewhere", [1, "elsewhere"], {:module, "elsewhere", %{}}}
          ] do
        code = "import os, time\nfrom pathlib import Path\n" <> code <> "\n0"
        {:ok, {:os_call, _, snapshot, _}} = start!(code, %{}, clock: :host)

        for value <- wrong do
          assert {:error, %Error{reason: reason}} = ExMonty.resume(snapshot, {:ok, value}),
                 "#{code}: #{inspect(value)}"

          assert reason in [:invalid_result, :invalid_value]
        end

        assert {:ok, {:complete, _, _}} = ExMonty.resume(snapshot, {:ok, right}), code
      end
    end

    test "without a handler gets Monty's own answer" do
      {:ok, {:os_call, _, snapshot, _}} = start!("open('/secret')")

      assert {:error, %Exception{type: :permission_error, message: "Permission denied: '/secret'"}} =
               ExMonty.resume(snapshot, :no_handler)

      {:ok, {:os_call, _, snapshot, _}} = start!("import elsewhere")
      assert {:error, %Exception{type: :module_not_found_error}} = ExMonty.resume(snapshot, {:ok, :not_found})
    end
  end

  describe "futures" do
    @gather """
    import asyncio
    async def all():
        return await asyncio.gather(f(1), f(2), f(3))
    await all()
    """

    defp futures!(code) do
      step = fn
        _step, {:ok, {:resolve_futures, futures, _}} -> futures
        step, {:ok, {_, _, snapshot, _}} -> step.(step, ExMonty.resume(snapshot, :pending))
      end

      step.(step, start!(code))
    end

    test "are answered bit by bit, in any order" do
      futures = futures!(@gather)
      assert [a, b, c] = ExMonty.pending_call_ids(futures)
      {:ok, {:resolve_futures, rest, ""}} = ExMonty.resume_futures(futures, [{c, {:ok, 30}}])
      assert Enum.sort(ExMonty.pending_call_ids(rest)) == Enum.sort([a, b])

      assert {:ok, {:complete, [10, 20, 30], ""}} =
               ExMonty.resume_futures(rest, [{b, {:ok, 20}}, {a, {:ok, 10}}])

      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.pending_call_ids(futures)
      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.resume_futures(futures, [])
    end

    test "survive answers that do not fit" do
      futures = futures!(@gather)
      [a | _] = ExMonty.pending_call_ids(futures)

      for results <- [
            :ok,
            [{a, {:ok, 1}} | :more],
            [a],
            [{a, :pending}],
            [{a, {:ok, self()}}],
            [{a, {:error, :no_such_error, ""}}],
            [{999_999, {:ok, 1}}],
            [{-1, {:ok, 1}}],
            [{a, {:ok, 1}}, {a, {:ok, 2}}]
          ] do
        assert {:error, %Error{reason: reason}} = ExMonty.resume_futures(futures, results), inspect(results)
        assert reason in [:invalid_result, :invalid_value]
      end

      assert {:error, %Exception{type: :value_error}} =
               ExMonty.resume_futures(futures, [{a, {:error, :value_error, "first"}}])
    end

    test "are what async sleep may be answered with" do
      code = "import asyncio\nasync def nap():\n    await asyncio.sleep(0.5)\n    return 1\nawait nap()"
      {:ok, {:os_call, %OsCall{function: :async_sleep, args: [0.5]}, snapshot, _}} = start!(code)
      {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(snapshot, :pending)
      [id] = ExMonty.pending_call_ids(futures)
      assert {:ok, {:complete, 1, ""}} = ExMonty.resume_futures(futures, [{id, {:ok, nil}}])
    end

    test "are no argument of resume/2" do
      futures = futures!(@gather)
      assert_raise ArgumentError, ~r/futures/, fn -> ExMonty.resume(futures, {:ok, 1}) end
    end
  end

  describe "objects of the host" do
    test "come back with method calls and attribute lookups" do
      user = ExMonty.Dataclass.new("User", %{"name" => "Ada"})
      code = "print(user.name)\nx = user.greet('hi', loud=True)\n[x, user.age]"
      {:ok, {:method_call, call, snapshot, "Ada\n"}} = start!(code, %{user: user})
      assert %FunctionCall{name: "greet", args: [instance, "hi"], kwargs: %{"loud" => true}} = call
      assert %ExMonty.Dataclass{name: "User", fields: %{"name" => "Ada"}} = instance
      {:ok, {:name_lookup, {:attribute, same, "age"}, snapshot, ""}} = ExMonty.resume(snapshot, {:ok, "HI"})
      assert same == instance
      assert {:ok, {:complete, ["HI", 36], ""}} = ExMonty.resume(snapshot, {:ok, 36})
    end
  end

  test "a wrong term as an input is refused with its place, and pauses nothing" do
    for {value, place} <- [
          {self(), ~s(inputs["x"])},
          {[1, make_ref()], ~s(inputs["x"][1])},
          {%{"k" => [1 | 2]}, ~s(inputs["x"]["k"])}
        ] do
      assert {:error, %Error{reason: :invalid_value, message: message}} =
               ExMonty.eval("x", inputs: %{x: value})

      assert message =~ place
    end
  end

  test "a run that completes with a value too deep to leave says so" do
    code = "x = []\nfor _ in range(500):\n    x = [x]\nx"
    assert {:error, %Error{reason: :value_too_deep}} = ExMonty.eval(code)
  end

  test "messages of others stay in the mailbox" do
    send(self(), {:ex_monty, make_ref(), :not_mine})
    assert {:ok, 1, ""} = ExMonty.eval("sum(range(200_000)) * 0 + 1")
    assert_received {:ex_monty, _, :not_mine}
    refute_received _
  end
end
