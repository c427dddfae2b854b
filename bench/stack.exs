# How much stack a level of recursion takes: `MIX_ENV=prod mix run bench/stack.exs`. Linux only.
#
# Each script recurses to the largest depth that is accepted, in one way, and then does nothing for a while. What it has
# touched of its thread's stack stays in memory until its turn ends, and the system tells how much that is.

defmodule ExMonty.Bench.Stack do
  @stack_kib 256 * 1024
  @depth 10_000
  @rest "\nfor _ in range(3_000_000):\n    pass\n"

  def main do
    [first | _] = rows = for {name, code, opts} <- kinds(), do: {name, measure(code, opts)}
    worst = Enum.reduce(rows, first, &Enum.max_by([&1, &2], fn {_, kib} -> kib end))

    for {name, kib} <- rows do
      IO.puts(String.pad_trailing(name, 52) <> "#{round(kib * 1024 / @depth)} bytes a level")
    end

    {name, kib} = worst
    IO.puts("\nThe stack holds #{Float.round(@stack_kib / kib, 1)} times the worst of them (#{name}).")
  end

  defp kinds do
    caught = fn body, call -> "#{body}\ntry:\n    #{call}\nexcept RecursionError:\n    pass" end
    class = fn method -> "class A:\n    def #{method}" end
    nested = "x, y, t = [], [], ()\nfor _ in range(20_000):\n    x, y, t = [x], [y], (t,)"

    [
      {"a function", caught.("def f():\n    return f()", "f()"), []},
      {"a method", caught.(class.("f(self):\n        return self.f()"), "A().f()"), []},
      {"an initialiser", caught.(class.("__init__(self):\n        A()"), "A()"), []},
      {"a comprehension", caught.("def f():\n    return [f() for _ in [1]]", "f()"), []},
      {"a generator", caught.("def f():\n    return list(f() for _ in [1])", "f()"), []},
      {"a sort key", caught.("def f(x):\n    return sorted([2, 1], key=f)", "f(1)"), []},
      {"max with a key", caught.("def f(x):\n    return max([1, 2], key=f)", "f(1)"), []},
      {"map", caught.("def f(x):\n    return list(map(f, [x]))", "f(1)"), []},
      {"filter", caught.("def f(x):\n    return list(filter(f, [x]))", "f(1)"), []},
      {"reduce", caught.("import functools\ndef f(x, y):\n    return functools.reduce(f, [x, y])", "f(1, 2)"),
       []},
      {"__eq__", caught.(class.("__eq__(self, o):\n        return self == o"), "A() == A()"), []},
      {"__eq__ in a list", caught.(class.("__eq__(self, o):\n        return [self] == [o]"), "A() == A()"),
       []},
      {"__hash__", caught.(class.("__hash__(self):\n        return hash((self,))"), "hash(A())"), []},
      {"__repr__", caught.(class.("__repr__(self):\n        return repr([self])"), "repr(A())"), []},
      {"__str__ in an f-string", caught.(class.("__str__(self):\n        return f'{self}'"), "str(A())"), []},
      {"__contains__", caught.(class.("__contains__(self, x):\n        return x in self"), "1 in A()"), []},
      {"__add__", caught.(class.("__add__(self, o):\n        return self + o"), "A() + 1"), []},
      {"__getitem__", caught.(class.("__getitem__(self, i):\n        return self[i]"), "A()[1]"), []},
      {"__iter__", caught.(class.("__iter__(self):\n        return iter(self)"), "list(A())"), []},
      {"a with block",
       caught.(
         "class A:\n    def __enter__(self):\n        with self:\n            pass\n    def __exit__(self, *a):\n        pass",
         "A().__enter__()"
       ), []},
      {"repr of nested lists", nested <> "\nrepr(x)", []},
      {"comparison of nested lists", caught.(nested, "x == y"), []},
      {"order of nested lists", caught.(nested, "x < y"), []},
      {"hash of nested tuples", caught.(nested, "hash(t)"), []},
      {"JSON of nested lists", caught.(nested <> "\nimport json", "json.dumps(x)"), []},
      {"a copy of nested lists", caught.(nested <> "\nimport copy", "copy.deepcopy(x)"), []},
      {"JSON that is read", "import json\ntry:\n    json.loads('[' * 20_000)\nexcept ValueError:\n    pass",
       []},
      {"brackets in source", source("'[' * 180 + ']' * 180"), dynamic_code: true},
      {"a chain of additions in source", source("'1' + '+1' * 10_000"), dynamic_code: true},
      {"a chain of methods in source", source("'\"\"' + '.strip()' * 10_000"), dynamic_code: true},
      {"a chain of elifs in source", source("'if 0:\\n 1\\n' + 'elif 0:\\n 1\\n' * 10_000"),
       dynamic_code: true}
    ]
  end

  defp source(text), do: "try:\n    exec(#{text})\nexcept Exception:\n    pass"

  defp measure(code, opts) do
    limits = %{max_recursion_depth: @depth, max_duration_secs: 60, max_memory: :unlimited}
    run = Task.async(fn -> ExMonty.eval(code <> @rest, [limits: limits] ++ opts) end)
    kib = watch(run, 0)
    kib
  end

  defp watch(run, most) do
    most = max(most, resident())

    case Task.yield(run, 10) do
      nil -> watch(run, most)
      {:ok, {:ok, _, _}} -> most
    end
  end

  # The most that is in memory of any mapping as large as a stack.
  defp resident do
    ~r/^Size: +(\d+) kB\n(?:.*\n)*?Rss: +(\d+) kB/m
    |> Regex.scan(File.read!("/proc/self/smaps"))
    |> Enum.filter(fn [_, size, _] -> String.to_integer(size) in @stack_kib..(@stack_kib + 1024) end)
    |> Enum.map(fn [_, _, rss] -> String.to_integer(rss) end)
    |> Enum.max(fn -> 0 end)
  end
end

ExMonty.Bench.Stack.main()
