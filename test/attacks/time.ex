defmodule ExMonty.Attacks.Time do
  @moduledoc false

  # Whatever does not end, or not in the time that a run has: ten seconds by default.

  import ExMonty.Test.Attack, only: [new: 4]

  @late {:raised, :timeout_error}

  def attacks, do: endless() ++ slow()

  defp endless do
    for {name, code} <- [
          {"an endless loop", "while True:\n    pass"},
          {"an endless loop that catches everything",
           "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"},
          {"an endless loop in a finally block", "try:\n    pass\nfinally:\n    while True:\n        pass"},
          {"an endless loop of calls", "def f():\n    pass\nwhile True:\n    f()"},
          {"an endless loop over a counter", "import itertools\nfor i in itertools.count():\n    pass"},
          {"an endless sum", "import itertools\nsum(itertools.count())"},
          {"an endless search", "import itertools\n-1 in itertools.count()"},
          {"an endless any", "import itertools\nany(itertools.repeat(0))"},
          {"an endless maximum", "import itertools\nmax(itertools.count())"},
          {"an endless filter", "import itertools\nnext(filter(lambda x: False, itertools.count()))"},
          {"an endless loop in a key", "def f(x):\n    while True:\n        pass\nsorted([1, 2], key=f)"},
          {"an endless loop in a repr",
           "class A:\n    def __repr__(self):\n        while True:\n            pass\nrepr(A())"},
          {"an endless loop in an equality",
           "class A:\n    def __eq__(self, o):\n        while True:\n            pass\nA() == A()"},
          {"numbers that are added without end", "x = 0\nwhile True:\n    x += 1"},
          {"a long string that is read again and again",
           "x = 'y' * 1_000_000\nwhile True:\n    x.count('z')"},
          {"a list that grows at its front", "x = []\nfor i in range(10_000_000):\n    x.insert(0, i)"},
          {"JSON, written again and again",
           "import json\nx = list(range(100_000))\nwhile True:\n    json.dumps(x)"},
          {"a list, sorted again and again", "x = list(range(1_000_000, 0, -1))\nwhile True:\n    sorted(x)"},
          {"naive Fibonacci numbers", "def f(n):\n    return n if n < 2 else f(n - 1) + f(n - 2)\nf(60)"},
          {"large integers, multiplied again and again", "x = 3 ** 100_000\nwhile True:\n    x * x"},
          {"a regular expression, again and again",
           "import re\nwhile True:\n    re.search('(a*)*b', 'a' * 25)"}
        ] do
      new(name, code, @late, way: :together)
    end
  end

  # One operation each, in which the interpreter may or may not look at its clock.
  defp slow do
    for {name, code, expect} <- [
          {"a regular expression that goes back", "import re\nre.search('(a+)+$', 'a' * 40 + 'b')",
           {:ok, nil}},
          {"a regular expression that goes back, with alternatives",
           "import re\nre.match('(a|a)*b', 'a' * 40)", {:ok, nil}},
          {"a regular expression that goes back, with a reference",
           "import re\nre.match(r'(a+)\\1+b', 'a' * 100_000)", {:raised, :re_pattern_error}},
          {"a search of a long pattern", "('a' * 10_000_000 + 'b') in ('a' * 90_000_000)", {:ok, false}},
          {"a factorial", "import math\nmath.factorial(10_000_000)", @late},
          {"a large integer, as text", "len(str(7 ** 10_000_000))", {:raised, :value_error}},
          {"a large integer, of text", "int('7' * 10_000_000)", {:raised, :value_error}},
          {"a large integer, formatted", "len(f'{1 << 100_000_000:,}')", {:raised, :value_error}},
          {"a modular power", "pow(3, 1 << 200_000, (1 << 200_000) - 1)", @late},
          {"a combination", "import math\nmath.comb(10_000_000, 5_000_000)", @late}
        ] do
      new(name, code, expect, way: :apart)
    end
  end
end
