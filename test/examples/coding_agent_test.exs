Code.require_file("../../examples/coding_agent.exs", __DIR__)

defmodule ExMonty.Examples.CodingAgentTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  alias ExMonty.Test.HostDirectory

  @project Path.expand("../..", __DIR__)

  test "finds, tries, shows, asks across a restart, and commits what was decided" do
    outcome = CodingAgent.run(@project, HostDirectory.create!())

    # The renamed guide is linked from the README and from elsewhere.
    assert outcome.found >= 2
    assert outcome.printed =~ "/project/README.md: docs/guides/mounts.md"

    assert [in_place, everywhere] = outcome.tried
    assert in_place.broken > everywhere.broken
    assert outcome.kept == "agent-everywhere"

    assert outcome.diff =~ "-| [docs/guides/mounts.md](docs/guides/mounts.md)"
    assert outcome.diff =~ "(docs/guides/mount_tables.md)"
    assert outcome.question =~ "broken links are left. May I commit?"
    assert outcome.untouched?

    assert "/project/README.md" in outcome.written
    assert length(outcome.written) == everywhere.changed
    assert outcome.left == everywhere.broken
    assert outcome.files["README.md"] =~ "(docs/guides/mount_tables.md)"
    refute Map.values(outcome.files) |> Enum.any?(&(&1 =~ "guides/mounts.md)"))

    printed = capture_io(fn -> CodingAgent.print(outcome) end)
    assert printed =~ "agent-everywhere goes on:"
    assert printed =~ "untouched"
  end
end
