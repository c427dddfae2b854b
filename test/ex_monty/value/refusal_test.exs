defmodule ExMonty.Value.RefusalTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, Error}

  describe "a tag" do
    @tags ~w(bytes frozenset path time timedelta timezone decimal complex named_tuple function module file_handle
             type cycle repr)

    test "is never the beginning of a Python tuple" do
      singletons = "[None, True, False, float('inf'), float('-inf'), float('nan'), ..., NotImplemented]"
      code = "[(first, 'x') for first in #{singletons} + #{inspect(@tags)}]"
      assert {:ok, tuples, ""} = ExMonty.eval(code)

      for tuple <- tuples do
        refute elem(tuple, 0) in Enum.map(@tags, &String.to_atom/1)
        assert {:ok, ^tuple, ""} = ExMonty.eval("x", inputs: %{x: tuple})
        assert {:ok, "tuple", ""} = ExMonty.eval("type(x).__name__", inputs: %{x: tuple})
      end
    end

    test "makes a tuple that value or an error" do
      for tag <- @tags,
          wrong <- [{String.to_atom(tag)}, {String.to_atom(tag), self()}, {String.to_atom(tag), 1, 2, 3, 4}] do
        assert {:error, %Error{reason: :invalid_value, message: ~s(inputs["x"]) <> _}} =
                 ExMonty.eval("x", inputs: %{x: wrong})
      end
    end

    test "of a value that only leaves is refused with the reason" do
      assert refusal({:type, "int"}) == ~S(inputs["x"]: a type object {:type, name} cannot be sent to Python)
      assert refusal({:repr, "<x>"}) =~ "only describes a value"
      assert refusal({:cycle, "[...]"}) =~ "holds itself"
    end

    test "that does not exist is a plain tuple" do
      assert {:ok, {"date", 1}, ""} = ExMonty.eval("x", inputs: %{x: {:date, 1}})
    end
  end

  describe "a refusal names the place" do
    @refusals [
      {[1, 2, 3, {:ref, :self}], "[3]: a pid cannot become a Python value"},
      {%{"a" => [{1, :self}]}, ~S(["a"][0][1]: a pid cannot become a Python value)},
      {%{a: %{5 => :self}}, "[:a][5]: a pid cannot become a Python value"},
      {%{{1, 2} => :self}, "[…]: a pid cannot become a Python value"},
      {{:named_tuple, "P", [{"x", :self}]}, ~S(["x"]: a pid cannot become a Python value)},
      {{:module, "m", %{"f" => [:self]}}, ~S(["f"][0]: a pid cannot become a Python value)}
    ]

    test "inside lists, maps and tuples" do
      for {value, expected} <- @refusals do
        assert refusal(with_pid(value)) == ~s(inputs["x"]) <> expected
      end
    end

    test "inside keys and sets, which have no index" do
      assert refusal(%{self() => 1}) == ~S(a key of inputs["x"]: a pid cannot become a Python value)

      assert refusal([%{{self()} => 1}]) ==
               ~S|(a key of inputs["x"][0])[0]: a pid cannot become a Python value|

      assert refusal(MapSet.new([self()])) ==
               ~S(an element of inputs["x"]: a pid cannot become a Python value)
    end

    test "inside the fields of a dataclass" do
      assert refusal(Dataclass.new("P", x: 1, y: [self()])) ==
               ~S(inputs["x"]["y"][0]: a pid cannot become a Python value)
    end

    test "far inside, without all the steps" do
      deep = Enum.reduce(1..100, self(), fn _, value -> [value] end)

      assert refusal(deep) ==
               ~s(inputs["x"]) <> steps(8) <> "[…]" <> steps(8) <> ": a pid cannot become a Python value"
    end

    test "for everything that Python has no value for" do
      for {value, what} <- [
            {make_ref(), "a reference"},
            {hd(Port.list()), "a port"},
            {fn -> 1 end, "a function"},
            {[1 | 2], "an improper list"},
            {<<1::3>>, "a bitstring"},
            {1..2, "a %Range{} struct"},
            {%URI{}, "a %URI{} struct"},
            {%{__struct__: :nonsense}, "a %nonsense{} struct"},
            {%{~D[2024-01-01] | month: 257}, "a %Date{}"},
            {~D[-0001-01-01], "a %Date{}"},
            {%{~T[00:00:00] | second: 60}, "a %Time{}"},
            {%{~U[2024-01-01 00:00:00Z] | utc_offset: 90_000}, "a %DateTime{}"},
            {%{~N[2024-01-01 00:00:00] | calendar: Other}, "a %NaiveDateTime{}"},
            {%ExMonty.Exception{type: :no_such_error}, "an %ExMonty.Exception{}"},
            {%{MapSet.new() | map: 5}, "a %MapSet{}"}
          ] do
        assert refusal(value) =~ ~r/^inputs\["x"\]: #{Regex.escape(what)}/
      end
    end

    test "for keys that Python cannot hash" do
      assert refusal(%{"a" => %{[1] => 2}}) ==
               ~S(a key of inputs["x"]["a"]: Python cannot hash this list, so it cannot be a key of a dict)

      assert refusal(MapSet.new([{1, %{}}])) ==
               ~S(an element of inputs["x"]: Python cannot hash this tuple, so it cannot be an element of a set)

      for value <- [
            MapSet.new(),
            %ExMonty.Exception{type: :value_error},
            {:decimal, "sNaN"},
            Dataclass.new("P", [])
          ] do
        assert refusal(%{value => 1}) =~ "Python cannot hash this"
      end
    end

    test "for keys that are one key in Python" do
      for {one, other} <- [
            {1, 1.0},
            {1, true},
            {"a", :a},
            {0.5, {:decimal, "0.50"}},
            {{:bytes, <<255>>}, <<255>>},
            {{1, 2}, {1.0, 2}},
            {{:path, "/a//b"}, {:path, "/a/b"}},
            {~U[2024-01-01 00:00:00Z], %{~U[2024-01-01 01:00:00Z] | utc_offset: 3600, time_zone: "X"}}
          ] do
        assert refusal([%{one => 1, other => 2}]) ==
                 ~S(inputs["x"][0]: two keys of this map are equal in Python, so one of them would be lost)

        assert refusal(MapSet.new([one, other])) =~ "two elements of this set are equal in Python"
      end
    end

    test "but not for keys that only look alike" do
      for {one, other} <- [
            {1, "1"},
            {"a", {:bytes, "a"}},
            {{:path, "a"}, "a"},
            {0.1, {:decimal, "0.1"}},
            {1, {1}}
          ] do
        value = %{one => 1, other => 2}
        assert {:ok, 2, ""} = ExMonty.eval("len(x)", inputs: %{x: value})
      end
    end

    test "for decimals that Python cannot read" do
      for text <- ["", "x", "1e", "--1", String.duplicate("9", 4301), "1e1000000000000000000"] do
        assert refusal({:decimal, text}) =~ "Decimal accepts"
      end

      for text <- [" 1_0.5e-3 ", "nan12", "+inf", "1e999999999999999999", String.duplicate("9", 4300)] do
        assert {:ok, {:decimal, _}, ""} = ExMonty.eval("x", inputs: %{x: {:decimal, text}})
      end
    end
  end

  defp refusal(value) do
    assert {:error, %Error{reason: :invalid_value, message: message}} = ExMonty.eval("x", inputs: %{x: value})
    message
  end

  defp steps(count), do: String.duplicate("[0]", count)

  # `:self` cannot stand for a pid in a module attribute, so it is put in here.
  defp with_pid({:ref, :self}), do: self()
  defp with_pid(:self), do: self()
  defp with_pid(list) when is_list(list), do: Enum.map(list, &with_pid/1)
  defp with_pid(map) when is_map(map), do: Map.new(map, fn {key, value} -> {key, with_pid(value)} end)

  defp with_pid(tuple) when is_tuple(tuple),
    do: tuple |> Tuple.to_list() |> Enum.map(&with_pid/1) |> List.to_tuple()

  defp with_pid(other), do: other
end
