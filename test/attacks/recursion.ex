defmodule ExMonty.Attacks.Recursion do
  @moduledoc false

  # Whatever makes the interpreter, or the library around it, call itself without end: by functions, by data that is
  # compared, shown, hashed or walked, by data that crosses, by data that is freed.

  import ExMonty.Test.Attack, only: [new: 3, new: 4]

  @too_deep {:raised, :recursion_error}

  def attacks, do: calls() ++ data() ++ iterators() ++ crossing() ++ drops()

  defp calls do
    [
      new("a function that calls itself", "def f():\n    return f()\nf()", @too_deep),
      new(
        "functions that call one another",
        "def f():\n    return g()\ndef g():\n    return f()\nf()",
        @too_deep
      ),
      new("a lambda that calls itself", "f = lambda: f()\nf()", @too_deep),
      new(
        "a function that calls itself in a comprehension",
        "def f():\n    return [f() for _ in [1]]\nf()",
        @too_deep
      ),
      new(
        "a function that calls itself as a sort key",
        "def f(x):\n    return sorted([2, 1], key=f)\nf(1)",
        @too_deep
      ),
      new(
        "a function that calls itself through map",
        "def f(x):\n    return list(map(f, [x]))\nf(1)",
        @too_deep
      ),
      new(
        "a function that calls itself through max",
        "def f(x):\n    return max([1, 2], key=f)\nf(1)",
        @too_deep
      ),
      new(
        "a function that calls itself in a finally block",
        "def f():\n    try:\n        f()\n    finally:\n        f()\nf()",
        {:raised, :timeout_error},
        way: :together
      ),
      new(
        "a function that catches its own RecursionError again and again",
        "def f():\n    try:\n        f()\n    except RecursionError:\n        f()\nf()",
        {:raised, :timeout_error},
        way: :together
      ),
      new(
        "an initialiser that makes its own class",
        "class A:\n    def __init__(self):\n        self.a = A()\nA()",
        @too_deep
      ),
      new(
        "a repr that shows itself",
        "class A:\n    def __repr__(self):\n        return repr(self)\nrepr(A())",
        @too_deep
      ),
      new(
        "an equality that asks itself",
        "class A:\n    def __eq__(self, o):\n        return self == o\nA() == A()",
        @too_deep
      ),
      new(
        "a hash that asks itself",
        "class A:\n    def __hash__(self):\n        return hash(self)\nhash(A())",
        @too_deep
      ),
      new(
        "a coroutine that awaits itself",
        "import asyncio\nasync def f():\n    await f()\nasyncio.run(f())",
        @too_deep
      )
    ]
  end

  # Each nests some data a hundred thousand deep, and does one thing with it.
  @operations [
    {"shown", "[x]", "[]", "len(repr(x))", {:ok, 2_003}},
    {"shown by str", "[x]", "[]", "len(str(x))", {:ok, 2_003}},
    {"printed", "[x]", "[]", "print(x)", {:ok, nil}},
    {"formatted", "[x]", "[]", "len(f'{x}')", {:ok, 2_003}},
    {"formatted by a percent sign", "[x]", "[]", "len('%s' % (x,))", {:ok, 2_003}},
    {"compared for equality", "[x]", "[]", "x == y", @too_deep},
    {"compared by order", "[x]", "[]", "x < y", @too_deep},
    {"looked for in a list", "[x]", "[]", "x in [y]", @too_deep},
    {"counted in a list", "[x]", "[]", "[y].count(x)", @too_deep},
    {"sorted", "[x]", "[]", "sorted([x, y])", @too_deep},
    {"copied deeply", "[x]", "[]", "import copy\ncopy.deepcopy(x)", @too_deep},
    {"written as JSON", "[x]", "[]", "import json\njson.dumps(x)", @too_deep},
    {"a tuple that is hashed", "(x,)", "()", "hash(x)", @too_deep},
    {"a tuple as a key", "(x,)", "()", "{x: 1}", @too_deep},
    {"a tuple as a member", "(x,)", "()", "{x}", @too_deep},
    {"a tuple that is compared", "(x,)", "()", "x == y", @too_deep},
    {"a tuple of classes", "(x,)", "(int,)", "isinstance('', x)", @too_deep},
    {"a tuple of prefixes", "(x,)", "('a',)", "'b'.startswith(x)", {:raised, :type_error}},
    {"a tuple of exceptions", "(x,)", "(ValueError,)", "try:\n    1 / 0\nexcept x:\n    pass",
     {:raised, :type_error}},
    {"a dict that is shown", "{1: x}", "{}", "len(repr(x)) < 10_000", {:ok, true}},
    {"a dict that is compared", "{1: x}", "{}", "x == y", @too_deep},
    {"a dict that is written as JSON", "{'a': x}", "{}", "import json\njson.dumps(x)", @too_deep},
    {"a frozenset that is hashed", "frozenset([x])", "frozenset()", "hash(x) == hash(y)", {:ok, true}},
    {"a frozenset that is shown", "frozenset([x])", "frozenset()", "len(repr(x)) < 20_000", {:ok, true}},
    {"a frozenset that is compared", "frozenset([x])", "frozenset()", "x == y", @too_deep},
    {"an iterator that is shown", "iter([x])", "1", "repr(x).startswith('<list_iterator')", {:ok, true}}
  ]

  defp data do
    for {name, step, seed, operation, expect} <- @operations do
      code = """
      x, y = #{seed}, #{seed}
      for _ in range(100_000):
          x, y = #{step}, #{other(step)}
      #{operation}
      """

      new("deep data, #{name}", code, expect)
    end
  end

  # The same step for `y`.
  defp other(step), do: Regex.replace(~r/\bx\b/, step, "y")

  # What is taken from an iterator comes through all those below it.
  @iterators [
    {"map", "map(str, x)", "list(x)", {:ok, 1}},
    {"filter", "filter(None, x)", "list(x)", {:ok, 1}},
    {"zip", "zip(x)", "list(x)", {:ok, 1}},
    {"enumerate", "enumerate(x)", "list(x)", {:ok, 1}},
    {"generator", "(y for y in x)", "list(x)", {:ok, 1}},
    {"chain", "itertools.chain(x)", "list(x)", @too_deep},
    {"islice", "itertools.islice(x, 1)", "list(x)", @too_deep},
    {"accumulate", "itertools.accumulate(x)", "list(x)", @too_deep},
    {"partial", "functools.partial(x)", "x()", {:ok, 1}}
  ]

  defp iterators do
    for {name, step, finish, expect} <- @iterators do
      code = """
      import itertools, functools
      x = #{if name == "partial", do: "int", else: "iter([1])"}
      for _ in range(100_000):
          x = #{step}
      r = #{finish}
      1
      """

      new("a #{name} over a #{name}, a hundred thousand times", code, expect)
    end
  end

  defp crossing do
    too_deep = {:refused, :value_too_deep}
    nest = fn step, seed -> "x = #{seed}\nfor _ in range(100_000):\n    x = #{step}\nx" end

    [
      new("a deep list, returned", nest.("[x]", "[]"), too_deep),
      new("a deep tuple, returned", nest.("(x,)", "()"), too_deep),
      new("a deep dict, returned", nest.("{'a': x}", "{}"), too_deep),
      new("a deep frozenset, returned", nest.("frozenset([x])", "frozenset()"), too_deep),
      new(
        "a deep chain of instances, returned",
        "class A:\n    def __init__(self, x):\n        self.x = x\n" <> nest.("A(x)", "1"),
        too_deep
      ),
      new("a deep list, passed to a function", nest.("[x]", "[]") <> "\nf(x)", too_deep, functions: echo()),
      new("a deep list, passed in", {__MODULE__, :deep_input, [100_000]}, too_deep),
      new("a deep map, passed in", {__MODULE__, :deep_map, [100_000]}, too_deep),
      new("a deep list, answered by a function", {__MODULE__, :deep_answer, [100_000]}, {:ok, "refused"}),
      new(
        "deep JSON",
        "import json\njson.loads('[' * 100_000 + ']' * 100_000)",
        {:raised, :json_decode_error}
      ),
      new(
        "deep JSON of objects",
        "import json\njson.loads('{\"a\":' * 100_000 + '1' + '}' * 100_000)",
        {:raised, :json_decode_error}
      ),
      new("a list that holds itself, returned", "x = []\nx.append(x)\nx", {:ok, [{:cycle, "[...]"}]}),
      new("a list that holds itself, compared", "x, y = [], []\nx.append(x)\ny.append(y)\nx == y", @too_deep),
      new("a list that holds itself, shown", "x = []\nx.append(x)\nrepr(x)", {:ok, "[[...]]"}),
      new(
        "a list that holds itself, written as JSON",
        "import json\nx = []\nx.append(x)\njson.dumps(x)",
        {:raised, :value_error}
      ),
      new(
        "a deep regular expression",
        "import re\nre.compile('(' * 100_000 + ')' * 100_000)",
        {:raised, :re_pattern_error}
      ),
      new(
        "a deep regular expression of repetitions",
        "import re\nre.compile('(?:' * 100_000 + 'a' + ')*' * 100_000)",
        {:raised, :re_pattern_error}
      ),
      new("a deep path", "from pathlib import Path\nlen(str(Path('a/' * 1_000_000)))", {:ok, 1_999_999})
    ]
  end

  defp drops do
    for {name, step, seed} <- [
          {"lists", "[x]", "1"},
          {"tuples", "(x,)", "1"},
          {"dicts", "{1: x}", "1"},
          {"closures", "(lambda y: lambda: y)(x)", "1"},
          {"instances", "A(x)", "1"},
          {"iterators", "iter([x])", "1"},
          {"generators", "(y for y in [x])", "1"},
          {"maps", "map(str, x)", "iter([])"}
        ] do
      code = """
      class A:
          def __init__(self, x):
              self.x = x
      x = #{seed}
      for _ in range(300_000):
          x = #{step}
      x = None
      1
      """

      new("#{name} in #{name}, dropped", code, {:ok, 1})
    end ++
      [
        new(
          "exceptions raised from one another, dropped",
          """
          e = None
          for i in range(100_000):
              try:
                  raise ValueError(str(i)) from e
              except ValueError as caught:
                  e = caught
          e = None
          1
          """,
          {:ok, 1}
        ),
        new(
          "deep data, dropped at the end of the run",
          "x = 1\nfor _ in range(300_000):\n    x = [x]\n1",
          {:ok, 1}
        ),
        new(
          "deep data, dropped by an exception",
          "x = 1\nfor _ in range(300_000):\n    x = [x]\n1 / 0",
          {:raised, :zero_division_error}
        )
      ]
  end

  def echo, do: %{"f" => &__MODULE__.echo/2}
  def echo(args, _kwargs), do: {:ok, args}

  def deep_input(depth), do: ExMonty.eval("1", inputs: %{x: nest(depth)})

  def deep_map(depth) do
    ExMonty.eval("1", inputs: %{x: Enum.reduce(1..depth, %{}, fn _, inner -> %{"a" => inner} end)})
  end

  def deep_answer(depth) do
    functions = %{"f" => fn [], _ -> {:ok, nest(depth)} end}
    ExMonty.Sandbox.run("try:\n    f()\nexcept Exception:\n    r = 'refused'\nr", functions: functions)
  end

  defp nest(depth), do: Enum.reduce(1..depth, [], fn _, inner -> [inner] end)
end
