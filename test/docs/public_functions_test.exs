defmodule ExMonty.Docs.PublicFunctionsTest do
  use ExUnit.Case, async: true

  # What is public is documented and has its types, and every example in the documentation is run by a doctest.

  @application Mix.Project.config()[:app]

  defp modules do
    {:ok, modules} = :application.get_key(@application, :modules)
    for module <- modules, documented?(module), do: module
  end

  # The support of these tests is compiled with the library, and has no documentation.
  defp documented?(module) do
    match?({:docs_v1, _, :elixir, _, %{"en" => _}, _, _}, Code.fetch_docs(module))
  end

  defp functions(module) do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)

    for {{kind, name, arity}, _, _, doc, _} <- docs, kind in [:function, :macro, :callback, :macrocallback] do
      {kind, name, arity, doc}
    end
  end

  test "there are such modules" do
    assert ExMonty in modules() and ExMonty.Mount in modules()
    refute ExMonty.Native in modules()
  end

  test "every public function and callback of a documented module has a documentation" do
    bare =
      for module <- modules(),
          {kind, name, arity, :none} <- functions(module),
          do: {module, kind, name, arity}

    assert bare == []
  end

  test "every documented function has a spec" do
    missing =
      for module <- modules(),
          {:ok, specs} = Code.Typespec.fetch_specs(module),
          {:function, name, arity, %{"en" => _}} <- functions(module),
          not List.keymember?(specs, {name, arity}, 0),
          do: {module, name, arity}

    assert missing == []
  end

  test "every module with an example has its doctest" do
    tested =
      for file <- Path.wildcard("test/**/*_test.exs"),
          [_, module] <- Regex.scan(~r/^\s*doctest\(?\s*([\w.]+)/m, File.read!(file)),
          do: module |> String.split(".") |> List.last()

    for module <- modules(), example?(module) do
      name = module |> Module.split() |> List.last()
      assert name in tested, "no test has `doctest #{inspect(module)}`"
    end
  end

  defp example?(module) do
    {:docs_v1, _, _, _, moduledoc, _, _} = Code.fetch_docs(module)
    texts = [moduledoc | for({_, _, _, doc} <- functions(module), do: doc)]
    Enum.any?(texts, &(is_map(&1) and &1["en"] =~ "iex>"))
  end
end
