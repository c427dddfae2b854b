defmodule ExMonty.DataclassTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, Error}

  doctest ExMonty.Dataclass

  @uuid ~r/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

  describe "new/3" do
    test "keeps the order of a list of fields" do
      assert %Dataclass{
               name: "P",
               fields: %{"y" => 1, "x" => 2},
               field_names: ["y", "x"],
               origin: :host,
               frozen: false
             } = Dataclass.new(:P, y: 1, x: 2)
    end

    test "sorts the fields of a map" do
      assert Dataclass.new("P", %{"b" => 1, a: 2}).field_names == ["a", "b"]
    end

    test "gives each instance an id, and all classes of one name the same" do
      [one, other] = for _ <- 1..2, do: Dataclass.new("P", [])
      assert one.id =~ @uuid and one.type_id =~ @uuid
      assert one.id != other.id
      assert one.type_id == other.type_id
      assert one.type_id != Dataclass.new("Q", []).type_id
    end

    test "raises for what is no dataclass, naming it" do
      assert_raise ArgumentError, ~r/cannot be frozen/, fn -> Dataclass.new("P", [], frozen: true) end
      assert_raise ArgumentError, ~r/:frozen must be a boolean/, fn -> Dataclass.new("P", [], frozen: 1) end

      assert_raise ArgumentError, ~r/unknown option :colour.*:type_id, :id, :frozen/, fn ->
        Dataclass.new("P", [], colour: 1)
      end

      assert_raise ArgumentError, ~r/:type_id must be a UUID/, fn -> Dataclass.new("P", [], type_id: "x") end
      assert_raise ArgumentError, ~r/given twice: "x"/, fn -> Dataclass.new("P", [{"x", 1}, {:x, 2}]) end
      assert_raise ArgumentError, ~r/must be a string or an atom/, fn -> Dataclass.new(5, []) end
      assert_raise ArgumentError, ~r/must be a string or an atom/, fn -> Dataclass.new("P", [{1, 2}]) end
      assert_raise ArgumentError, ~r/must be a string or an atom/, fn -> Dataclass.new("P", %{{1} => 2}) end

      # What is no pair was passed over, and its field was missing.
      for fields <- [[1], [{:x, 1}, :y], [{:x, 1} | :y], [{:x, 1, 2}], %URI{}, nil, "x", 1] do
        assert_raise ArgumentError, ~r/the fields of a dataclass: got .* a list of pairs/, fn ->
          Dataclass.new("P", fields)
        end
      end
    end
  end

  describe "an instance of the host" do
    test "is a dataclass in Python" do
      point = Dataclass.new("Point", y: 1, x: [2])

      code = """
      import dataclasses
      (p.x, repr(p), type(p).__name__, dataclasses.is_dataclass(p), p == q, p == r)
      """

      assert {:ok, {[2], "Point(y=1, x=[2])", "Point", true, true, false}, ""} =
               ExMonty.eval(code,
                 inputs: %{p: point, q: %{point | id: nil}, r: Dataclass.new("Other", y: 1, x: [2])}
               )
    end

    test "comes back with its ids, its fields in order and what the script assigned" do
      point = Dataclass.new("Point", y: 1, x: 2)
      assert {:ok, ^point, ""} = ExMonty.eval("p", inputs: %{p: point})
      assert {:ok, changed, ""} = ExMonty.eval("p.x = 5\np.z = 6\np", inputs: %{p: point})
      assert changed == %{point | fields: %{"y" => 1, "x" => 5, "z" => 6}, field_names: ["y", "x", "z"]}
    end

    test "may be written as a struct, without ids" do
      assert {:ok, %Dataclass{field_names: ["a", "b"], id: id, type_id: type_id}, ""} =
               ExMonty.eval("p", inputs: %{p: %Dataclass{name: "P", fields: %{b: 1, a: 2}}})

      assert id =~ @uuid
      assert type_id == Dataclass.new("P", []).type_id
    end

    test "that is frozen raises, whatever made it" do
      assert_raise ArgumentError, ~r/inputs\["p"\]\["x"\]: a dataclass with frozen: true/, fn ->
        ExMonty.eval("p", inputs: %{p: Dataclass.new("P", x: %{Dataclass.new("Q", []) | frozen: true})})
      end
    end

    test "that is malformed is refused" do
      point = Dataclass.new("P", x: 1)

      for {wrong, why} <- [
            {%{point | name: 5}, "has no name"},
            {%{point | id: "5"}, "has an id that is no UUID"},
            {%{point | type_id: 5}, "has an id that is no UUID"},
            {%{point | origin: :moon}, "has an origin"},
            {%{point | fields: 5}, "has a field name that is no text"},
            {%{point | fields: %{1 => 2}}, "has a field name that is no text"},
            {%{point | fields: %{:x => 1, "x" => 2}}, "has a field twice"},
            {%{point | field_names: []}, "does not list"},
            {%{point | field_names: ["y"]}, "does not list"},
            {%{point | field_names: ["x" | "y"]}, "does not list"},
            {%{point | fields: %{x: 1, y: 2}, field_names: ["x", "x"]}, "does not list"},
            {Map.delete(point, :origin), "lacks a field"}
          ] do
        assert {:error, %Error{reason: :invalid_value, message: message}} =
                 ExMonty.eval("p", inputs: %{p: wrong})

        assert message =~ ~s(inputs["p"]: an %ExMonty.Dataclass{} that #{why})
      end
    end
  end

  describe "an instance of a script's class" do
    @script """
    from dataclasses import dataclass

    @dataclass
    class Point:
        x: int
        y: int

    p = Point(1, 2)
    p.x = 5
    q = f(p)
    (q is p, q.x, q)
    """

    test "leaves with its fields, and handed back is the very object" do
      {:ok, runner} = ExMonty.compile(@script)
      assert {:ok, {:function_call, %{args: [point]}, snapshot, ""}} = ExMonty.start(runner)

      assert %Dataclass{
               name: "Point",
               origin: :sandbox,
               fields: %{"x" => 5, "y" => 2},
               field_names: ["x", "y"]
             } = point

      assert {:ok, {:complete, {true, 5, ^point}, ""}} = ExMonty.resume(snapshot, {:ok, point})
    end

    test "handed to another run is an error in that script" do
      {:ok, runner} = ExMonty.compile(@script)
      assert {:ok, {:function_call, %{args: [point]}, _snapshot, ""}} = ExMonty.start(runner)
      assert {:ok, {:function_call, _call, snapshot, ""}} = ExMonty.start(runner)

      assert {:error, %ExMonty.Exception{type: :runtime_error, message: message}} =
               ExMonty.resume(snapshot, {:ok, point})

      assert message =~ "no longer exists"
    end
  end
end
