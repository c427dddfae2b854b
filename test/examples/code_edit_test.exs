Code.require_file("../../examples/code_edit.exs", __DIR__)

defmodule ExMonty.Examples.CodeEditTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias ExMonty.Test.HostDirectory

  @project Path.expand("../..", __DIR__)
  @header "# SPDX-License-Identifier: MIT\n\n"
  @sources ~w(error os_call stack_frame) |> Enum.map(&"lib/ex_monty/#{&1}.ex")

  setup_all do
    %{outcome: CodeEdit.run(@project, HostDirectory.create!())}
  end

  test "shows what the script changed, while the directory is untouched", %{outcome: outcome} do
    edited = Enum.map(@sources, &"/repo/#{&1}") ++ ["/repo/mix.exs"]
    assert Enum.map(outcome.changes, &{&1.kind, &1.path}) == Enum.map(edited, &{:modified, &1})
    assert outcome.diff =~ "--- /repo/lib/ex_monty/os_call.ex"
    assert outcome.diff =~ "+# SPDX-License-Identifier: MIT"
    assert outcome.diff =~ ~s(+  @version "9.9.9")
    assert outcome.untouched?
  end

  test "refuses one change by a rule, and leaves another out of the commit", %{outcome: outcome} do
    assert outcome.refused =~ "PermissionError: "
    assert outcome.refused =~ "/repo/LICENSE"
    assert outcome.report.skipped == [{"/repo/mix.exs", :not_selected}]
    assert Enum.map(outcome.left, & &1.path) == ["/repo/mix.exs"]
    for file <- ~w(LICENSE mix.exs), do: assert(outcome.files[file] == outcome.before[file])
  end

  test "writes nothing at all where the host has changed one file", %{outcome: outcome} do
    assert outcome.conflicts == [{"/repo/lib/ex_monty/error.ex", :drifted}]
    assert outcome.nothing_written?
  end

  test "commits what the plan said, with the host's own change in it", %{outcome: outcome} do
    assert outcome.report == outcome.plan
    assert outcome.report.written == Enum.map(@sources, &"/repo/#{&1}")
    assert [error | others] = @sources
    for file <- others, do: assert(outcome.files[file] == @header <> outcome.before[file])
    assert outcome.files[error] == @header <> outcome.before[error] <> "\n# A colleague was here.\n"
  end

  test "prints the review, the conflict and the report", %{outcome: outcome} do
    printed = capture_io(fn -> CodeEdit.print(outcome) end)
    assert printed =~ "conflict: /repo/lib/ex_monty/error.ex (drifted)"
    assert printed =~ "the commit: skips /repo/mix.exs (not_selected)"
    assert printed =~ "still in the overlay: /repo/mix.exs"
    refute printed =~ "CHANGED"
  end
end
