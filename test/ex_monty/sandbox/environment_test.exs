defmodule ExMonty.Sandbox.EnvironmentTest do
  use ExUnit.Case, async: true

  alias ExMonty.Sandbox

  @code "import os\n(os.getenv('A'), os.getenv('B'), os.getenv('B', 'b'), os.environ.get('A'), sorted(os.environ))"

  test "is :env, for getenv and environ" do
    assert {:ok, {"1", nil, "b", "1", ["A", "C"]}, ""} = Sandbox.run(@code, env: %{"A" => "1", C: "3"})
    assert {:error, %{type: :key_error}} = Sandbox.run("import os\nos.environ['B']", env: %{"A" => "1"})
  end

  test "is not the environment of the VM" do
    assert {:ok, {nil, []}, ""} = Sandbox.run("import os\n(os.getenv('PATH'), list(os.environ))", env: %{})
    assert {:error, %{type: :runtime_error}} = Sandbox.run("import os\nos.getenv('PATH')")
  end

  test "is asked after :os" do
    os = %{getenv: fn [name | _], _ -> if name == "A", do: {:ok, "os"}, else: :no_handler end}

    assert {:ok, ["os", "2"], ""} =
             Sandbox.run("import os\n[os.getenv('A'), os.getenv('B')]", os: os, env: %{"A" => "1", "B" => "2"})
  end

  test "that holds anything but strings is refused" do
    for env <- [[], %{"A" => 1}, %{1 => "A"}, %{"A" => nil}] do
      assert_raise ArgumentError, ~r/:env.*accepted: a/, fn -> Sandbox.run("1", env: env) end
    end
  end
end
