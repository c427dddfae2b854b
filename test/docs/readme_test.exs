defmodule ExMonty.Docs.ReadmeTest do
  use ExUnit.Case, async: true

  alias ExMonty.Test.Guide

  test "the example of the first screen runs" do
    binding = Guide.run("README.md")
    assert binding[:report] =~ ~r/^# \w+\.ex\n\n.* could be shorter\.$/
  end
end
