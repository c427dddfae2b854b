Code.require_file("../../examples/data_analysis.exs", __DIR__)

defmodule ExMonty.Examples.DataAnalysisTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias ExMonty.Mount

  @data Path.expand("../../examples/data", __DIR__)

  test "adds up what is usable, reports what is not, and leaves the folder unchanged" do
    outcome = DataAnalysis.run(@data)

    assert outcome.result == {:ok, %{"revenue" => %{"GB" => 13.5, "US" => 61.5}, "rejected" => 2}, ""}
    assert Mount.read!(outcome.mounts, "/out/revenue.json") == ~s({"GB": 13.5, "US": 61.5})
    assert outcome.unchanged?

    assert outcome.mounts |> Mount.changes!() |> Enum.map(& &1.path) == [
             "/out/report.md",
             "/out/revenue.json"
           ]

    printed = capture_io(fn -> DataAnalysis.print(outcome) end)
    assert printed =~ "- GB: 13.50"
    assert printed =~ "- 5: ValueError: invalid literal for int() with base 10: 'two'"
    assert printed =~ "- 6: KeyError: 'c9'"
    assert printed =~ "folder: unchanged"
  end

  test "refuses to write the data, and leaves the folder unchanged" do
    outcome = DataAnalysis.run(@data, "open('/data/orders.csv', 'w')")

    assert {:error, exception} = outcome.result
    assert Exception.message(exception) =~ "Read-only file system: '/data/orders.csv'"
    assert outcome.unchanged?
    assert capture_io(fn -> DataAnalysis.print(outcome) end) =~ "the analysis failed: "
  end

  test "ends a script at the limit of the memory mount, and at that of the run" do
    assert {:error, full} = DataAnalysis.run(@data, "open('/out/big', 'w').write('x' * 100_001)").result
    assert Exception.message(full) =~ "[Errno 28] No space left on device"

    assert {:error, %{type: :memory_error}} = DataAnalysis.run(@data, "len('x' * 40_000_000)").result
  end
end
