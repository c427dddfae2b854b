defmodule ExMonty.Attacks.Floods do
  @moduledoc false

  # Output without end, questions without end, and values that are small as a graph and endless as a tree.

  import ExMonty.Test.Attack, only: [new: 3, new: 4]

  @exhausted {:raised, :memory_error}
  # The bound on calls that reach Elixir.
  @refused {:raised, :runtime_error}
  @large {:refused, :value_too_large}

  def attacks, do: output() ++ calls() ++ values()

  defp output do
    [
      new("printing without end", "while True:\n    print('y' * 1000)", @exhausted, memory: 256),
      new("printing nothing without end", "while True:\n    print()", @exhausted, memory: 256),
      new("printing much at once", "print('y' * 100_000_000)", @exhausted, memory: 512),
      new(
        "printing to standard error",
        "import sys\nwhile True:\n    print('y' * 1000, file=sys.stderr)",
        @exhausted,
        memory: 256
      ),
      new(
        "printing much again and again between questions",
        "while True:\n    print('y' * 1_000_000)\n    f()",
        @exhausted,
        functions: %{"f" => &__MODULE__.nothing/2},
        memory: 256
      )
    ]
  end

  defp calls do
    [
      new("calling without end", "while True:\n    f()", @refused,
        functions: %{"f" => &__MODULE__.nothing/2},
        way: :apart
      ),
      new(
        "asking for names without end",
        "i = 0\nwhile True:\n    try:\n        i += 1\n        unknown\n    except NameError:\n        pass",
        @refused,
        way: :apart
      ),
      new(
        "asking for the time without end",
        "import time\nwhile True:\n    time.time()",
        {:raised, :timeout_error},
        way: :together
      ),
      new(
        "asking for files without end, where there are none",
        "while True:\n    try:\n        open('/nothing')\n    except OSError:\n        pass",
        @refused,
        way: :apart
      ),
      new("sleeping for an hour", "import time\ntime.sleep(3600)", {:raised, :timeout_error}),
      new(
        "sleeping for ever",
        "import time\ntime.sleep(float('inf'))",
        {:raised, :overflow_error}
      ),
      new(
        "sleeping for no time without end",
        "import time\nwhile True:\n    time.sleep(0)",
        @refused,
        way: :apart
      ),
      new(
        "calling with a large argument again and again",
        "x = 'y' * 1_000_000\nfor _ in range(300):\n    f(x)\n1",
        {:ok, 1},
        functions: %{"f" => &__MODULE__.nothing/2},
        memory: 512
      ),
      new(
        "answers that are kept without end",
        "x = []\nwhile True:\n    x.append(f())",
        @refused,
        functions: %{"f" => &__MODULE__.nothing/2},
        way: :apart
      )
    ]
  end

  defp values do
    [
      new("an exponential list, returned", exponential("[x, x]", "[]") <> "x", @large),
      new("an exponential tuple, returned", exponential("(x, x)", "()") <> "x", @large),
      new("an exponential dict, returned", exponential("{1: x, 2: x}", "{}") <> "x", @large),
      new("an exponential list, passed to a function", exponential("[x, x]", "[]") <> "f(x)", @large,
        functions: %{"f" => &__MODULE__.nothing/2}
      ),
      new("an exponential list, passed by name", exponential("[x, x]", "[]") <> "f(a=x)", @large,
        functions: %{"f" => &__MODULE__.nothing/2}
      ),
      new(
        "an exponential list, compared",
        exponential("[x, x]", "[]") <> "y = [x, x]\n[x, 1] == y",
        {:ok, false}
      ),
      new(
        "an exponential tuple, hashed",
        exponential("(x, x)", "()") <> "h = hash(x)\n1",
        {:ok, 1}
      ),
      new(
        "an exponential list, copied",
        "import copy\n" <> exponential("[x, x]", "[]") <> "y = copy.deepcopy(x)\n1",
        {:ok, 1}
      ),
      new(
        "an exponential list, sorted",
        exponential("[x, x]", "[]") <> "sorted([x, [x, x]])\n1",
        {:ok, 1}
      ),
      new("an exponential list, passed in", {__MODULE__, :shared_input, [60]}, @large),
      new("a list of a million integers, returned", "list(range(1_000_000))", {:ok, :large}),
      new("a dict of a hundred thousand entries, returned", "{i: i for i in range(100_000)}", {:ok, :large}),
      new("a set of a hundred thousand elements, returned", "set(range(100_000))", {:ok, :large}),
      new("a value at the limit, returned", "'y' * 200_000_000", {:ok, :large}, memory: 1024),
      new(
        "a shared string, returned a thousand times",
        "x = 'y' * 1_000_000\n[x] * 1000",
        @large,
        memory: 512
      ),
      new("as many atoms as names", {__MODULE__, :names, [2_000]}, {:ok, 0})
    ]
  end

  defp exponential(step, seed), do: "x = #{seed}\nfor _ in range(60):\n    x = #{step}\n"

  def nothing(_args, _kwargs), do: {:ok, nil}

  # In the VM, too, it is small as long as nobody walks it.
  def shared_input(depth) do
    ExMonty.eval("1", inputs: %{x: Enum.reduce(1..depth, [], fn _, x -> [x, x] end)})
  end

  def names(count) do
    # The first one loads what makes exceptions of errors, and its atoms. What else the node does may make a few.
    mention("attack_0")
    atoms = :erlang.system_info(:atom_count)
    for n <- 1..count, do: mention("attack_#{n}")
    {:ok, div(:erlang.system_info(:atom_count) - atoms, count), ""}
  end

  defp mention(name) do
    {:error, _} = ExMonty.eval("#{name}.#{name}(#{name}=1)")
    {:error, _} = ExMonty.eval("class #{name}(Exception): pass\nraise #{name}('#{name}')")
    {:error, _} = ExMonty.eval("import #{name}")
  end
end
