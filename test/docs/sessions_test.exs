defmodule ExMonty.Docs.SessionsTest do
  use ExUnit.Case, async: true

  alias ExMonty.Test.Guide

  @guide "docs/guides/sessions.md"

  test "the examples of the guide run, one after the other" do
    assert length(Guide.examples(@guide)) > 5
    assert Guide.run(@guide)[:session]
  end
end
