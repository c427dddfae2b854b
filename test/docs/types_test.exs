defmodule ExMonty.Docs.TypesTest do
  use ExUnit.Case, async: true

  # The tables of docs/guides/types.md are data: each row is one test.

  @guide Path.expand("../../docs/guides/types.md", __DIR__)
  @external_resource @guide
  @imports "import datetime, decimal, pathlib\n"

  rows =
    for section <- @guide |> File.read!() |> String.split("\n## ") |> tl(),
        [title | lines] = String.split(section, "\n"),
        line <- lines,
        [_, left, right] <- [Regex.run(~r/^\| `(.+?)` \| `(.+?)` \|$/, line)],
        do: {title, left, right}

  @titles ["Out of a run, and back", "Out of a run", "Into a run, beside the above"]

  test "every table of the guide is read" do
    titles = for {title, _, _} <- unquote(Macro.escape(rows)), uniq: true, do: title
    assert titles == @titles
    assert length(unquote(Macro.escape(rows))) > 30
  end

  for {title, left, right} <- rows do
    case title do
      "Out of a run, and back" ->
        test "#{left} comes out as #{right}, and goes back" do
          expected = evaluate(unquote(right))
          assert python(unquote(left)) == expected

          comparison =
            if unquote(left) == "float('nan')", do: "given != given", else: "given == #{unquote(left)}"

          assert python("(type(given) is type(#{unquote(left)})) and (#{comparison})", %{given: expected}) ==
                   true
        end

      "Out of a run" ->
        test "#{left} comes out as #{right}" do
          value = python(unquote(left))

          case evaluate(unquote(right)) do
            %ExMonty.Exception{type: type, message: message} ->
              assert %ExMonty.Exception{type: ^type, message: ^message} = value

            expected ->
              assert value == expected
          end
        end

      "Into a run, beside the above" ->
        test "#{left} goes in as #{right}" do
          assert python("given == #{unquote(right)}", %{given: evaluate(unquote(left))}) == true
        end
    end
  end

  defp python(expression, inputs \\ %{}) do
    assert {:ok, value, ""} = ExMonty.eval(@imports <> expression, inputs: inputs)
    value
  end

  defp evaluate(elixir), do: elixir |> Code.eval_string() |> elem(0)
end
