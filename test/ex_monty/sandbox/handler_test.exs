defmodule ExMonty.Sandbox.HandlerTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, Sandbox}

  defmodule Full do
    @behaviour Sandbox

    @impl true
    def handle_function("echo", args, kwargs), do: {:ok, {args, kwargs}}
    def handle_function("slowly", [x], _kwargs), do: {:async, fn -> {:ok, x} end}
    def handle_function("norm", [%Dataclass{fields: fields}, scale], _kwargs), do: {:ok, fields["x"] * scale}
    def handle_function("double", [x], _kwargs), do: {:ok, 2 * x}
    def handle_function(_name, _args, _kwargs), do: :undefined

    @impl true
    def handle_os(:getenv, ["HOME", _default], _kwargs), do: {:ok, "/home/agent"}
    def handle_os(:read_text, [{:path, path}], _kwargs), do: {:ok, "handler: " <> path}
    def handle_os(:exists, _args, _kwargs), do: {:ok, "yes"}
    def handle_os(_function, _args, _kwargs), do: :no_handler

    @impl true
    def handle_name_lookup("double"), do: {:ok, {:function, "double"}}
    def handle_name_lookup("ANSWER"), do: {:ok, 42}
    def handle_name_lookup("bad"), do: :nonsense
    def handle_name_lookup("secret"), do: {:error, :permission_error, "not yours"}
    def handle_name_lookup(_name), do: :undefined

    @impl true
    def handle_attribute(%Dataclass{name: "Point", fields: %{"x" => x}}, "far"), do: {:ok, x > 100}
    def handle_attribute(_instance, "broken"), do: raise("no")
    def handle_attribute(_instance, _name), do: :undefined

    @impl true
    def handle_import("shop"), do: {:ok, %{tax: 0.5, price: fn [item], _ -> {:ok, byte_size(item)} end}}
    def handle_import("wrapped"), do: {:ok, {:module, "wrapped", %{"a" => 1}}}
    def handle_import("broken"), do: {:ok, %{f: fn -> 1 end}}
    def handle_import("refused"), do: {:error, :import_error, "not for you"}
    def handle_import(_name), do: :not_found
  end

  defmodule Least do
    @behaviour Sandbox

    @impl true
    def handle_function("f", args, _kwargs), do: {:ok, length(args)}
  end

  defp run(code, opts \\ []), do: Sandbox.run(code, Keyword.put_new(opts, :handler, Full))

  defp raised(code, opts \\ []) do
    assert {:error, %ExMonty.Exception{} = exception} = run(code, opts)
    {exception.type, exception.message}
  end

  describe "handle_function/3" do
    test "answers the calls that :functions do not have" do
      assert {:ok, {[1], %{"k" => 2}}, ""} = run("echo(1, k=2)")
      assert {:ok, "mine", ""} = run("echo()", functions: %{echo: fn _, _ -> {:ok, "mine"} end})
      assert {:ok, [1, 2], ""} = run("import asyncio\nawait asyncio.gather(slowly(1), slowly(2))")
    end

    test "answers :undefined for a name that does not exist" do
      assert {:name_error, "name 'missing' is not defined"} = raised("missing()")
    end

    test "answers calls of methods, with the instance first" do
      point = Dataclass.new("Point", x: 7)
      assert {:ok, 21, ""} = run("p.norm(3)", inputs: %{p: point})

      assert {:attribute_error, "'Point' object has no attribute 'area'"} =
               raised("p.area()", inputs: %{p: point})
    end

    test "that does not know a call is told so in the script" do
      assert {:runtime_error, message} = raised("g()", handler: Least)
      assert message =~ "g() failed: (FunctionClauseError)"
    end
  end

  describe "methods" do
    test "are functions named after class and method, or after the method alone" do
      point = Dataclass.new("Point", x: 7)
      named = %{"Point.norm" => fn [p, n], _ -> {:ok, {"class", p.fields["x"] * n}} end}
      plain = %{"norm" => fn [p, n], _ -> {:ok, {"plain", p.fields["x"] * n}} end}

      assert {:ok, {"class", 14}, ""} =
               run("p.norm(2)", inputs: %{p: point}, functions: Map.merge(plain, named))

      assert {:ok, {"plain", 14}, ""} = run("p.norm(2)", inputs: %{p: point}, functions: plain)

      assert {:ok, 42, ""} =
               run("import asyncio\nawait p.fetch()",
                 inputs: %{p: point},
                 functions: %{"Point.fetch" => fn [p], _ -> {:async, fn -> {:ok, p.fields["x"] * 6} end} end}
               )
    end

    test "that nobody has are an AttributeError" do
      assert {:error, %ExMonty.Exception{type: :attribute_error, message: message}} =
               Sandbox.run("p.norm()", inputs: %{p: Dataclass.new("Point", x: 1)})

      assert message == "'Point' object has no attribute 'norm'"
    end
  end

  describe "handle_attribute/2" do
    test "answers for attributes that are no fields" do
      point = Dataclass.new("Point", x: 7)
      assert {:ok, {7, false}, ""} = run("(p.x, p.far)", inputs: %{p: point})

      assert {:attribute_error, "'Point' object has no attribute 'z'"} = raised("p.z", inputs: %{p: point})

      assert {:runtime_error, "the attribute Point.broken failed: (RuntimeError) no"} =
               raised("p.broken", inputs: %{p: point})
    end

    test "is the only one that is asked: a function is never reached by the name of an attribute" do
      functions = %{"z" => fn _, _ -> {:ok, "reached"} end}

      assert {:error, %ExMonty.Exception{type: :attribute_error}} =
               Sandbox.run("p.z", inputs: %{p: Dataclass.new("Point", x: 1)}, functions: functions)
    end
  end

  describe "handle_name_lookup/1" do
    test "says what a name is that is read" do
      assert {:ok, {42, 8}, ""} = run("f = double\n(ANSWER, f(4))")
      assert {:name_error, "name 'other' is not defined"} = raised("other")
      assert {:permission_error, "not yours"} = raised("secret")
      assert {:runtime_error, "the name bad failed: it answered neither" <> _} = raised("bad")
    end

    test "is not asked for the functions that there are" do
      assert {:ok, "mine", ""} = run("f = double\nf(1)", functions: %{double: fn _, _ -> {:ok, "mine"} end})
    end

    test "may be missing: a name that is read is a NameError then, and one that is called is not" do
      assert {:ok, 2, ""} = run("f(1, 2)", handler: Least)
      assert {:name_error, _} = raised("g = f", handler: Least)
    end
  end

  describe "handle_import/1" do
    test "gives modules with functions and values" do
      assert {:ok, {1.5, 5}, ""} =
               run("import shop\nfrom shop import price\n(price('tea') * shop.tax, price('bread'))")

      assert {:ok, 1, ""} = run("import wrapped\nwrapped.a")
    end

    test "is asked after :modules" do
      assert {:ok, 9, ""} = run("import shop\nshop.tax", modules: %{shop: %{tax: 9}})
    end

    test "has no other way to go wrong than an exception at the import" do
      assert {:module_not_found_error, "No module named 'numpy'"} = raised("import numpy")
      assert {:import_error, "not for you"} = raised("import refused")

      assert {:runtime_error,
              "the import of broken failed: it answered neither {:ok, map of attributes}" <> _} =
               raised("import broken")

      assert {:module_not_found_error, _} = raised("import shop", handler: Least)
    end
  end

  describe "an OS call" do
    test "goes to the mount that covers its path, then to :os, then to handle_os/3, then to nobody" do
      code = """
      import os
      from pathlib import Path
      [Path('/in/a').read_text(), Path('/os').read_text(), Path('/other').read_text(), os.getenv('HOME'), Path('/x').is_file()]
      """

      os = %{
        read_text: fn
          [{:path, "/os"}], _ -> {:ok, "os"}
          _, _ -> :no_handler
        end
      }

      assert {:ok, ["mounted", "os", "handler: /other", "/home/agent", false], ""} =
               run(code, os: os, mounts: [{"/in", :memory, files: %{"a" => "mounted"}}])

      assert {:permission_error, "Permission denied: '/x'"} = raised("open('/x')")
    end

    test "that is answered with what it cannot take is a TypeError that says what it takes" do
      assert {:type_error, message} = raised("from pathlib import Path\nPath('/x').exists()")
      assert message =~ "the OS call exists: expected a boolean"
    end

    test "for the clock reaches the handler when the clock is the host's" do
      defmodule Clock do
        @behaviour Sandbox
        @impl true
        def handle_function(_name, _args, _kwargs), do: :undefined
        @impl true
        def handle_os(:time, _args, _kwargs), do: {:ok, 1.5}
      end

      assert {:ok, 1.5, ""} = run("import time\ntime.time()", handler: Clock, clock: :host)
      assert {:ok, true, ""} = run("import time\ntime.time() > 1000.0", handler: Clock)
    end

    test "to sleep is not asked of the handler" do
      assert {:ok, nil, ""} = run("import time\ntime.sleep(0.001)")
    end
  end

  test "a handler that is none is refused" do
    for handler <- [String, NoSuchModule, "Full", 5] do
      assert_raise ArgumentError,
                   ~r/:handler: got .* accepted: a module with the behaviour ExMonty.Sandbox/,
                   fn ->
                     Sandbox.run("1", handler: handler)
                   end
    end
  end
end
