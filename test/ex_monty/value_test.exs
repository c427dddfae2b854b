defmodule ExMonty.ValueTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, ValueGenerator}

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
                 within_a_minute(fn ->
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
                 within_a_minute(fn -> ExMonty.eval("x", inputs: %{x: value}) end)

        assert message =~ ~s(inputs["x"]: the value is larger than)

        assert {:error, %Error{reason: :value_too_large}} =
                 within_a_minute(fn -> ExMonty.resume(snapshot, {:ok, value}) end)
      end

      assert {:error, %Error{reason: :invalid_value, message: message}} =
               within_a_minute(fn -> ExMonty.resume(snapshot, {:ok, [1, fn -> lists end]}) end)

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
    names = for n <- 0..6, do: "n#{System.unique_integer([:positive])}x#{n}"
    [class, field, function, name, tuple, item, key] = names

    code = """
    from collections import namedtuple
    class #{class}:
        def __init__(self):
            self.#{field} = 1
    def #{function}(): pass
    [#{name}] if False else [#{class}(), #{function}, namedtuple('#{tuple}', '#{item}')(1), {'#{key}': b''}]
    """

    assert {:ok, value, ""} = ExMonty.eval(code)
    for there <- [class, function, tuple, item, key], do: assert(inspect(value) =~ there)
    for name <- names, do: assert_raise(ArgumentError, fn -> String.to_existing_atom(name) end)
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

  defp within_a_minute(fun) do
    {micros, result} = :timer.tc(fun)
    assert micros < 60_000_000
    result
  end
end
