defmodule ExMonty.Value.JSONTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, Value, ValueGenerator}

  @json [
    {nil, nil},
    {12, 12},
    {1.5, 1.5},
    {[:infinity, :neg_infinity, :nan], ["inf", "-inf", "nan"]},
    {[:ellipsis, :not_implemented], ["Ellipsis", "NotImplemented"]},
    {{:bytes, <<255>>}, "/w=="},
    {{1, {2, "a"}}, [1, [2, "a"]]},
    {MapSet.new([3, 1, 2]), [1, 2, 3]},
    {{:frozenset, MapSet.new(["b", "a"])}, ["a", "b"]},
    {%{1 => 2, nil => 3, {1, "x"} => 4}, %{"1" => 2, "null" => 3, "[1,\"x\"]" => 4}},
    {%{1 => "int", "1" => "str"}, [[1, "int"], ["1", "str"]]},
    {{:path, "/a"}, "/a"},
    {~D[2024-02-29], "2024-02-29"},
    {~T[01:02:03.000004], "01:02:03.000004"},
    {~N[2024-02-29 01:02:03], "2024-02-29T01:02:03"},
    {~U[2024-02-29 01:02:03Z], "2024-02-29T01:02:03Z"},
    {{:time, ~T[01:02:03], -12_630, "X"}, "01:02:03-03:30:30"},
    {{:timedelta, %{days: -1, seconds: 1, microseconds: 0}}, -86_399},
    {{:timedelta, %{days: 0, seconds: 1, microseconds: 500_000}}, 1.5},
    {{:timezone, %{offset_seconds: 7200, name: nil}}, "UTC+02:00"},
    {{:timezone, %{offset_seconds: 3600, name: "CET"}}, "CET"},
    {{:decimal, "1.20"}, "1.20"},
    {[{:complex, 1.0, 2.0}, {:complex, :nan, -1.0}, {:complex, 0.0, :infinity}],
     ["1.0+2.0j", "nan-1.0j", "0.0+infj"]},
    {{:named_tuple, "P", [{"x", {1}}]}, %{"x" => [1]}},
    {%Dataclass{name: "P", fields: %{"x" => {:bytes, "a"}}, field_names: ["x"]}, %{"x" => "YQ=="}},
    {%ExMonty.Exception{type: :value_error, message: "bad"}, %{"type" => "ValueError", "message" => "bad"}},
    {{:function, "f"}, "<function 'f'>"},
    {{:module, "m", %{"a" => 1}}, "<module 'm'>"},
    {{:file_handle, %{path: "/a", mode: "r", position: 0}},
     %{"path" => "/a", "mode" => "r", "position" => 0}},
    {{:type, "int"}, "<class 'int'>"},
    {{:repr, "<x>"}, "<x>"},
    {{:cycle, "[...]"}, "[...]"}
  ]

  test "makes plain types of every row of its table" do
    for {value, json} <- @json do
      assert Value.to_json_safe(value) === json
      assert Value.to_json_safe([value]) === [json]
    end
  end

  test "raises for what no run can answer" do
    for value <- [self(), fn -> 1 end, %URI{}, :other, [1 | 2], %{"a" => ["b" | nil]}, {:named_tuple, "P", 5}] do
      assert_raise ArgumentError, ~r/no value that a run can have/, fn -> Value.to_json_safe(value) end
    end
  end

  test "every value can be made JSON of" do
    :rand.seed(:exsss, 20_240_301)
    for _ <- 1..400, do: assert(json?(Value.to_json_safe(ValueGenerator.value())))
  end

  defp json?(value) when value in [nil, true, false] or is_number(value), do: true
  defp json?(text) when is_binary(text), do: String.valid?(text)
  defp json?(list) when is_list(list), do: Enum.all?(list, &json?/1)

  defp json?(%{} = map) when not is_struct(map) do
    Enum.all?(map, fn {key, value} -> is_binary(key) and String.valid?(key) and json?(value) end)
  end

  defp json?(_other), do: false
end
