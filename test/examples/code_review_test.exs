Code.require_file("../../examples/code_review.exs", __DIR__)

defmodule ExMonty.Examples.CodeReviewTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias ExMonty.Mount

  @project Path.expand("../..", __DIR__)

  setup_all do
    %{outcome: CodeReview.run(@project)}
  end

  test "reads the sources, writes both reports, and leaves the tree as it was", %{outcome: outcome} do
    assert {:ok, files, ""} = outcome.result
    assert files > 50
    assert outcome.untouched?

    report = Mount.read!(outcome.mounts, "/scratch/report.md")
    assert report =~ "| Rust |"
    assert report =~ "| Elixir |"
    assert report =~ ~r{lines: `\w+` at /src/crates/}

    json = Mount.read!(outcome.mounts, "/scratch/report.json")
    assert json =~ ~s("languages")
  end

  test "reports both refusals with CPython's words", %{outcome: outcome} do
    report = Mount.read!(outcome.mounts, "/scratch/report.md")
    assert report =~ "PermissionError: [Errno 30] Read-only file system: '/src/README.md'"
    assert report =~ "PermissionError: Permission denied: '/etc/passwd'"
    refute report =~ "NOT REFUSED"
  end

  test "asks Elixir three times, and answers hundreds of file calls in Rust", %{outcome: outcome} do
    assert outcome.calls_in_elixir == 3
    assert outcome.calls_in_rust > 100
  end

  # Driven by hand, so that every pause is seen: nothing that a mount covers may be among them.
  test "no covered file call is ever a pause" do
    mounts = CodeReview.mounts(@project)
    {:ok, lease} = Mount.checkout(mounts)
    {:ok, runner} = ExMonty.compile(CodeReview.script())
    pauses = runner |> ExMonty.start_with_mounts(lease) |> pauses(lease, [])

    assert Enum.frequencies(pauses) == %{
             {:function, "ask_reviewer"} => 3,
             {:os, :open, "/etc/passwd"} => 1
           }
  end

  defp pauses({:ok, {:complete, _value, _output}}, _lease, seen), do: seen

  defp pauses({:ok, {:function_call, call, snapshot, _output}}, lease, seen) do
    snapshot
    |> ExMonty.resume_with_mounts({:ok, "fine"}, lease)
    |> pauses(lease, [{:function, call.name} | seen])
  end

  defp pauses({:ok, {:os_call, call, snapshot, _output}}, lease, seen) do
    [{:path, path} | _] = call.args

    snapshot
    |> ExMonty.resume_with_mounts(:no_handler, lease)
    |> pauses(lease, [{:os, call.function, path} | seen])
  end

  test "prints the report and the figures", %{outcome: outcome} do
    printed = capture_io(fn -> CodeReview.print(outcome) end)
    assert printed =~ "# Code review"
    assert printed =~ "calls that reached Elixir      3"
    assert printed =~ "untouched"
  end
end
