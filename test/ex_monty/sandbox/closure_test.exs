defmodule ExMonty.Sandbox.ClosureTest do
  use ExUnit.Case, async: true

  alias ExMonty.Sandbox

  # What a function captures is copied to the process that functions run in when a run begins, and not when one is
  # called: each call finds the very term that the one before found.

  defp captured(functions, code) do
    test = self()
    large = Enum.to_list(1..1_000)

    look = fn _args, _kwargs ->
      before = Process.put(:captured, large)
      send(test, {:looked, self(), before && :erts_debug.same(before, large)})
      {:ok, nil}
    end

    assert {:ok, _, ""} = Sandbox.run(code, functions.(look))
    looks = for {:looked, pid, same} <- received(), do: {pid, same}
    assert looks |> Enum.map(&elem(&1, 0)) |> Enum.uniq() |> length() == 1
    Enum.map(looks, &elem(&1, 1))
  end

  defp received do
    receive do
      {:looked, _, _} = looked -> [looked | received()]
    after
      0 -> []
    end
  end

  test "is copied once for all calls of a function" do
    assert captured(&[functions: %{"look" => &1}], "for _ in range(5):\n    look()") == [
             nil,
             true,
             true,
             true,
             true
           ]
  end

  test "is copied once for functions of modules and OS calls, too" do
    options = &[modules: %{"m" => %{"look" => &1}}]
    assert captured(options, "import m\nm.look()\nm.look()") == [nil, true]
    options = &[os: %{getenv: &1}]
    assert captured(options, "import os\nos.getenv('A')\nos.getenv('B')") == [nil, true]
  end
end
