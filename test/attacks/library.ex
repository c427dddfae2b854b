defmodule ExMonty.Attacks.Library do
  @moduledoc false

  # Functions of the library that do much for little, and protocols of classes that are used against the interpreter.

  import ExMonty.Test.Attack, only: [new: 3, new: 4]

  @exhausted {:raised, :memory_error}
  @late {:raised, :timeout_error}
  @too_deep {:raised, :recursion_error}

  def attacks,
    do:
      shared() ++ expressions() ++ amplifiers() ++ tasks() ++ numbers() ++ slow() ++ classes() ++ exceptions()

  # Small as a graph, and endless as a text: what is written grows without any large operation.
  defp shared do
    for {name, step, seed, code, expect} <- [
          {"list, shown", "[x, x]", "[]", "repr(x)", @exhausted},
          {"dict, shown", "{1: x, 2: x}", "{}", "repr(x)", @exhausted},
          {"tuple, printed", "(x, x)", "()", "print(x)", @exhausted},
          {"list, formatted", "[x, x]", "[]", "f'{x}'", @exhausted},
          {"list, formatted by a percent sign", "[x, x]", "[]", "'%s' % (x,)", @exhausted},
          {"list, written as JSON", "[x, x]", "[]", "import json\njson.dumps(x)", @exhausted},
          {"tuple of classes", "(x, x)", "()", "isinstance(1, x)", @late},
          {"tuple, compared with another", "(x, x)", "()",
           "y = ()\nfor _ in range(60):\n    y = (y, y)\nx == y", @late}
        ] do
      code = "x = #{seed}\nfor _ in range(60):\n    x = #{step}\n" <> code
      limits = %{max_duration_secs: if(expect == @late, do: 2, else: 60)}
      new("an exponential " <> name, code, expect, memory: 512, limits: limits)
    end
  end

  # The engine for regular expressions keeps a table of so many rows as its program has steps, with a column for each group.
  defp expressions do
    for {name, code, expect} <- [
          {"a regular expression of a hundred thousand groups",
           "import re\nre.match('(a)' * 100_000, 'a' * 100_000)", {:raised, :re_pattern_error}},
          {"a regular expression of ten thousand groups, searched for",
           "import re\nre.search('(a)' * 10_000, 'a' * 100_000)", {:raised, :re_pattern_error}},
          {"a regular expression of many groups, compiled", "import re\nre.compile('(a)' * 20_000)",
           {:raised, :re_pattern_error}},
          {"a regular expression of groups and many steps",
           "import re\nre.search('(a)' * 100 + 'b{0,200000}' + 'c', 'ab' * 100_000)",
           {:raised, :re_pattern_error}},
          {"a regular expression of groups of letters", "import re\nre.search('(\\\\w+)' * 300, 'é' * 1_000)",
           {:raised, :re_pattern_error}},
          {"a regular expression of as many groups as anybody needs",
           "import re\nlen(re.match('(\\\\w+) ' * 30, 'word ' * 30).groups())", {:ok, 30}},
          {"a regular expression of many alternatives",
           "import re\nre.compile('|'.join('a%d' % i for i in range(200_000)))\n1", {:ok, 1}},
          {"a regular expression of counted steps that go back",
           "import re\nre.match('(?:a?){30}a{30}', 'a' * 30).end()", {:ok, 30}},
          {"a pattern of deep lookaheads", "import re\nre.compile('(?=' * 10_000 + 'a' + ')' * 10_000)",
           {:raised, :re_pattern_error}}
        ] do
      new(name, code, expect, memory: 768, limits: %{max_duration_secs: 60})
    end
  end

  defp amplifiers do
    for {name, code} <- [
          {"dates that are formatted at length",
           "import datetime\ndatetime.datetime(2020, 1, 1).strftime('%c' * 60_000_000)"},
          {"days that are formatted at length",
           "import datetime\nf\"{datetime.date(2020, 1, 1):{'%A' * 60_000_000}}\""},
          {"times that are formatted at length", "import time\ntime.strftime('%c' * 60_000_000)"},
          {"a separator that is printed", "print(*(['a'] * 1000), sep='y' * 1_000_000)"},
          {"arguments that are printed", "print(*range(10**8))"},
          {"a repr that is large, shown often",
           "class A:\n    def __repr__(self): return 'y' * 10_000_000\nrepr([A()] * 100)"},
          {"a decimal number, as an integer", "from decimal import Decimal\nint(Decimal('1e999999999'))"},
          {"a decimal number, written out", "from decimal import Decimal\nf\"{Decimal('1e999999999'):f}\""},
          {"a decimal number of many digits",
           "from decimal import Decimal, getcontext\ngetcontext().prec = 999_999_999\nDecimal(1) / 3"},
          {"elements of a counter",
           "from collections import Counter\nlist(Counter({'a': 10**12}).elements())"},
          {"a deque that is multiplied", "from collections import deque\ndeque([1, 2, 3]) * 10**12"},
          {"copies of an iterator", "import itertools\nitertools.tee([1], 10**10)"},
          {"a product of no end", "import itertools\nnext(itertools.product([1], repeat=10**10))"},
          {"random bits", "import random\nrandom.getrandbits(10**12)"},
          {"random choices", "import random\nrandom.choices([1], k=10**10)"},
          {"a slice that takes a range", "x = [1]\nx[0:0] = range(10**12)"},
          {"keys of a range", "dict.fromkeys(range(10**12))"},
          {"a list unpacked from a range", "a, *b = range(10**12)"},
          {"a width that is an argument", "'%*d' % (10**10, 1)"},
          {"a precision that is an argument", "'%.*f' % (10**9, 1.5)"},
          {"letters that are many letters",
           "import unicodedata\nunicodedata.normalize('NFKD', '\\ufdfa' * 10_000_000)"},
          {"commas", "import csv\nlist(csv.reader([',' * 20_000_000]))"},
          {"an empty string that is replaced", "'x'.replace('', 'y' * 200_000_000)"}
        ] do
      new(name, code, @exhausted, memory: 512, limits: %{max_duration_secs: 60})
    end
  end

  defp tasks do
    [
      new(
        "tasks that gather tasks without end",
        "import asyncio\nasync def f():\n    await asyncio.gather(f(), f())\nasyncio.run(f())",
        @exhausted,
        memory: 768,
        limits: %{max_duration_secs: 60}
      ),
      new(
        "a million tasks at once",
        "import asyncio\nasync def f():\n    pass\nasync def g():\n    await asyncio.gather(*[f() for _ in range(1_000_000)])\nasyncio.run(g())",
        @exhausted,
        memory: 768,
        limits: %{max_duration_secs: 60}
      ),
      new(
        "gatherings in one another",
        "import asyncio\nasync def g():\n    x = asyncio.gather()\n    for _ in range(100_000):\n        x = asyncio.gather(x)\n    await x\n    return 1\nasyncio.run(g())",
        {:ok, 1}
      ),
      new(
        "a loop inside a loop",
        "import asyncio\nasync def f():\n    asyncio.run(f())\nasyncio.run(f())",
        @too_deep
      )
    ]
  end

  defp numbers do
    digits = {:raised, :value_error}

    for {name, code, expect} <- [
          {"a million digits, read", "int('7' * 1_000_000)", digits},
          {"a million digits, shown", "str(7 ** 1_000_000)", digits},
          {"a million digits in JSON", "import json\njson.loads('7' * 1_000_000)", digits},
          {"a million digits, as a float", "float('1' * 1_000_000) > 1", {:ok, true}},
          {"the length of a huge range", "len(range(10**30))", {:raised, :overflow_error}},
          {"a search in a huge range", "1.5 in range(10**12)", {:ok, false}},
          {"an index into a huge range", "range(10**18)[10**17]", {:ok, 100_000_000_000_000_000}},
          {"integers of one hash", "len({i * ((1 << 61) - 1) for i in range(50_000)})", {:ok, 50_000}},
          {"floats and integers of one hash",
           "len({float(i) for i in range(100_000)} | {i for i in range(100_000)})", {:ok, 100_000}},
          {"the far end of an iterator",
           "import itertools\nnext(itertools.islice(itertools.count(), 10**18, None))", @late}
        ] do
      new(name, code, expect, memory: 256, limits: %{max_duration_secs: 5})
    end
  end

  defp slow do
    for {name, code} <- [
          {"multiples that grow", "import math\nmath.lcm(*range(1, 200_000))"},
          {"sums of lists", "sum([[1] * 10] * 1_000_000, [])"},
          {"lists that are added by reduce",
           "import functools\nfunctools.reduce(lambda a, b: a + b, [[1]] * 1_000_000)"},
          {"a list that is emptied at its front", "x = list(range(2_000_000))\nwhile x:\n    x.pop(0)"},
          {"objects of one hash",
           "class A:\n    def __hash__(self): return 1\nlen({A() for _ in range(100_000)})"},
          {"a key that is derived", "import hashlib\nhashlib.pbkdf2_hmac('sha256', b'a', b'b', 10**9)"},
          {"an exponential of many digits",
           "from decimal import Decimal, getcontext\ngetcontext().prec = 1_000_000\nDecimal(2).exp()"},
          {"permutations that are counted", "import math\nmath.perm(10**7, 5 * 10**6)"}
        ] do
      new(name, code, @late, limits: %{max_duration_secs: 2}, way: :together)
    end ++
      [
        new(
          "a named tuple of as many fields as fit",
          "from collections import namedtuple\nlen(namedtuple('T', [f'x{i}' for i in range(200_000)])._fields)",
          {:ok, 200_000}
        )
      ]
  end

  defp classes do
    for {name, body, code, expect} <- [
          {"a method that contains itself", "__contains__(self, x): return x in self", "1 in A()", @too_deep},
          {"a sum of itself", "__add__(self, o): return self + o", "A() + 1", @too_deep},
          {"a call of itself", "__call__(self): return self()", "A()()", @too_deep},
          {"an iterator of itself", "__iter__(self): return iter(self)", "list(A())", @too_deep},
          {"an item of itself", "__getitem__(self, i): return self[i]", "A()[1]", @too_deep},
          {"a repr that is no text", "__repr__(self): return 1", "repr(A())", {:raised, :type_error}},
          {"a hash that is no number", "__hash__(self): return 'x'", "{A(): 1}", {:raised, :type_error}},
          {"a hash beyond all integers", "__hash__(self): return 10**300", "len({A(): 1})", {:ok, 1}}
        ] do
      new(name, "class A:\n    def #{body}\n#{code}", expect)
    end ++
      for {name, method, data, code, expect} <- [
            {"a list that is emptied while it is searched", "__eq__(self, o)", "[A() for _ in range(100)]",
             "x.count(A())", {:ok, 0}},
            {"a list that is emptied while it is shown", "__repr__(self)", "[A() for _ in range(100)]",
             "repr(x)", {:ok, "[y]"}},
            {"a dict that is emptied while it is shown", "__repr__(self)", "{i: A() for i in range(100)}",
             "repr(x)", {:ok, "{0: y}"}}
          ] do
        result = if method =~ "eq", do: "False", else: "'y'"
        body = "class A:\n    def #{method}:\n        x.clear()\n        return #{result}\n"
        new(name, body <> "x = #{data}\n" <> code, expect)
      end ++
      [
        new(
          "a list that grows while it is sorted",
          "x = [3, 2, 1]\ndef key(i):\n    x.append(i)\n    return i\nx.sort(key=key)",
          {:raised, :value_error}
        ),
        new(
          "a key that raises",
          "def key(i):\n    return 1 / 0\nsorted([1, 2], key=key)",
          {:raised, :zero_division_error}
        ),
        new(
          "a dict that is emptied while a key is looked for",
          "class A:\n    def __hash__(self): return 1\n    def __eq__(self, o):\n        d.clear()\n        return False\nd = {}\nfor i in range(50):\n    d[A()] = i\nlen(d)",
          {:ok, 1}
        ),
        new(
          "instances that hold themselves, compared",
          "from dataclasses import dataclass\n@dataclass\nclass D:\n    x: object\nd, e = D(1), D(1)\nd.x, e.x = d, e\nd == e",
          @too_deep
        ),
        new("input that nobody gives", "input()", {:raised, :name_error})
      ]
  end

  defp exceptions do
    [
      new(
        "a message of two hundred megabytes",
        "raise ValueError('y' * 200_000_000)",
        {:raised, :value_error}
      ),
      new("an exception that is its own cause", "e = ValueError()\nraise e from e", {:raised, :value_error}),
      new(
        "a traceback of as many frames as there may be",
        "def f(n):\n    if n == 0:\n        raise ValueError('deep')\n    f(n - 1)\nf(9_000)",
        {:raised, :value_error},
        limits: %{max_recursion_depth: 10_000}
      ),
      new(
        "exceptions that are caught on the way up, all the way",
        "def f(n):\n    try:\n        f(n - 1) if n else 1 / 0\n    except Exception as e:\n        raise ValueError(str(n)) from e\nf(900)",
        {:raised, :value_error}
      )
    ]
  end
end
