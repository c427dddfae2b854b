defmodule ExMonty.PseudoFSTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, PseudoFS}

  doctest ExMonty.PseudoFS

  defp table(fs), do: fs |> PseudoFS.specs() |> Mount.new!()

  test "an empty one mounts nothing and has no variables" do
    fs = PseudoFS.new()
    assert {PseudoFS.specs(fs), PseudoFS.env(fs)} == {[], %{}}
  end

  test "files, bytes and directories are there, each put once or again" do
    mounts =
      PseudoFS.new()
      |> PseudoFS.put_file("/a/b/text", "old")
      |> PseudoFS.put_file("//a/./b/x/../text", "new")
      |> PseudoFS.put_bytes("/raw", <<255>>)
      |> PseudoFS.mkdir("/empty/below/")
      |> PseudoFS.mkdir("/a")
      |> table()

    assert Mount.ls!(mounts, "/") == ["a", "empty", "raw"]
    assert Mount.read!(mounts, "/a/b/text") == "new"
    assert Mount.read!(mounts, "/raw") == <<255>>
    assert Mount.ls!(mounts, "/empty/below") == []
  end

  test "one that is protected cannot be changed, whatever is in its name" do
    for name <- ["plain", "a*b", "[x]", "{a,b}", "q?", "back\\slash", "ünï", "a,b"] do
      mounts =
        PseudoFS.new()
        |> PseudoFS.put_file("/d/" <> name, "kept", read_only: true)
        |> PseudoFS.put_file("/d/other", "")
        |> table()

      assert {name, Mount.write(mounts, "/d/" <> name, "")} == {name, {:error, :erofs}}
      assert Mount.rm(mounts, "/d/" <> name) == {:error, :erofs}
      assert Mount.write(mounts, "/d/other", "x") == :ok
    end

    again =
      PseudoFS.new()
      |> PseudoFS.put_file("/a", "", read_only: true)
      |> PseudoFS.put_file("/a", "", read_only: false)

    assert Mount.write(table(again), "/a", "x") == :ok
  end

  test "is what a script sees at the root" do
    fs = PseudoFS.put_file(PseudoFS.new(), "/data/names", "Ada")
    code = "from pathlib import Path\nPath('data/names').read_text()"
    assert {:ok, "Ada", ""} = ExMonty.Sandbox.run(code, mounts: PseudoFS.specs(fs))
  end

  test "limits are those of a memory mount" do
    fs = PseudoFS.new(max_files: 1) |> PseudoFS.put_file("/a", "")
    assert Mount.write(table(fs), "/b", "") == {:error, :enospc}
    assert_raise ArgumentError, ~r/unknown option :files/, fn -> PseudoFS.new(files: %{}) end
    assert_raise ArgumentError, ~r/:max_bytes/, fn -> PseudoFS.new(max_bytes: -1) end
    assert_raise ArgumentError, ~r/keyword list/, fn -> PseudoFS.new(nil) end
  end

  test "what cannot be raises where it is put" do
    fs = PseudoFS.put_file(PseudoFS.new(), "/a/file", "")

    assert_raise ArgumentError, ~r/"\/a\/file", where a file is/, fn ->
      PseudoFS.put_file(fs, "/a/file/b", "")
    end

    assert_raise ArgumentError, ~r/where a file is/, fn -> PseudoFS.mkdir(fs, "/a/file") end
    assert_raise ArgumentError, ~r/where a directory is/, fn -> PseudoFS.put_bytes(fs, "/a", "") end
    assert_raise ArgumentError, ~r/where a directory is/, fn -> PseudoFS.put_file(fs, "/", "") end

    for path <- ["relative", "", "/a\0", "/" <> <<255>>, nil, :a, "/" <> String.duplicate("x", 4096)] do
      assert_raise ArgumentError, ~r/a path/, fn -> PseudoFS.put_file(fs, path, "") end
      assert_raise ArgumentError, ~r/a path/, fn -> PseudoFS.mkdir(fs, path) end
    end

    assert_raise ArgumentError, ~r/UTF-8/, fn -> PseudoFS.put_file(fs, "/b", <<255>>) end
    assert_raise ArgumentError, ~r/a binary/, fn -> PseudoFS.put_bytes(fs, "/b", 'list') end

    for opts <- [[mode: 1], [read_only: nil], nil, %{}] do
      assert_raise ArgumentError, ~r/:read_only|keyword list/, fn -> PseudoFS.put_file(fs, "/b", "", opts) end
    end
  end

  test "a name that is too long is refused as in every mount" do
    fs = PseudoFS.put_file(PseudoFS.new(), "/" <> String.duplicate("x", 256), "")
    assert Mount.new(PseudoFS.specs(fs)) == {:error, :enametoolong}
  end

  test "variables are UTF-8 without NUL bytes" do
    fs = PseudoFS.put_envs(PseudoFS.new(), [{"A", "1"}, {"A", "2"}])
    assert PseudoFS.env(fs) == %{"A" => "2"}

    for {name, value} <- [{:a, "1"}, {"A", 1}, {"A\0", ""}, {"A", <<255>>}, {nil, nil}] do
      assert_raise ArgumentError, ~r/environment variable/, fn -> PseudoFS.put_env(fs, name, value) end
    end

    assert_raise ArgumentError, ~r/a pair of strings/, fn -> PseudoFS.put_envs(fs, ["A"]) end
  end
end
