defmodule ExMontyTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Exception, OsCall}

  doctest ExMonty

  defp start!(code, inputs, opts) do
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

    test "raises the error where it ends in !" do
      assert {:ok, 3, ""} = "a + 1" |> ExMonty.compile!(inputs: [:a]) |> ExMonty.run(%{a: 2})
      assert_raise Exception, ~r/SyntaxError/, fn -> ExMonty.compile!("x = = 1") end
      assert_raise Error, ~r/source_too_large/, fn -> ExMonty.compile!("x = 10", max_source_bytes: 5) end
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
            {fn -> ExMonty.compile("1", dynamic_code: :yes) end, [":dynamic_code", "true or false"]},
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
