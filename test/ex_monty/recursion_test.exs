defmodule ExMonty.RecursionTest do
  # Each row recurses in one way to the largest depth that is accepted, and has to end in a Python exception or in a
  # value. `bench/stack.exs` tells how much of the stack each of them takes.
  use ExUnit.Case, async: true

  alias ExMonty.Exception

  @limits %{max_recursion_depth: 10_000, max_memory: :unlimited, max_duration_secs: 120}

  defp run(code), do: ExMonty.eval(code, limits: @limits)

  defp method(method), do: "class A:\n    def #{method}\n"

  @functions [
    {"a function", "def f():\n    return f()", "f()"},
    {"a function in a comprehension", "def f():\n    return [f() for _ in [1]]", "f()"},
    {"a function in a generator", "def f():\n    return list(f() for _ in [1])", "f()"},
    {"a function as a sort key", "def f(x):\n    return sorted([2, 1], key=f)", "f(1)"},
    {"a function as the key of a maximum", "def f(x):\n    return max([1, 2], key=f)", "f(1)"},
    {"a function that is mapped", "def f(x):\n    return list(map(f, [x]))", "f(1)"},
    {"a function that filters", "def f(x):\n    return list(filter(f, [x]))", "f(1)"},
    {"a function that reduces", "import functools\ndef f(x, y):\n    return functools.reduce(f, [x, y])",
     "f(1, 2)"}
  ]

  for {name, definition, call} <- @functions do
    test "#{name} recurses as deep as it may, and no deeper" do
      assert {:error, %Exception{type: :recursion_error}} = run(unquote(definition) <> "\n" <> unquote(call))
    end
  end

  @methods [
    {"f(self): return self.f()", "A().f()"},
    {"__init__(self): A()", "A()"},
    {"__eq__(self, o): return self == o", "A() == A()"},
    {"__eq__(self, o): return [self] == [o]", "A() == A()"},
    {"__hash__(self): return hash((self,))", "hash(A())"},
    {"__repr__(self): return repr(self)", "repr(A())"},
    {"__contains__(self, x): return x in self", "1 in A()"},
    {"__add__(self, o): return self + o", "A() + 1"},
    {"__getitem__(self, i): return self[i]", "A()[1]"},
    {"__iter__(self): return iter(self)", "list(A())"},
    {"__call__(self): return self()", "A()()"}
  ]

  for {definition, call} <- @methods do
    test "a method, #{definition}, recurses as deep as it may, and no deeper" do
      assert {:error, %Exception{type: :recursion_error}} = run(method(unquote(definition)) <> unquote(call))
    end
  end

  @nested "x, y, t = [], [], ()\nfor _ in range(20_000):\n    x, y, t = [x], [y], (t,)\nimport copy, json\n"

  for operation <- [
        "x == y",
        "x < y",
        "sorted([x, y])",
        "hash(t)",
        "copy.deepcopy(x)",
        "json.dumps(x)",
        "x in [y]"
      ] do
    test "nested data is walked as deep as it may be, and no deeper: #{operation}" do
      assert {:error, %Exception{type: :recursion_error}} = run(@nested <> unquote(operation))
    end
  end

  test "nested data is shown as deep as it may be, and a few dots for the rest" do
    for operation <- ["repr(x)", "str(x)", "f'{x}'", "'%s' % (x,)"] do
      assert {:ok, length, ""} = run(@nested <> "len(#{operation})"), operation
      assert length in 20_000..20_010
    end
  end

  test "source as deep and as long as it may be is an error or a value" do
    for source <- [
          String.duplicate("[", 180) <> String.duplicate("]", 180),
          "1" <> String.duplicate("+1", 10_000),
          "''" <> String.duplicate(".strip()", 10_000),
          "if 0:\n  1\n" <> String.duplicate("elif 0:\n  1\n", 10_000),
          String.duplicate("lambda: ", 10_000) <> "1",
          String.duplicate("-", 200_000) <> "1"
        ] do
      case run(source) do
        {:ok, _, ""} -> :ok
        {:error, %Exception{type: type}} -> assert type == :syntax_error
      end
    end
  end
end
