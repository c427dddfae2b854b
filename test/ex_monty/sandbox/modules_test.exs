defmodule ExMonty.Sandbox.ModulesTest do
  use ExUnit.Case, async: true

  alias ExMonty.Sandbox

  doctest ExMonty.Sandbox.Modules

  @shop %{
    "price" => &__MODULE__.price/2,
    "fetch" => &__MODULE__.fetch/2,
    "fail" => &__MODULE__.fail/2,
    "TAX" => 0.5,
    "TABLE" => %{"tea" => [1, 2]},
    tags: {"a", "b"},
    nested: {:module, "nested", %{deep: &__MODULE__.deep/2, N: 3}}
  }

  defmodule Answerer do
    @behaviour Sandbox

    @impl true
    def handle_function(name, _args, _kwargs), do: {:ok, "asked for #{name}"}
  end

  def price([item], kwargs), do: {:ok, byte_size(item) + Map.get(kwargs, "extra", 0)}
  def fetch([key], _kwargs), do: {:async, fn -> {:ok, key} end}
  def fail(_args, _kwargs), do: {:error, :value_error, "no such thing"}
  def deep(_args, _kwargs), do: {:ok, "deep"}

  defp run(code, opts \\ []), do: Sandbox.run(code, Keyword.put_new(opts, :modules, %{shop: @shop}))

  test "have functions and values, in every form of import" do
    assert {:ok, {6, 0.5}, ""} = run("import shop\n(shop.price('tea', extra=3), shop.TAX)")
    assert {:ok, {3, 0.5}, ""} = run("import shop as s\n(s.price('tea'), s.TAX)")
    assert {:ok, {3, 0.5}, ""} = run("from shop import price, TAX as tax\n(price('tea'), tax)")
    assert {:ok, {[1, 2], {"a", "b"}}, ""} = run("import shop\n(shop.TABLE['tea'], shop.tags)")
    assert {:ok, {"deep", 3}, ""} = run("import shop\n(shop.nested.deep(), shop.nested.N)")

    assert {:ok, ["x", "y"], ""} =
             run("import asyncio, shop\nawait asyncio.gather(shop.fetch('x'), shop.fetch('y'))")
  end

  test "of the same function name do not get in each other's way, nor in that of :functions" do
    one = %{"f" => fn _, _ -> {:ok, 1} end}
    two = %{"f" => fn _, _ -> {:ok, 2} end}

    assert {:ok, {1, 2, 3}, ""} =
             run("import a, b\n(a.f(), b.f(), f())",
               modules: %{"a" => one, "b" => two},
               functions: %{f: fn _, _ -> {:ok, 3} end}
             )

    assert {:error, %ExMonty.Exception{type: :name_error}} = run("import a\nf()", modules: %{"a" => one})
  end

  # An entry "shop.tea" could once be given and never be imported.
  test "whose names have a dot are modules in modules, in every form of import" do
    modules = %{
      "shop.tea" => %{"price" => &__MODULE__.price/2, "N" => 1},
      "shop" => %{"TAX" => 0.5, made: {:module, "made", %{"here" => 2}}},
      "shop.tea.green" => %{"N" => 3},
      "shop.made.too" => %{"N" => 4},
      "alone.inside" => %{"N" => 5}
    }

    for {code, value} <- [
          {"import shop.tea\n(shop.tea.price('x'), shop.tea.N, shop.TAX)", {1, 1, 0.5}},
          {"import shop.tea.green as g\ng.N", 3},
          {"from shop.tea import price, N\n(price('xy'), N)", {2, 1}},
          {"from shop import tea\ntea.green.N", 3},
          {"import shop.made.too\n(shop.made.here, shop.made.too.N)", {2, 4}},
          {"import alone.inside\nalone.inside.N", 5}
        ] do
      assert {code, Sandbox.run(code, modules: modules)} == {code, {:ok, value, ""}}
    end

    assert {:error, %{type: :module_not_found_error}} = Sandbox.run("import shop.coffee", modules: modules)

    for taken <- [%{"tea" => 1}, %{tea: {:module, "tea", %{}}}, %{"tea" => &__MODULE__.price/2}] do
      assert_raise ArgumentError,
                   ~r/:modules: shop\.tea is given twice, as a module and as an attribute/,
                   fn ->
                     Sandbox.run("1", modules: %{"shop" => taken, "shop.tea" => %{}})
                   end
    end
  end

  test "raise by name what is wrong" do
    assert {:error, %{type: :value_error, message: "no such thing"}} = run("import shop\nshop.fail()")
    assert {:error, %{type: :attribute_error}} = run("import shop\nshop.nothing")
    assert {:error, %{type: :import_error}} = run("from shop import nothing")

    assert {:error, %{type: :module_not_found_error, message: "No module named 'other'"}} =
             run("import other")

    assert {:error, %{type: :runtime_error, message: message}} =
             run("import m\nm.f()", modules: %{m: %{f: fn _, _ -> :nonsense end}})

    assert message =~ "m.f() failed: it answered neither"
  end

  test "with a value that cannot cross raise TypeError at the import, naming the place" do
    assert {:error, %{type: :type_error, message: message}} =
             run("import m", modules: %{m: %{"a" => [self()]}})

    assert message =~ ~r/import: result.*a pid cannot become a Python value/
  end

  test "that are malformed are refused before the run" do
    for {modules, message} <- [
          {[], ~r/:modules: got \[\]/},
          {%{5 => %{}}, ~r/:modules\[5\]/},
          {%{m: 5}, ~r/:modules\[:m\]: got 5, accepted: a map of attributes/},
          {%{m: %{f: fn -> 1 end}}, ~r/:modules\[:m\]\[:f\]: got #Function.*two arguments/},
          {%{m: %{5 => 1}}, ~r/:modules\[:m\]\[5\]: got 5, accepted: a name/},
          {%{m: %{n: {:module, "n", %{f: fn -> 1 end}}}}, ~r/:modules\[:m\]\[:f\]/}
        ] do
      assert_raise ArgumentError, message, fn -> run("1", modules: modules) end
    end
  end

  describe "functions of shutil and glob whose paths no mount covers" do
    @mounts [{"/m", :memory, files: %{"a" => "text"}}]

    # Of two paths the one was named that a mount covers, as what may not be had.
    test "raise PermissionError that names each path, and find nothing as a search does" do
      for {call, paths} <- [
            {"shutil.copy('/m/a', '/x')", "'/m/a' -> '/x'"},
            {"shutil.move(dst='/m/a', src=Path('/x'))", "'/x' -> '/m/a'"},
            {"shutil.copytree('/x', dst='/m/b', dirs_exist_ok=True)", "'/x' -> '/m/b'"},
            {"shutil.rmtree('/x', True)", "'/x'"},
            {"shutil.disk_usage(path='/x')", "'/x'"}
          ] do
        assert {:error, %{type: :permission_error, message: message}} =
                 run("import shutil\nfrom pathlib import Path\n" <> call, mounts: @mounts)

        assert message == "Permission denied: " <> paths
      end

      assert {:ok, [], ""} = run("import glob\nglob.glob('/x/*')", mounts: @mounts)
    end

    test "can be answered by :functions, and by no handler" do
      copy = "import shutil\nshutil.copy('/m/a', '/x')"
      functions = %{"shutil.copy" => fn ["/m/a", "/x"], %{} -> {:ok, "mine"} end}
      assert {:ok, "mine", ""} = run(copy, mounts: @mounts, functions: functions)
      assert {:error, %{type: :permission_error}} = run(copy, mounts: @mounts, handler: Answerer)
    end
  end

  test "shutil is the library's where anything is mounted, and can be given where nothing is" do
    own = %{"shutil" => %{"which" => "mine"}}
    assert {:ok, "mine", ""} = run("import shutil\nshutil.which", modules: own)

    assert {:error, %{type: :attribute_error}} =
             run("import shutil\nshutil.which", modules: own, mounts: [{"/m", :memory}])

    assert {:error, %{type: :module_not_found_error}} = run("import shutil")
  end
end
