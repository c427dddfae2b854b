defmodule ExMonty.EngineBenchTest do
  use ExUnit.Case, async: false

  test "the benchmark of the engine runs, with a figure and a baseline in every row" do
    arguments = ["run", "--no-compile", "bench/engine.exs", "--quick"]
    assert {table, 0} = System.cmd("mix", arguments, env: [{"MIX_ENV", "test"}], stderr_to_stdout: true)
    ["| work |" <> _, "|---|" <> _ | rows] = String.split(table, "\n", trim: true)

    for row <- rows do
      figure = "[\\d.e-]+ (µs|ms)"
      assert row =~ ~r/^\| .+ \| #{figure} \| .+ \| #{figure} \| [\d.]+× the time \|$/u
    end

    for kind <- ["start", "file call", "host function", "conversion", "starvation", "ping"] do
      assert Enum.any?(rows, &String.starts_with?(&1, "| #{kind}: ")), kind
    end
  end
end
