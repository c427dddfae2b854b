defmodule ExMonty.Sandbox.OptionsTest do
  use ExUnit.Case, async: true

  alias ExMonty.Sandbox
  alias ExMonty.Sandbox.Options

  test "the documentation lists each option that there is, and no other" do
    {:docs_v1, _, _, _, %{"en" => moduledoc}, _, _} = Code.fetch_docs(Sandbox)
    [_before, options] = String.split(moduledoc, "## Options\n", parts: 2)
    [listed | _] = String.split(options, "\n\nThe value of a run")
    documented = for [_, name] <- Regex.scan(~r/^\s+\* `:(\w+)` – /m, listed), do: String.to_atom(name)
    assert documented == Options.names()
  end

  test "the guide mentions each option" do
    guide = File.read!("docs/guides/sandbox.md")
    for name <- Options.names(), do: assert(guide =~ ~r/\b#{name}:|`:#{name}`/, "#{name} is missing")
  end

  test "every option of compiling and of running is one of a sandbox" do
    assert ExMonty.Options.names(:compile) -- Options.names() == []
    assert ExMonty.Options.names(:run) -- Options.names() == []
  end

  test "options that belong to compiling and running work as there" do
    assert {:ok, 2, ""} = Sandbox.run("eval('1 + 1')", dynamic_code: true)
    assert {:error, %ExMonty.Exception{}} = Sandbox.run("eval('1 + 1')")
    assert {:error, %ExMonty.Error{reason: :source_too_large}} = Sandbox.run("1 + 1", max_source_bytes: 4)
    assert {:error, exception} = Sandbox.run("1 / 0", script_name: "sum.py")
    assert hd(exception.traceback).filename == "sum.py"

    assert {:ok, "/work/x", ""} =
             Sandbox.run("import os\nos.path.abspath('x')", cwd: "/work", mounts: [{"/work", :memory}])

    clock = ~U[2024-02-29 12:00:00Z]
    now = "from datetime import datetime\ndatetime.now()"
    assert {:ok, ~N[2024-02-29 14:00:00.000000], ""} = Sandbox.run(now, clock: clock, timezone: "+02:00")
    random = "import random\nrandom.random()"
    assert Sandbox.run(random, seed: 7) == Sandbox.run(random, seed: 7)
  end

  test "a clock that is given is the clock, whatever :os answers" do
    os = %{time: fn _, _ -> {:ok, 12.5} end}
    time = "import time\ntime.time()"
    assert {:ok, 12.5, ""} = Sandbox.run(time, os: os)
    assert {:ok, 1.0, ""} = Sandbox.run(time, os: os, clock: ~U[1970-01-01 00:00:01Z])
  end

  test "what is malformed is refused by name, with what is accepted, before anything runs" do
    for {opts, message} <- [
          {[timeout: 0], ~r/:timeout: got 0, accepted: a positive number of milliseconds/},
          {[timeout: 1.5], ~r/:timeout: got 1.5/},
          {[timeout: 0x1_0000_0000],
           ~r/:timeout: got 4294967296, accepted: .* at most 4294967295, or :infinity/},
          {[callback_timeout: 0x1_0000_0000], ~r/:callback_timeout: got 4294967296/},
          {[on_output: fn -> :ok end], ~r/:on_output: got .*accepted: a function of one argument/},
          {[script_name: 5], ~r/:script_name: 5/},
          {[dynamic_code: 5], ~r/:dynamic_code: 5/},
          {[max_source_bytes: -1], ~r/:max_source_bytes: -1/},
          {[clock: 5], ~r/:clock: 5/},
          {[cwd: "relative"], ~r/:cwd: "relative"/},
          {[timezone: "Nowhere/At_All"], ~r/:timezone/},
          {[timezone: "++1:00"], ~r/:timezone: "\+\+1:00"/},
          {[timezone: "+24:00"], ~r/:timezone/},
          {[timezone: "+01:00\n"], ~r/:timezone/},
          {[clock: %{~U[2024-01-01 00:00:00Z] | year: 0}], ~r/:clock: .*years 1 to 9999/},
          {[clock: %{~U[2024-01-01 00:00:00Z] | year: 10_000}], ~r/:clock/},
          {[clock: %{~U[2024-01-01 00:00:00Z] | month: 13}], ~r/:clock/},
          {[clock: %{~U[2024-01-01 00:00:00Z] | utc_offset: nil}], ~r/:clock/},
          {[clock: %{~U[2024-01-01 00:00:00Z] | microsecond: {nil, 0}}], ~r/:clock/},
          {[functions: %{"f" => &then/2, f: &then/2}], ~r/:functions: f is given twice/},
          {[functions: %{nil => &then/2}], ~r/:functions\[nil\]: got nil, accepted: a name that is an atom/},
          {[functions: %{<<255>> => &then/2}], ~r/:functions\[<<255>>\]: got <<255>>/},
          {[env: %{"A" => "1", A: "2"}], ~r/:env: A is given twice/},
          {[env: %{"A" => <<255>>}], ~r/:env\["A"\]: got <<255>>, accepted: .*UTF-8 without NUL/},
          {[env: %{"A" => "\0"}], ~r/:env\["A"\]/},
          {[env: %{"A\0" => ""}], ~r/:env\[<<65, 0>>\]/},
          {[env: %{1 => ""}], ~r/:env\[1\]: got 1/},
          {[modules: %{"m" => %{}, m: %{}}], ~r/:modules: m is given twice/},
          {[modules: %{m: %{"a" => 1, a: 2}}], ~r/:modules\[:m\]\[:a\]: got :a, accepted: each name once/},
          {[modules: %{m: %{<<255>> => 1}}], ~r/:modules\[:m\]\[<<255>>\]: got <<255>>, accepted: a name/},
          {[mounts: [{"/m"}]], ~r/one of :mounts: got \{"\/m"\}, accepted: \{virtual, :memory\}/},
          {[mounts: [{"/m", :memory} | :more]], ~r/:mounts: got .*, accepted: a list of/},
          {[seed: 1.5], ~r/:seed: 1.5/},
          {[timeout: 1, timeout: 2], ~r/:timeout is given twice/},
          {[suspend: :allowed], ~r/unknown option :suspend/},
          {:nonsense, ~r/a keyword list/}
        ] do
      # The source is no Python: compiling it would be a SyntaxError.
      assert_raise ArgumentError, message, fn -> Sandbox.run("1 +", opts) end
    end
  end
end
