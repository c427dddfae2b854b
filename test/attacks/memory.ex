defmodule ExMonty.Attacks.Memory do
  @moduledoc false

  # Whatever takes memory without end, or all at once. Under the default limit of 256 MiB the process of the node may
  # grow by twice that and no more, and must shrink again.

  import ExMonty.Test.Attack, only: [new: 3, new: 4]

  @limit 256
  @exhausted {:raised, :memory_error}

  def attacks do
    for {name, code} <- growing() ++ at_once() do
      # Time enough to come to the limit of memory on a busy machine, too.
      new(name, code, @exhausted, memory: 2 * @limit, limits: %{max_duration_secs: 60})
    end ++ retained()
  end

  defp growing do
    [
      {"a list that grows", "x = []\nwhile True:\n    x.append(1.5)"},
      {"a list of strings that grows", "x = []\nwhile True:\n    x.append('y' * 1000)"},
      {"a list that doubles", "x = [1]\nwhile True:\n    x += x"},
      {"a list that is extended by itself", "x = [1]\nwhile True:\n    x.extend(x)"},
      {"a list that is multiplied", "x = [1]\nwhile True:\n    x = x * 2"},
      {"a list of lists", "x = []\nwhile True:\n    x.append([])"},
      {"a tuple that grows", "x = (1,)\nwhile True:\n    x = x + x"},
      {"a string that doubles", "x = 'y'\nwhile True:\n    x += x"},
      {"a string that grows by ten megabytes", "x = ''\nwhile True:\n    x += 'y' * 10_000_000"},
      {"bytes that double", "x = b'y'\nwhile True:\n    x += x"},
      {"an integer that is shifted", "x = 1\nwhile True:\n    x = x << 200_000_000"},
      {"a dict that grows", "x = {}\ni = 0\nwhile True:\n    x[i] = i\n    i += 1"},
      {"a dict of strings", "x = {}\ni = 0\nwhile True:\n    x[str(i)] = 'y' * 100\n    i += 1"},
      {"a set that grows", "x = set()\ni = 0\nwhile True:\n    x.add(i)\n    i += 1"},
      {"a deque that grows",
       "from collections import deque\nx = deque()\nwhile True:\n    x.append('y' * 100)"},
      {"instances without number",
       "class A:\n    def __init__(self):\n        self.a = 1\nx = []\nwhile True:\n    x.append(A())"},
      {"closures without number", "x = []\ndef f(n):\n    return lambda: n\nwhile True:\n    x.append(f(1))"},
      {"exceptions without number",
       "x = []\nwhile True:\n    try:\n        1 / 0\n    except Exception as e:\n        x.append(e)"},
      {"attributes without number",
       "class A:\n    pass\na = A()\ni = 0\nwhile True:\n    setattr(a, 'x' + str(i), i)\n    i += 1"},
      {"a string that is joined with itself", "x = 'y' * 1000\nwhile True:\n    x = ''.join([x, x])"},
      {"bytes that are joined with themselves", "x = b'y' * 1000\nwhile True:\n    x = b''.join([x, x])"},
      {"strings that are replaced", "x = 'y' * 1000\nwhile True:\n    x = x.replace('y', 'yy')"},
      {"cycles that are garbage",
       "k = []\nwhile True:\n    x = ['y' * 1000]\n    x.append(x)\n    k.append(x)"}
    ]
  end

  defp at_once do
    [
      {"a huge string", "'x' * (1 << 33)"},
      {"huge bytes", "b'x' * (1 << 33)"},
      {"bytes of a size", "bytes(1 << 33)"},
      {"a huge list", "[0] * (1 << 31)"},
      {"a huge tuple", "(0,) * (1 << 31)"},
      {"a list of a range", "list(range(1 << 40))"},
      {"a list comprehension over a range", "[i for i in range(1 << 40)]"},
      {"a set comprehension over a range", "{i for i in range(1 << 40)}"},
      {"a dict comprehension over a range", "{i: i for i in range(1 << 40)}"},
      {"a join of a generator", "''.join('yyyyyyyyyyyyyyyy' for i in range(1 << 40))"},
      {"a huge integer by shifting", "1 << (1 << 34)"},
      {"a huge power", "2 ** (1 << 34)"},
      {"an f-string of a huge width", "f'{1:10000000000}'"},
      {"an f-string of a huge precision", "f'{1.5:.1000000000f}'"},
      {"a percent sign of a huge width", "'%10000000000d' % 1"},
      {"a format of a huge width", "'{:>10000000000}'.format(1)"},
      {"a string that is padded", "'x'.ljust(1 << 34)"},
      {"a string that is centred", "'x'.center(1 << 34)"},
      {"a number that is padded with zeros", "'1'.zfill(1 << 34)"},
      {"tabs that are expanded", "('\\t' * 1000).expandtabs((1 << 31) - 1)"},
      {"a replacement that multiplies", "('x' * 100_000).replace('x', 'y' * 1_000_000)"},
      {"the hexadecimal text of many bytes", "(b'y' * 200_000_000).hex()"},
      {"an indentation of a gigabyte", "import json\njson.dumps([[1] * 100] * 1000, indent=1 << 30)"},
      {"an indentation of a megabyte", "import json\njson.dumps([[1] * 100] * 1000, indent=1 << 20)"},
      {"a join that multiplies", "('y' * 1_000_000).join('x' * 100_000)"},
      {"a split into as many parts as characters", "('x,' * 20_000_000).split(',')"},
      {"a split from the right into as many parts as characters", "('x,' * 60_000_000).rsplit(',')"},
      {"a split into words of a letter", "('x ' * 60_000_000).split()"},
      {"a split of bytes into as many parts as bytes", "(b'x,' * 60_000_000).split(b',')"},
      {"a split of bytes into words of a letter", "(b'x ' * 60_000_000).rsplit()"},
      {"matches of a regular expression", "import re\nre.findall('x', 'x' * 100_000_000)"},
      {"a substitution that multiplies", "import re\nre.sub('x', 'y' * 1_000_000, 'x' * 100_000)"},
      {"all permutations", "import itertools\nlist(itertools.permutations(range(20)))"},
      {"a product", "import itertools\nlist(itertools.product(range(100), repeat=10))"},
      {"endless cycles", "import itertools\nlist(itertools.cycle([1]))"},
      {"endless counting", "import itertools\nlist(itertools.count())"},
      {"endless counting, sorted", "import itertools\nsorted(itertools.count())"},
      {"endless counting, in a set", "import itertools\nset(itertools.count())"},
      {"endless counting, unpacked", "import itertools\n[*itertools.count()]"},
      {"endless counting, as arguments", "import itertools\ndef f(*a):\n    pass\nf(*itertools.count())"},
      {"random bytes", "import os\nos.urandom(1 << 34)"},
      {"JSON that multiplies", "import json\njson.dumps([[0] * 1000] * 1_000_000)"}
    ]
  end

  defp retained do
    [
      new(
        "memory that is kept over pauses",
        "x = []\nwhile True:\n    x.append('y' * 1_000_000)\n    f()",
        @exhausted,
        functions: %{"f" => &__MODULE__.nothing/2},
        memory: 2 * @limit
      ),
      new("memory that comes with answers", "x = []\nwhile True:\n    x.append(f())", @exhausted,
        functions: %{"f" => &__MODULE__.megabyte/2},
        memory: 2 * @limit
      ),
      new("memory that comes with lists in answers", "x = []\nwhile True:\n    x.append(f())", @exhausted,
        functions: %{"f" => &__MODULE__.numbers/2},
        memory: 2 * @limit
      ),
      new("an answer beyond the limit", "f()", {:raised, :type_error},
        functions: %{"f" => &__MODULE__.too_much/2}
      ),
      new("memory that is given back each time", "for _ in range(40):\n    x = 'y' * 50_000_000\n1", {:ok, 1},
        memory: 2 * @limit
      ),
      new(
        "a MemoryError that is caught again and again",
        "while True:\n    try:\n        x = 'y' * (1 << 33)\n    except MemoryError:\n        pass",
        @exhausted,
        memory: 2 * @limit
      ),
      new(
        "a regular expression that counts",
        "import re\nre.compile('((a{1000}){1000}){1000}')",
        {:raised, :re_pattern_error},
        memory: 2 * @limit
      ),
      new("runs that hold their memory, paused", {__MODULE__, :paused, [8]}, {:ok, 8})
    ]
  end

  def nothing(_args, _kwargs), do: {:ok, nil}
  def megabyte(_args, _kwargs), do: {:ok, String.duplicate("y", 1_000_000)}
  def numbers(_args, _kwargs), do: {:ok, Enum.to_list(1..500_000)}
  def too_much(_args, _kwargs), do: {:ok, String.duplicate("y", 300_000_000)}

  def paused(count) do
    {:ok, runner} = ExMonty.compile("x = 'y' * 20_000_000\nf()\nlen(x)")
    snapshots = for _ <- 1..count, do: ExMonty.start(runner)
    paused = for {:ok, {:function_call, _, snapshot, _}} <- snapshots, do: snapshot
    ended = for snapshot <- paused, do: ExMonty.resume(snapshot, {:ok, nil})
    {:ok, Enum.count(ended, &match?({:ok, {:complete, 20_000_000, ""}}, &1)), ""}
  end
end
