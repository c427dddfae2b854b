defmodule ExMonty.Docs.SessionsTest do
  use ExUnit.Case, async: true

  @guide Path.expand("../../docs/guides/sessions.md", __DIR__)
  @external_resource @guide

  test "the examples of the guide run, one after the other" do
    examples = Regex.scan(~r/^```elixir\n(.*?)^```$/ms, File.read!(@guide), capture: :all_but_first)
    assert length(examples) > 5
    code = examples |> List.flatten() |> Enum.join("\n")
    {_value, binding} = Code.eval_string(code, [], file: @guide)
    assert binding[:session]
  end
end
