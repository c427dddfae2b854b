defmodule ExMonty.DynamicCodeTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Exception, Sandbox}

  test "a source that reads eval or exec is a SyntaxError that says where" do
    code = "x = 1\nif x:\n    y = [f for f in (len, eval)]"

    assert {:error, %Exception{type: :syntax_error} = exception} =
             ExMonty.compile(code, script_name: "job.py")

    assert exception.message =~ "'eval' is not available"
    assert [%{filename: "job.py", line: 3, column: 27}] = exception.traceback
    assert {:error, %Exception{type: :syntax_error}} = ExMonty.eval("exec('1')")
    assert {:error, %Exception{type: :syntax_error}} = Sandbox.run("f'{eval(chr(49))}'")
  end

  test "aliases, other spellings, decorators, comprehensions and defaults are no way around" do
    for code <- [
          "e = eval\ne('1')",
          "ｅval('1')",
          "list(map(eval, ['1']))",
          "[f('1') for f in [exec]]",
          "@eval\ndef f(): pass",
          "def f(x=eval): return x('1')\nf()",
          "class C:\n    e = eval\nC.e('1')",
          "f\"{f'{exec}'}\"",
          "import x as eval"
        ] do
      assert {:error, %Exception{type: :syntax_error, message: message}} = ExMonty.compile(code), code
      assert message =~ "is not available", code
    end
  end

  test "the builtins cannot be reached through attributes, strings, modules or the namespace" do
    for {code, type} <- [
          {"print.__self__.eval('1')", :attribute_error},
          {"getattr(print, 'ev' + 'al')", :attribute_error},
          {"(lambda: 0).__globals__", :attribute_error},
          {"(lambda: 0).__builtins__", :attribute_error},
          {"__builtins__", :name_error},
          {"globals()['ev' + 'al']", :name_error},
          {"vars()", :name_error},
          {"compile('1', 'x', 'eval')", :name_error},
          {"__import__('builtins')", :name_error},
          {"import builtins", :module_not_found_error},
          {"from builtins import open", :module_not_found_error},
          {"locals()['ev' + 'al']", :key_error},
          {"import sys\nsys.modules['builtins']", :attribute_error},
          {"'{0.ev}'.format(print)", :attribute_error}
        ] do
      assert {:error, %Exception{} = exception} = ExMonty.eval(code), code
      assert exception.type == type, "#{code}: #{Elixir.Exception.message(exception)}"
    end
  end

  test "text that looks like code stays text" do
    assert {:ok, "eval('1')", ""} = ExMonty.eval("x: \"eval('1')\" = \"eval('1')\"\nx")
    assert {:ok, "{eval('1')}", ""} = ExMonty.eval("'{' + \"eval('1')\" + '}'")
  end

  test "methods, attributes and arguments of these names are the script's to use" do
    code = """
    class Model:
        def eval(self, **options):
            return options['exec']
    Model().eval(exec=2)
    """

    assert {:ok, 2, ""} = ExMonty.eval(code)
  end

  test "a host's function, input or module member of these names is refused like any other use" do
    assert {:error, %Exception{type: :syntax_error}} =
             Sandbox.run("eval('1')", functions: %{"eval" => fn [text], _ -> {:ok, text} end})

    assert {:error, %Exception{type: :syntax_error}} = ExMonty.eval("eval", inputs: %{eval: 1})
    assert {:error, %Exception{type: :syntax_error}} = ExMonty.compile("from tools import eval")
    # Under another name, each is reached.
    assert {:ok, "1", ""} = Sandbox.run("run('1')", functions: %{"run" => fn [text], _ -> {:ok, text} end})
  end

  test "a syntax error is told as such" do
    assert {:error, %Exception{type: :syntax_error, message: message}} = ExMonty.compile("eval('1'")
    refute message =~ "is not available"
  end

  test "dynamic_code: true is the way out, for trusted code" do
    assert {:ok, 42, ""} = ExMonty.eval("eval('6 * 7')", dynamic_code: true)
    assert {:ok, runner} = ExMonty.compile("exec('x = 6')\nx * 7", dynamic_code: true)
    assert {:ok, 42, ""} = ExMonty.run(runner)

    for value <- [nil, 1, "true"] do
      assert_raise ArgumentError, ~r/:dynamic_code: .*accepted: true or false/, fn ->
        ExMonty.compile("1", dynamic_code: value)
      end
    end
  end
end
