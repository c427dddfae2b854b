defmodule ExMonty.ModulesTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Sandbox}

  @moduletag :tmp_dir

  defp table(directory) do
    File.mkdir_p!(Path.join(directory, "pkg"))
    File.write!(Path.join(directory, "main.py"), "main")
    File.write!(Path.join(directory, "pkg/part.py"), "part")
    Mount.new!([{"/work", :memory}, {"/src", directory, :read_only}])
  end

  test "shutil and glob work over memory and over a read-only directory", %{tmp_dir: directory} do
    code = """
    import glob, os
    from shutil import copytree, rmtree

    os.chdir('/work')
    copytree('/src', 'copy')
    found = sorted(glob.glob('copy/**/*.py', recursive=True))
    rmtree('copy/pkg')
    (found, glob.glob('copy/*'))
    """

    mounts = table(directory)

    assert {:ok, {["copy/main.py", "copy/pkg/part.py"], ["copy/main.py"]}, ""} =
             Sandbox.run(code, mounts: mounts)

    assert {:ok, "main"} = Mount.read(mounts, "/work/copy/main.py")
  end

  test "relative paths follow the working directory of a session" do
    session = ExMonty.Session.new!(mounts: Mount.new!([{"/work", :memory}]))

    enter =
      "import os, shutil, glob\nos.mkdir('/work/d')\nos.chdir('/work/d')\nopen('a', 'w').write('text')\nNone"

    assert {:ok, nil, "", session} = ExMonty.Session.eval(session, enter)

    assert {:ok, {"b", ["a", "b"]}, "", _session} =
             ExMonty.Session.eval(session, "(shutil.copy('a', 'b'), sorted(glob.glob('*')))")
  end

  test "the exceptions of shutil are raised as OSError, and have no names" do
    mounts = [{"/m", :memory, files: %{"a" => "", "d/b" => "", "e/d/b" => ""}}]

    code = """
    import shutil
    told = []
    for work in [lambda: shutil.copy('/m/a', '/m/a'), lambda: shutil.move('/m/d', '/m/e'), lambda: shutil.move('/m/d', '/m/d/c')]:
        try:
            work()
        except OSError as error:
            told.append(str(error))
    told
    """

    assert {:ok, told, ""} = Sandbox.run(code, mounts: mounts)

    assert told == [
             "'/m/a' and '/m/a' are the same file",
             "Destination path '/m/e/d' already exists",
             "Cannot move a directory '/m/d' into itself '/m/d/c'."
           ]

    for name <- ["Error", "SameFileError", "SpecialFileError", "ReadError"] do
      assert {:error, %ExMonty.Exception{type: :attribute_error, message: message}} =
               Sandbox.run("import shutil\nshutil." <> name, mounts: mounts)

      assert message == "module 'shutil' has no attribute '#{name}'"
    end
  end

  test "a read-only directory is not written", %{tmp_dir: directory} do
    code = "import shutil\nshutil.rmtree('/src/pkg')"

    assert {:error, %ExMonty.Exception{type: :permission_error}} = Sandbox.run(code, mounts: table(directory))

    assert File.read!(Path.join(directory, "pkg/part.py")) == "part"
  end
end
