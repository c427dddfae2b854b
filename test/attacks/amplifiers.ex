defmodule ExMonty.Attacks.Amplifiers do
  @moduledoc false

  # Single operations, and small steps in a row, each of which makes much of what there is: a run must come to its limit
  # before the next one, and before one that is known to make a multiple. Found by letting the engine's ceiling tell.

  import ExMonty.Test.Attack, only: [new: 4]

  @exhausted {:raised, :memory_error}
  @text "S = 'y' * 60_000_000\n"

  def attacks do
    for {name, code} <- in_a_row() ++ by_callbacks() ++ texts() ++ paths() ++ expressions() do
      new(name, code, @exhausted, memory: 512, limits: %{max_duration_secs: 60})
    end ++ endless() ++ bounded()
  end

  defp in_a_row do
    for {name, step} <- [
          {"texts", "S.upper()"},
          {"slices", "S[1:]"},
          {"copies of a list", "L[:]"},
          {"copies of a dict", "dict(D)"},
          {"unions of sets", "(E | E)"},
          {"large integers", "(I + 1)"},
          {"bytes of a text", "S.encode()"}
        ] do
      data = "L = list(range(4_000_000))\n"
      data = if step =~ "D", do: "D = {i: i for i in range(1_000_000)}\n", else: data
      data = if step =~ "E", do: "E = set(range(1_000_000))\n", else: data
      data = if step =~ "I", do: "I = 1 << 400_000_000\n", else: data
      data = if step =~ "S", do: @text, else: data
      {"#{name} in a row, in one expression", data <> "x = [" <> String.duplicate(step <> ", ", 60) <> "]"}
    end
  end

  defp by_callbacks do
    iterator =
      @text <> "class A:\n    def __iter__(self): return self\n    def __next__(self): return S.upper()\n"

    [
      {"keys of a sort that are large", @text <> "sorted(range(200), key=lambda x: S.upper())"},
      {"a list of what a function makes", @text <> "list(map(lambda x: S.upper(), range(200)))"},
      {"arguments that a function makes", @text <> "print(*map(lambda x: S.upper(), range(200)))"},
      {"what is reduced to what is large",
       @text <>
         "import functools\nx = []\nfunctools.reduce(lambda a, b: x.append(S.upper()), range(200))"},
      {"an iterator of large texts, in a list", iterator <> "list(A())"},
      {"an iterator of large texts, sorted", iterator <> "sorted(A())"},
      {"an iterator of large texts, unpacked", iterator <> "[*A()]"},
      {"a sort by new texts", "x = list(range(4_000_000))\nx.sort(key=str)"}
    ]
  end

  defp texts do
    [
      {"the repr of a list of one text", @text <> "repr([S] * 40)"},
      {"the text of a dict of one text", @text <> "str({i: S for i in range(40)})"},
      {"a list of one text, printed", @text <> "print([S] * 40)"},
      {"a list of one text, formatted", @text <> "'%s' % [[S] * 40]"},
      {"a repr that is one text, again and again",
       @text <> "class A:\n    def __repr__(self): return S\nrepr([A()] * 40)"},
      {"a repr that is all escapes", "S = '\\x00' * 100_000_000\nf'{S!r}'"},
      {"a repr of bytes that is all escapes", "S = b'\\x00' * 100_000_000\nrepr(S)"},
      {"JSON that is all escapes", "import json\njson.dumps('\\x00' * 100_000_000)"},
      {"digits of a large integer", "bin(1 << 1_000_000_000)"},
      {"octal digits of a large integer", "oct(1 << 1_500_000_000)"},
      {"a decimal number of many digits", "from decimal import Decimal\nDecimal('1' * 100_000_000)"},
      {"names of a named tuple", "from collections import namedtuple\nnamedtuple('A', 'a ' * 50_000_000)"},
      {"a time that is parsed by a long format",
       "from datetime import datetime\ndatetime.strptime('1' * 60_000_000, '%Y' * 30_000_000)"},
      {"prefixes that are copied", "b'a'.startswith(tuple([b'b' * 60_000_000] * 40))"}
    ]
  end

  defp paths do
    [
      {"a path of long parts", "from pathlib import Path\nPath(*['a' * 10_000_000] * 200)"},
      {"a path that is joined with itself",
       "from pathlib import Path\nx = Path('a')\nwhile True:\n    x = x / x"},
      {"joined paths", "import os\nos.path.join(*['a' * 10_000_000] * 200)"},
      {"the parts of a path", "from pathlib import Path\nPath('/a' * 40_000_000).parts"},
      {"a path that is made normal", "import os\nos.path.normpath('a/' * 40_000_000)"}
    ]
  end

  defp expressions do
    [
      {"groups that are copied",
       @text <> "import re\n[re.match('(((((((((((a*y+)))))))))))', S) for _ in range(20)]"},
      {"groups that are substituted", @text <> "import re\nre.sub('(y+)', r'\\1' * 40, S)"},
      {"a regular expression of many classes", "import re\nre.compile('\\\\w' * 100_000)"},
      {"a regular expression of many alternatives without end", "import re\nre.compile('a|' * 5_000_000)"}
    ]
  end

  # Each call of `__next__` is short, and so is what is done with it: the clock has to be looked at all the same.
  defp endless do
    code =
      @text <>
        "class A:\n    def __iter__(self): return self\n    def __next__(self): return (1, S.upper())\ndict(A())"

    [new("an iterator of large texts, in a dict of one key", code, {:raised, :timeout_error}, way: :together)]
  end

  # What must not end a run that makes little, though what it looks at is large.
  defp bounded do
    for {name, code, value} <- [
          {"a split into few parts", "len(('x,' * 50_000_000).split(',', 3))", 4},
          {"a split of nothing but spaces", "(' ' * 100_000_000).split()", []},
          {"a number that is none, of which the message shows some",
           "try:\n    int('x' * 100_000_000)\nexcept ValueError as e:\n    n = len(str(e))\nn < 2_000_000",
           true},
          {"a match in a large text", "import re\nre.search('b', 'a' * 100_000_000 + 'b').end()", 100_000_001}
        ] do
      new(name, code, {:ok, value}, memory: 512)
    end
  end
end
