defmodule ExMonty.Docs.LimitsAndSafetyTest do
  use ExUnit.Case, async: true

  alias ExMonty.Test.Guide

  @guide "docs/guides/limits_and_safety.md"

  test "the examples of the guide run, one after the other" do
    Guide.run(@guide)
    assert length(Guide.examples(@guide)) == 6
  end
end
