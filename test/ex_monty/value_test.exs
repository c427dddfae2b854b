defmodule ExMonty.ValueTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, Error, Value, ValueGenerator}

  doctest ExMonty.Value

  # Python's value beside Elixir's, for each row of the table: out, and in again.
  @rows [
    {"None", nil},
    {"[True, False]", [true, false]},
    {"[0, -1, 2**62, 2**63, -2**63, 2**64, -2**64, 10**400]",
     [0, -1, 2 ** 62, 2 ** 63, -(2 ** 63), 2 ** 64, -(2 ** 64), 10 ** 400]},
    {"[1.5, -0.0, 1e300]", [1.5, -0.0, 1.0e300]},
    {"[float('inf'), float('-inf')]", [:infinity, :neg_infinity]},
    {"'ünï'", "ünï"},
    {"[b'', b'a', b'\\xff']", [{:bytes, ""}, {:bytes, "a"}, {:bytes, <<255>>}]},
    {"[[], [1, ['a']]]", [[], [1, ["a"]]]},
    {"[(), (1, (2,))]", [{}, {1, {2}}]},
    {"{'a': 1, 2: {}, (3, 'b'): None}", %{"a" => 1, 2 => %{}, {3, "b"} => nil}},
    {"{1, 'a', (2,)}", MapSet.new([1, "a", {2}])},
    {"frozenset({1, frozenset()})", {:frozenset, MapSet.new([1, {:frozenset, MapSet.new()}])}},
    {"[..., NotImplemented]", [:ellipsis, :not_implemented]},
    {"Path('/a/b')", {:path, "/a/b"}},
    {"date(2024, 2, 29)", ~D[2024-02-29]},
    {"time(1, 2, 3, 4)", ~T[01:02:03.000004]},
    {"datetime(2024, 2, 29, 23, 59, 59, 999999)", ~N[2024-02-29 23:59:59.999999]},
    {"datetime(2024, 2, 29, 1, 2, 3, tzinfo=timezone.utc)", ~U[2024-02-29 01:02:03.000000Z]},
    {"timedelta(days=-1, seconds=5, microseconds=7)", {:timedelta, %{days: -1, seconds: 5, microseconds: 7}}},
    {"timezone(timedelta(hours=1), 'CET')", {:timezone, %{offset_seconds: 3600, name: "CET"}}},
    {"timezone.utc", {:timezone, %{offset_seconds: 0, name: nil}}},
    {"time(1, 2, tzinfo=timezone(timedelta(hours=-1)))", {:time, ~T[01:02:00.000000], -3600, nil}},
    {"[Decimal('1.20'), Decimal('-Infinity')]", [{:decimal, "1.20"}, {:decimal, "-Infinity"}]},
    {"[1+2j, complex(0, float('inf'))]", [{:complex, 1.0, 2.0}, {:complex, 0.0, :infinity}]}
  ]

  @imports """
  from datetime import date, datetime, time, timedelta, timezone
  from decimal import Decimal
  from pathlib import Path
  """

  describe "a row of the table" do
    for {python, elixir} <- @rows do
      test "#{python} leaves and comes back as what it is" do
        value = unquote(Macro.escape(elixir))
        assert {:ok, ^value, ""} = ExMonty.eval(@imports <> unquote(python))
        assert {:ok, true, ""} = ExMonty.eval(@imports <> "x == " <> unquote(python), inputs: %{x: value})

        assert {:ok, true, ""} =
                 ExMonty.eval(@imports <> "type(x) is type(#{unquote(python)})", inputs: %{x: value})
      end
    end

    test "nan leaves and comes back" do
      assert {:ok, [:nan, true], ""} = ExMonty.eval("[float('nan'), x != x]", inputs: %{x: :nan})
    end

    test "a set equals the set that Elixir would make" do
      assert {:ok, set, ""} = ExMonty.eval("{1, 2}")
      assert set == MapSet.new([1, 2])
      assert MapSet.member?(set, 2)
    end

    test "a named tuple leaves with its fields in order" do
      code = """
      from collections import namedtuple
      Point = namedtuple('Point', 'y x')
      Point(1, [2])
      """

      assert {:ok, {:named_tuple, "Point", [{"y", 1}, {"x", [2]}]} = point, ""} = ExMonty.eval(code)
      assert {:ok, [1, [2], 2], ""} = ExMonty.eval("[p.y, p.x, len(p)]", inputs: %{p: point})
    end

    test "types and classes leave by name" do
      assert {:ok, [{:type, "int"}, {:type, "ValueError"}, {:type, "C"}], ""} =
               ExMonty.eval("class C: pass\n[int, ValueError, C]")
    end

    test "what has no form of its own leaves as its repr" do
      assert {:ok, [{:repr, "range(0, 3)"}, {:repr, "<built-in function len>"}], ""} =
               ExMonty.eval("[range(3), len]")
    end

    test "a container inside itself leaves as a mark" do
      assert {:ok, [1, {:cycle, "[...]"}], ""} = ExMonty.eval("x = [1]\nx.append(x)\nx")
      assert {:ok, %{"self" => {:cycle, "{...}"}}, ""} = ExMonty.eval("x = {}\nx['self'] = x\nx")
    end

    test "a module's attributes are those of the host" do
      module = {:module, "shop", %{"price" => 3, "sell" => {:function, "shop.sell"}}}
      assert {:ok, 3, ""} = ExMonty.eval("m.price", inputs: %{m: module})
      assert {:ok, ^module, ""} = ExMonty.eval("m", inputs: %{m: module})
    end

    test "an open file keeps path, mode and position" do
      handle = {:file_handle, %{path: "/a.txt", mode: "rb", position: 7}}
      assert {:ok, ^handle, ""} = ExMonty.eval("f", inputs: %{f: handle})
      assert {:ok, 7, ""} = ExMonty.eval("f.tell()", inputs: %{f: handle})
    end
  end

  describe "what is also accepted" do
    test "atoms are strings, as values and as keys" do
      assert {:ok, "abc", ""} = ExMonty.eval("x", inputs: %{x: :abc})
      assert {:ok, "日本", ""} = ExMonty.eval("x", inputs: %{x: :日本})
      assert {:ok, "Elixir.String", ""} = ExMonty.eval("x", inputs: %{x: String})
      assert {:ok, 1, ""} = ExMonty.eval("x['a']", inputs: %{x: %{a: 1}})
    end

    test "a keyword list is a list of pairs" do
      assert {:ok, [{"a", 1}, {"b", 2}], ""} = ExMonty.eval("x", inputs: %{x: [a: 1, b: 2]})
    end

    test "a binary that is not UTF-8 is bytes" do
      assert {:ok, {:bytes, <<255, 0>>}, ""} = ExMonty.eval("x", inputs: %{x: <<255, 0>>})
    end

    test "a DateTime of any zone comes in with the offset it has" do
      berlin = %DateTime{
        year: 2024,
        month: 7,
        day: 1,
        hour: 12,
        minute: 0,
        second: 0,
        microsecond: {5, 1},
        time_zone: "Europe/Berlin",
        zone_abbr: "CEST",
        utc_offset: 3600,
        std_offset: 3600
      }

      assert {:ok, {7200.0, "Europe/Berlin", back}, ""} =
               ExMonty.eval("(x.utcoffset().total_seconds(), x.tzname(), x)", inputs: %{x: berlin})

      assert DateTime.compare(berlin, back) == :eq
      assert back.time_zone == "Europe/Berlin"
    end

    test "an offset without a name is called what Python calls it, and comes back without a name" do
      code = @imports <> "datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))"
      assert {:ok, %DateTime{time_zone: "UTC-03:30", utc_offset: -12_600} = at, ""} = ExMonty.eval(code)
      assert {:ok, "UTC-03:30", ""} = ExMonty.eval("x.tzname()", inputs: %{x: at})

      assert {:ok, "datetime.datetime(2024, 1, 1, 0, 0, tzinfo=datetime.timezone(" <> rest, ""} =
               ExMonty.eval("repr(x)", inputs: %{x: at})

      refute rest =~ "UTC"
    end

    test "a timedelta need not be normalised" do
      delta = {:timedelta, %{days: 0, seconds: -1, microseconds: 2_000_001}}

      assert {:ok, {:timedelta, %{days: 0, seconds: 1, microseconds: 1}}, ""} =
               ExMonty.eval("x", inputs: %{x: delta})
    end

    test "numbers of a complex may be integers" do
      assert {:ok, {:complex, 1.0, -2.0}, ""} = ExMonty.eval("x", inputs: %{x: {:complex, 1, -2}})
    end
  end

  test "every value comes back as it went" do
    :rand.seed(:exsss, 20_240_229)

    for _ <- 1..400 do
      value = ValueGenerator.value()
      assert {:ok, back, ""} = ExMonty.eval("x", inputs: %{x: value})
      assert back == value
    end
  end

  test "every value can be made JSON of" do
    :rand.seed(:exsss, 20_240_301)
    for _ <- 1..400, do: assert(json?(Value.to_json_safe(ValueGenerator.value())))
  end

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

  describe "bounds" do
    test "a value may be 200 deep, in and out" do
      code = "x = []\nfor _ in range(n - 1):\n    x = [x]\nx"
      deep = Enum.reduce(1..199, [], fn _, value -> [value] end)

      assert {:ok, ^deep, ""} = ExMonty.eval(code, inputs: %{n: 200})
      assert {:ok, ^deep, ""} = ExMonty.eval("x", inputs: %{x: deep})

      for {code, inputs} <- [{code, %{n: 201}}, {code, %{n: 5000}}, {"x", %{x: [deep]}}] do
        assert {:error, %Error{reason: :value_too_deep, message: message}} =
                 ExMonty.eval(code, inputs: inputs)

        assert message =~ "nested more than 200 deep"
      end
    end

    test "a shared graph that would explode is refused at once" do
      for limits <- [%{}, %{max_memory: 64_000_000}, %{max_memory: :unlimited}] do
        assert {:error, %Error{reason: :value_too_large}} =
                 within_seconds(fn ->
                   ExMonty.eval("x = []\nfor _ in range(60):\n    x = [x, x]\nx", limits: limits)
                 end)
      end
    end

    test "a term that would explode is refused at once, as an input and as a result" do
      lists = Enum.reduce(1..60, [], fn _, value -> [value, value] end)
      tails = Enum.reduce(1..60, [], fn _, value -> [value | value] end)
      maps = Enum.reduce(1..60, %{}, fn _, value -> %{"a" => value, "b" => value} end)
      {:ok, runner} = ExMonty.compile("f()")
      {:ok, {:function_call, _call, snapshot, ""}} = ExMonty.start(runner)

      for value <- [lists, tails, maps] do
        assert {:error, %Error{reason: :value_too_large, message: message}} =
                 within_seconds(fn -> ExMonty.eval("x", inputs: %{x: value}) end)

        assert message =~ ~s(inputs["x"]: the value is larger than)

        assert {:error, %Error{reason: :value_too_large}} =
                 within_seconds(fn -> ExMonty.resume(snapshot, {:ok, value}) end)
      end

      assert {:error, %Error{reason: :invalid_value, message: message}} =
               within_seconds(fn -> ExMonty.resume(snapshot, {:ok, [1, fn -> lists end]}) end)

      assert message == "result[1]: a function of Elixir cannot become a Python value"
      assert {:ok, {:complete, 1, ""}} = ExMonty.resume(snapshot, {:ok, 1})
    end

    test "what is shared and small stays shared" do
      code = "big = 'x' * 100_000\n[big] * 50"
      assert {:ok, [first | rest], ""} = ExMonty.eval(code)
      assert Enum.all?(rest, &(&1 == first))
      code = "x = ['a' * 40, 'b']\nfor _ in range(12):\n    x = [x, x]\nx"
      assert {:ok, value, ""} = ExMonty.eval(code)
      assert :erts_debug.size(value) * 20 < :erts_debug.flat_size(value)
    end

    test "a value is measured against the memory of its run" do
      for {code, inputs} <- [{"'x' * 3_000_000", %{}}, {"x", %{x: String.duplicate("x", 3_000_000)}}] do
        assert {:ok, _value, ""} = ExMonty.eval(code, inputs: inputs)
        assert {:error, error} = ExMonty.eval(code, inputs: inputs, limits: %{max_memory: 2_000_000})
        assert match?(%Error{reason: :value_too_large}, error) or match?(%{type: :memory_error}, error)
      end
    end

    test "an integer beyond the VM's bound is refused" do
      assert {:error, %Error{reason: :invalid_value, message: message}} = ExMonty.eval("1 << 1_000_000_000")
      assert message =~ "bits is more than the VM can hold"
    end

    test "two keys that would be one in Elixir are refused" do
      code = "def f():\n    class A: pass\n    return A\n"

      assert {:error, %Error{reason: :invalid_value, message: message}} =
               ExMonty.eval(code <> "{f(): 1, f(): 2}")

      assert message =~ "two keys that would be the same Elixir key"

      assert {:error, %Error{reason: :invalid_value}} = ExMonty.eval(code <> "{f(), f()}")
    end
  end

  test "what comes out makes no atoms" do
    unique = fn -> "n#{System.unique_integer([:positive])}x" end

    code = fn ->
      """
      from collections import namedtuple
      class #{unique.()}:
          def __init__(self):
              self.#{unique.()} = 1
      def #{unique.()}(): pass
      [#{unique.()}] if False else [namedtuple('#{unique.()}', '#{unique.()}')(1), {'#{unique.()}': b''}]
      """
    end

    assert {:ok, _value, ""} = ExMonty.eval(code.())
    codes = for _ <- 1..20, do: code.()
    before = :erlang.system_info(:atom_count)
    for code <- codes, do: assert({:ok, _value, ""} = ExMonty.eval(code))
    # Other tests run beside this one, and may load a module.
    assert :erlang.system_info(:atom_count) - before < 80
  end

  test "two places of an input never become one Python list" do
    row = ["a"]

    assert {:ok, [["a", "b"], ["a"], ["a"]], ""} =
             ExMonty.eval("rows[0].append('b')\nrows", inputs: %{rows: List.duplicate(row, 3)})
  end

  test "a long binary is taken over once" do
    long = String.duplicate("a", 1000)
    assert {:ok, true, ""} = ExMonty.eval("x[0] is x[1]", inputs: %{x: [long, long]})
  end

  describe "to_json_safe/1" do
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
      for value <- [self(), fn -> 1 end, %URI{}, :other] do
        assert_raise ArgumentError, ~r/no value that a run can have/, fn -> Value.to_json_safe(value) end
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

  defp within_seconds(fun) do
    {micros, result} = :timer.tc(fun)
    assert micros < 5_000_000
    result
  end

  defp json?(value) when value in [nil, true, false] or is_number(value), do: true
  defp json?(text) when is_binary(text), do: String.valid?(text)
  defp json?(list) when is_list(list), do: Enum.all?(list, &json?/1)

  defp json?(%{} = map) when not is_struct(map) do
    Enum.all?(map, fn {key, value} -> is_binary(key) and String.valid?(key) and json?(value) end)
  end

  defp json?(_other), do: false
end
