defmodule ExMonty.Test.Guide do
  @moduledoc false

  # The examples of a guide, run one after the other, in the directory of the project. What one binds, the next one has.
  # An example asserts with what it matches, as `{:ok, 42, ""} = …` does.

  @doc "The examples of a guide in Elixir, each with the line it begins at."
  @spec examples(Path.t()) :: [{code :: String.t(), line :: pos_integer}]
  def examples(guide) do
    guide
    |> File.read!()
    |> String.split("\n")
    |> Enum.with_index(1)
    |> Enum.chunk_while(nil, &gather/2, &{:cont, &1})
  end

  defp gather({"```elixir", line}, nil), do: {:cont, {[], line + 1}}

  defp gather({"```", _line}, {lines, first}),
    do: {:cont, {lines |> Enum.reverse() |> Enum.join("\n"), first}, nil}

  defp gather({text, _line}, {lines, first}), do: {:cont, {[text | lines], first}}
  defp gather({_prose, _line}, nil), do: {:cont, nil}

  @doc "Runs the examples of a guide with these variables, and gives those that there are in the end."
  @spec run(Path.t(), keyword) :: keyword
  def run(guide, binding \\ []) do
    {binding, _env} =
      for example <- examples(guide), reduce: {binding, Code.env_for_eval(file: guide)} do
        state -> evaluate(example, guide, state)
      end

    binding
  end

  defp evaluate({code, line}, guide, {binding, env}) do
    quoted = Code.string_to_quoted!(code, file: guide, line: line)
    {_value, binding, env} = Code.eval_quoted_with_env(quoted, binding, env)
    {binding, env}
  rescue
    error ->
      message = "the example at #{guide}:#{line} fails: #{Exception.message(error)}"
      reraise ExUnit.AssertionError, [message: message], __STACKTRACE__
  end
end
