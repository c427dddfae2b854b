defmodule ExMonty.Attacks.Source do
  @moduledoc false

  # Programs that are an attack before they run: nested, long, wide, or not programs at all.

  import ExMonty.Test.Attack, only: [new: 3]

  @syntax {:raised, :syntax_error}
  @most 262_144

  def attacks, do: nested() ++ chained() ++ wide() ++ malformed()

  defp nested do
    [
      new("nested lists", dup("[", 100_000) <> dup("]", 100_000), @syntax),
      new("nested lists that are not closed", dup("[", 200_000), @syntax),
      new("nested parentheses", dup("(", 100_000) <> dup(")", 100_000), @syntax),
      new("nested sets", dup("{", 100_000) <> dup("}", 100_000), @syntax),
      new("nested dicts", dup("{1:", 60_000) <> "1" <> dup("}", 60_000), @syntax),
      new("nested subscripts", dup("x[", 80_000) <> dup("]", 80_000), @syntax),
      new("nested calls", dup("f(", 80_000) <> dup(")", 80_000), @syntax),
      new("nested lambdas", dup("lambda: ", 30_000) <> "1", @syntax),
      new("nested conditional expressions", dup("1 if 1 else ", 20_000) <> "1", @syntax),
      new("nested comprehensions", dup("[", 10_000) <> "1" <> dup(" for x in [1]]", 10_000), @syntax),
      new("nested f-strings", dup("f'{f\"{", 20_000), @syntax),
      new("nested format specifications", "f'{1:" <> dup("{1:", 50_000) <> dup("}", 50_000) <> "}'", @syntax),
      new("nested ifs", nest("if 1:", 700), @syntax),
      new("nested functions", nest("def f():", 700), @syntax),
      new("nested classes", nest("class A:", 700), @syntax),
      new("nested loops", nest("for i in [1]:", 700), @syntax),
      new("nested tries", nest_try(400), @syntax),
      new(
        "nested patterns",
        "match 1:\n case " <> dup("[", 50_000) <> "x" <> dup("]", 50_000) <> ":\n  pass",
        @syntax
      ),
      new("nested targets", dup("(", 50_000) <> "x" <> dup(",)", 50_000) <> " = 1", @syntax),
      new(
        "nested annotations",
        "x: " <> dup("list[", 40_000) <> "int" <> dup("]", 40_000) <> " = 1",
        @syntax
      ),
      new("nested stars", "f(" <> dup("*[", 60_000) <> dup("]", 60_000) <> ")", @syntax)
    ]
  end

  defp chained do
    [
      new("a chain of additions", "1" <> dup("+1", 130_000), @syntax),
      new("a chain of powers", "1" <> dup("**1", 80_000), @syntax),
      new("a chain of comparisons", "1" <> dup("<1", 130_000), @syntax),
      new("a chain of ors", "0" <> dup(" or 0", 50_000), @syntax),
      new("a chain of ands and ors", "0" <> dup(" or 1 and 0", 20_000), @syntax),
      new("a chain of nots", dup("not ", 60_000) <> "1", @syntax),
      new("a chain of minuses", dup("-", 260_000) <> "1", @syntax),
      new("a chain of attributes", "x" <> dup(".a", 130_000), @syntax),
      new("a chain of method calls", "''" <> dup(".strip()", 30_000), @syntax),
      new("a chain of calls", "f" <> dup("()", 130_000), @syntax),
      new("a chain of subscripts", "x" <> dup("[0]", 80_000), @syntax),
      new("a chain of assignments", dup("x=", 130_000) <> "1", {:ok, nil}),
      new("a chain of elifs", "if 0:\n  1\n" <> dup("elif 0:\n  1\n", 20_000), @syntax),
      new("a chain of decorators", dup("@f\n", 80_000) <> "def g(): pass", @syntax),
      new("a chain of strings", "len(" <> dup("'a' ", 60_000) <> ")", {:ok, 60_000}),
      new("a chain of string additions", "'a'" <> dup("+'a'", 60_000), @syntax),
      new("a chain of walruses", dup("(x:=", 50_000) <> "1" <> dup(")", 50_000), @syntax),
      new("a chain of fors in one comprehension", "[1" <> dup(" for x in [1]", 18_000) <> "]", @syntax),
      new("a chain of handlers", "try:\n 1\n" <> dup("except A:\n 1\n", 18_000), @syntax),
      new("a chain of cases", "match 1:\n" <> dup(" case 2:\n  1\n", 18_000), @syntax),
      new("a chain of alternatives", "match 1:\n case 2" <> dup("|2", 120_000) <> ":\n  1", @syntax)
    ]
  end

  defp wide do
    [
      new("a source one byte too large", "#" <> dup("x", @most), {:refused, :source_too_large}),
      new("a source of the largest size", "#" <> dup("x", @most - 1), {:ok, nil}),
      new("a source of thirty-two mebibytes", dup("#\n", 16 * 1_048_576), {:refused, :source_too_large}),
      new("as many calls as fit", "def f(x): return x\n" <> dup("f(1)\n", 52_000), {:ok, 1}),
      new("as many variables as fit", Enum.map_join(1..26_000, "\n", &"x#{&1}=1"), {:ok, nil}),
      new("as many functions as fit", Enum.map_join(1..15_000, "\n", &"def f#{&1}():1"), {:ok, nil}),
      new(
        "as many parameters as fit",
        "def f(" <> Enum.map_join(1..30_000, ",", &"x#{&1}") <> "): pass",
        {:ok, nil}
      ),
      new("as many arguments as fit", "def f(*a): return len(a)\nf(" <> dup("1,", 130_000) <> ")", @syntax),
      new("a literal list as long as fits", "len([" <> dup("1,", 130_000) <> "])", @syntax),
      new("a literal integer as long as fits", dup("9", 262_000), {:raised, :syntax_error}),
      new(
        "a literal hexadecimal integer as long as fits",
        "(0x" <> dup("f", 262_000) <> ") >> 1_047_996",
        {:ok, 15}
      ),
      new("a name as long as fits", dup("x", 131_000) <> "=1", {:ok, nil}),
      new("an f-string of as many parts as fit", "len(f'" <> dup("{1}", 80_000) <> "')", @syntax),
      new("nothing but line ends", dup("\n", @most), {:ok, nil}),
      new("nothing but semicolons", dup("1;", div(@most, 2)), {:ok, 1}),
      new("a million variables", {__MODULE__, :variables, [1_000_000]}, {:refused, :source_too_large})
    ]
  end

  defp malformed do
    [
      new("a null byte", "1\0", @syntax),
      new("bytes that are no text", <<"'", 255, 254, "'">>, {:refused, :invalid_source}),
      new("a string that is not closed", "'" <> dup("x", 200_000), @syntax),
      new("nothing but quotes", dup("\"", 200_001), @syntax),
      new("nothing but backslashes", dup("\\\n", 100_000), @syntax),
      new("indentation that grows and shrinks", indentations(2_000), @syntax),
      new("the source built at run time by eval", "eval('1+1')", @syntax),
      new("the source built at run time by exec", "exec('x = 1')", @syntax),
      new("eval under another name", "e = eval\ne('1')", @syntax),
      new("eval in wide letters", "ｅval('1')", @syntax),
      new("eval in an f-string", "f'{eval(\"1\")}'", @syntax),
      new(
        "deep source built at run time",
        "eval('[' * 180 + ']' * 180 + '+1' * 5_000_000)",
        @syntax
      )
    ]
  end

  def variables(count) do
    ExMonty.eval(Enum.map_join(1..count, "\n", &"x#{&1}=1"))
  end

  defp dup(text, times), do: String.duplicate(text, times)

  defp nest(head, depth) do
    Enum.map_join(0..(depth - 1), "\n", &(dup(" ", &1) <> head)) <> "\n" <> dup(" ", depth) <> "pass"
  end

  defp nest_try(depth) do
    tries = Enum.map_join(0..(depth - 1), "\n", &(dup(" ", &1) <> "try:"))

    ends =
      Enum.map_join((depth - 1)..0//-1, "\n", &(dup(" ", &1) <> "finally:\n" <> dup(" ", &1 + 1) <> "pass"))

    tries <> "\n" <> dup(" ", depth) <> "pass\n" <> ends
  end

  defp indentations(times) do
    Enum.map_join(1..times, "\n", fn n -> dup(" ", rem(n * 7, 13)) <> "1" end)
  end
end
