defmodule ExMonty.Docs.MountsTest do
  use ExUnit.Case, async: true

  alias ExMonty.Test.{Guide, HostDirectory}

  @guide "docs/guides/mounts.md"

  test "the examples of the guide run, one after the other" do
    repo =
      HostDirectory.create!(%{
        ".env" => "KEY=1",
        "lib/a.ex" => "1",
        "mix.lock" => "%{}",
        "secrets/key" => "1",
        "vendor/a.js" => "1"
      })

    binding = Guide.run(@guide, repo: repo)
    assert binding[:committed] == ["/repo/lib/new.ex"]
    assert length(Guide.examples(@guide)) == 9
  end
end
