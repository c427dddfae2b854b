defmodule ExMonty.ExceptionTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Exception, StackFrame}

  doctest ExMonty.Exception

  defp raised(code, opts \\ []) do
    assert {:error, %Exception{} = exception} = ExMonty.eval(code, opts)
    exception
  end

  describe "an exception that ended a run" do
    test "has type, message, output and frames, the outermost first" do
      exception = raised("def f(x):\n    return 1 / x\n\nprint('before')\nf(0)", script_name: "job.py")

      assert %Exception{type: :zero_division_error, message: "division by zero", output: "before\n"} =
               exception

      assert [
               %StackFrame{
                 filename: "job.py",
                 name: "<module>",
                 line: 5,
                 column: 1,
                 end_line: 5,
                 end_column: 5
               },
               %StackFrame{filename: "job.py", name: "f", line: 2, column: 12, end_line: 2, end_column: 17}
             ] = exception.traceback

      assert Enum.map(exception.traceback, & &1.preview) == ["f(0)\n~~~~", "return 1 / x\n       ~~~~~"]
    end

    test "that is a syntax error has a frame without a name" do
      assert %Exception{type: :syntax_error, traceback: [%StackFrame{name: nil, line: 2}]} =
               raised("x = 1\ny = = 2")
    end

    test "may have been raised with nothing, or with an empty text" do
      assert %Exception{type: :value_error, message: nil} = exception = raised("raise ValueError")
      assert Elixir.Exception.message(exception) == "ValueError"
      assert %Exception{type: :value_error, message: ""} = exception = raised("raise ValueError('')")
      assert Elixir.Exception.message(exception) == "ValueError"
    end

    test "can be raised again in Elixir" do
      assert_raise Exception, "KeyError: 'k'", fn -> raise raised("raise KeyError('k')") end
    end

    test "keeps its traceback within bounds however long the lines are" do
      # A thousand functions on one line of 150 KiB, each calling the next.
      links = for n <- 1..900, do: "f#{n} = lambda: f#{n + 1}()"

      line =
        Enum.join(links, "; ") <>
          "; pad = '" <> String.duplicate("x", 100_000) <> "'; f901 = lambda: 1 / 0; f1()"

      exception = raised(line)
      assert length(exception.traceback) > 900
      previews = Enum.map(exception.traceback, & &1.preview)
      assert List.last(previews) =~ "1 / 0"
      bytes = previews |> Enum.reject(&is_nil/1) |> Enum.map(&byte_size/1) |> Enum.sum()
      assert bytes < 1_500_000
    end
  end

  describe "format/1" do
    test "prints what Python prints" do
      code = """
      def outer(n):
          return inner(
              n,
          )

      def inner(n):
          raise ValueError(f'no {n}')

      outer(3)
      """

      assert Exception.format(raised(code)) == """
             Traceback (most recent call last):
               File "main.py", line 9, in <module>
                 outer(3)
                 ~~~~~~~~
               File "main.py", line 2, in outer
                 return inner(
                     n,
                 )
               File "main.py", line 7, in inner
                 raise ValueError(f'no {n}')
             ValueError: no 3\
             """
    end

    test "counts frames that repeat more than three times" do
      code = fn times ->
        "def f(n):\n    if n == 0:\n        raise ValueError\n    f(n - 1)\nf(#{times})"
      end

      assert length(String.split(Exception.format(raised(code.(3))), "f(n - 1)")) == 4
      refute Exception.format(raised(code.(3))) =~ "repeated"
      assert Exception.format(raised(code.(4))) =~ "\n  [Previous line repeated 1 more time]\n"
      assert Exception.format(raised(code.(7))) =~ "\n  [Previous line repeated 4 more times]\n"
      assert length(String.split(Exception.format(raised(code.(7))), "f(n - 1)")) == 4
    end

    test "of a syntax error names no function" do
      assert Exception.format(raised("a b")) =~
               ~s(most recent call last\):\n  File "main.py", line 1\n    a b\n)
    end

    test "of an exception without a traceback is its last line" do
      assert Exception.format(%Exception{type: :os_error, message: "gone"}) == "OSError: gone"
    end
  end

  describe "the key of a KeyError" do
    @no_keys "env = {}\nenv"

    test "is shown as Python shows it" do
      for key <- [
            "'name'",
            "'two words'",
            "''",
            ~S("it's"),
            ~S('it\'s "so"'),
            ~S('back\\slash'),
            ~S('line\n\ttab\r'),
            ~S('\x00\x7f'),
            "'ünï 日本'",
            ~S('\x85\ufffe'),
            "5",
            "-1.5",
            "(1, 'a')",
            "None",
            "True",
            "b'x'"
          ] do
        exception = raised(@no_keys <> "[" <> key <> "]")
        assert Elixir.Exception.message(exception) == "KeyError: " <> key
      end
    end

    test "is what a function of the host says, and what stands in quotes already stays" do
      for {message, shown} <- [{"no such item", "'no such item'"}, {"'k'", "'k'"}] do
        exception = %Exception{type: :key_error, message: message}
        assert Elixir.Exception.message(exception) == "KeyError: " <> shown
        assert Exception.format(exception) == "KeyError: " <> shown
      end

      assert Elixir.Exception.message(%Exception{type: :key_error}) == "KeyError"
    end

    test "is as it is where it is too long to be quoted" do
      longest = String.duplicate("\n", 65_536)
      assert Elixir.Exception.message(%Exception{type: :key_error, message: longest}) =~ ~S(KeyError: '\n\n)
      longer = longest <> "\n"
      assert Elixir.Exception.message(%Exception{type: :key_error, message: longer}) == "KeyError: " <> longer
    end
  end

  describe "every type" do
    for type <- Exception.types() do
      test "#{inspect(type)} can be raised by the host, and comes back as itself" do
        type = unquote(type)

        {:ok, runner} =
          ExMonty.compile("try:\n    f()\nexcept BaseException as e:\n    g(type(e).__name__)\n    raise")

        assert {:ok, {:function_call, %{name: "f"}, snapshot, ""}} = ExMonty.start(runner)

        assert {:ok, {:function_call, %{name: "g", args: [name]}, snapshot, ""}} =
                 ExMonty.resume(snapshot, {:error, type, "why"})

        assert List.last(String.split(Exception.type_name(type), ".")) == name

        assert {:error, %Exception{type: ^type, message: "why"} = exception} =
                 ExMonty.resume(snapshot, {:ok, nil})

        shown = if type == :key_error, do: "'why'", else: "why"
        assert Elixir.Exception.message(exception) == Exception.type_name(type) <> ": " <> shown
      end
    end
  end

  test "an unknown type leaves the snapshot usable" do
    {:ok, runner} = ExMonty.compile("f()")
    {:ok, {:function_call, _call, snapshot, ""}} = ExMonty.start(runner)
    assert {:error, %ExMonty.Error{}} = ExMonty.resume(snapshot, {:error, :no_such_error, "why"})
    assert {:ok, {:complete, 1, ""}} = ExMonty.resume(snapshot, {:ok, 1})
  end

  test "an exception that is a value has no traceback, and goes in again" do
    assert {:ok, exception, ""} =
             ExMonty.eval("try:\n    1 / 0\nexcept ZeroDivisionError as e:\n    x = e\nx")

    assert exception == %Exception{
             type: :zero_division_error,
             message: "division by zero",
             traceback: [],
             output: ""
           }

    assert {:ok, {"ZeroDivisionError", "division by zero"}, ""} =
             ExMonty.eval("(type(x).__name__, str(x))", inputs: %{x: exception})

    assert {:ok, [], ""} = ExMonty.eval("list(x.args)", inputs: %{x: %Exception{type: :value_error}})
  end
end
