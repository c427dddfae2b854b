defmodule ExMonty.Sandbox.PseudoFSTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, PseudoFS, Sandbox}

  defp fs do
    PseudoFS.new()
    |> PseudoFS.put_file("/data/names.txt", "Ada\nGrace\n")
    |> PseudoFS.put_bytes("/data/logo.bin", <<0, 255>>)
    |> PseudoFS.mkdir("/out")
    |> PseudoFS.put_env("HOME", "/data")
  end

  test "given as :os is the files and the environment of the run" do
    code = """
    import os
    from pathlib import Path
    Path('/out/n').write_text('x')
    (Path('/data/names.txt').read_text(), Path('/data/logo.bin').read_bytes(), os.environ['HOME'], os.getenv('NONE'),
     sorted(os.listdir('/')), os.getcwd())
    """

    assert {:ok, {"Ada\nGrace\n", {:bytes, <<0, 255>>}, "/data", nil, ["data", "out"], "/"}, ""} =
             Sandbox.run(code, os: fs())

    assert {:ok, false, ""} = Sandbox.run("import os\nos.path.exists('/out/n')", os: fs())
  end

  test "stands beside mounts that are given as specs, the first of which is the working directory" do
    code =
      "import os\n(os.getcwd(), open('/data/names.txt').readline(), open('a').read(), sorted(os.listdir('/')))"

    assert {:ok, {"/work", "Ada\n", "1", ["data", "out", "work"]}, ""} =
             Sandbox.run(code, os: fs(), mounts: [{"/work", :memory, files: %{"a" => "1"}}])

    assert {:error, {:already_mounted, "/"}} = Sandbox.run("1", os: fs(), mounts: [{"/", :memory}])
  end

  test "is overridden by :env, and needs no files" do
    both = "import os\n(os.getenv('HOME'), os.getenv('LANG'))"
    assert {:ok, {"/me", "en"}, ""} = Sandbox.run(both, os: fs(), env: %{"HOME" => "/me", "LANG" => "en"})

    variables = PseudoFS.put_env(PseudoFS.new(), "LANG", "en")
    assert {:ok, {nil, "en"}, ""} = Sandbox.run(both, os: variables, mounts: Mount.new!([{"/m", :memory}]))
  end

  test "with files cannot be added to a table, and says so" do
    assert_raise ArgumentError, ~r/give :mounts as specs/, fn ->
      Sandbox.run("1", os: fs(), mounts: Mount.new!())
    end
  end
end
