defmodule ExMonty.Mount.ModesTest do
  use ExUnit.Case, async: true

  # What a host directory is in each mode, and what limits and rules are there.

  alias ExMonty.Mount
  alias ExMonty.Test.HostDirectory

  setup do
    {:ok, host: HostDirectory.create!(%{"file" => "text", "dir/a" => "before", ".env" => "KEY=1"})}
  end

  defp mounted(host, mode, opts \\ []), do: Mount.new!([{"/d", host, mode, opts}])

  describe "a read-write mount" do
    test "writes to the host", %{host: host} do
      mounts = mounted(host, :read_write)
      :ok = Mount.write(mounts, "/d/new", "1")
      :ok = Mount.append(mounts, "/d/file", "+")
      :ok = Mount.mkdir_p(mounts, "/d/x/y")
      :ok = Mount.rename(mounts, "/d/dir/a", "/d/x/y/a")
      :ok = Mount.rm(mounts, "/d/.env")
      assert File.read!(Path.join(host, "new")) == "1"
      assert File.read!(Path.join(host, "file")) == "text+"
      assert File.read!(Path.join(host, "x/y/a")) == "before"
      assert Enum.sort(File.ls!(host)) == ["dir", "file", "new", "x"]
    end

    test "has limits where none are given, which :unlimited lifts", %{host: host} do
      [%{write_bytes_limit: limit}] = Mount.list(mounted(host, :read_write))
      assert limit == 1024 * 1024 * 1024

      [%{write_bytes_limit: nil}] = Mount.list(mounted(host, :read_write, write_bytes_limit: :unlimited))
      [%{write_bytes_limit: 5}] = Mount.list(mounted(host, :read_write, write_bytes_limit: 5))
      # Another limit leaves the default as it is.
      [%{write_bytes_limit: ^limit}] = Mount.list(mounted(host, :read_write, max_bytes: 5))
    end

    test "keeps each limit, and a refused change changes nothing", %{host: host} do
      for {limit, reason} <- [
            {:max_bytes, :enospc},
            {:max_file_size, :efbig},
            {:write_bytes_limit, :edquot}
          ] do
        mounts = mounted(host, :read_write, [{limit, 2}])
        assert {limit, Mount.write(mounts, "/d/new", "123")} == {limit, {:error, reason}}
        refute File.exists?(Path.join(host, "new"))
      end

      mounts = mounted(host, :read_write, max_files: 1)
      assert Mount.write(mounts, "/d/one", "") == :ok
      assert Mount.write(mounts, "/d/two", "") == {:error, :enospc}
      assert mounted(host, :read_write, memory_limit: 3) |> Mount.read("/d/file") == {:error, :enomem}
    end
  end

  describe "an overlay" do
    test "writes nothing to the host, and shows what it changed", %{host: host} do
      mounts = mounted(host, :overlay)
      :ok = Mount.append(mounts, "/d/file", "+")
      :ok = Mount.rm(mounts, "/d/.env")
      :ok = Mount.write(mounts, "/d/new", "1")
      assert Mount.ls!(mounts, "/d") == ["dir", "file", "new"]
      assert Mount.read!(mounts, "/d/file") == "text+"
      assert File.read!(Path.join(host, "file")) == "text"
      assert Enum.sort(File.ls!(host)) == [".env", "dir", "file"]
    end

    test "keeps each limit, on what it holds itself", %{host: host} do
      for {limit, reason} <- [
            {:max_bytes, :enospc},
            {:max_file_size, :efbig},
            {:write_bytes_limit, :edquot}
          ] do
        mounts = mounted(host, :overlay, [{limit, 2}])
        assert {limit, Mount.write(mounts, "/d/new", "123")} == {limit, {:error, reason}}
        refute Mount.exists?(mounts, "/d/new")
      end

      mounts = mounted(host, :overlay, max_files: 1)
      assert Mount.write(mounts, "/d/one", "") == :ok
      assert Mount.write(mounts, "/d/two", "") == {:error, :enospc}
    end

    test "may lie beside another over the same directory, and a read-write mount may not", %{host: host} do
      mounts = mounted(host, :overlay)
      assert {:ok, _} = Mount.add(mounts, "/e", host, :overlay)
      assert {:ok, _} = Mount.add(mounts, "/f", host, :read_only)
      assert Mount.add(mounts, "/g", host, :read_write) == {:error, {:overlaps, "/g"}}
      assert Mount.add(mounts, "/g", Path.join(host, "dir"), :read_write) == {:error, {:overlaps, "/g"}}
    end

    test "is shown with its mode and its directory", %{host: host} do
      mounts = mounted(host, :overlay)
      assert [%{mode: :overlay, host: shown, write_bytes_limit: nil}] = Mount.list(mounts)
      assert File.stat!(shown).inode == File.stat!(host).inode
      assert inspect(mounts) == ~s(#ExMonty.Mount<"/d" overlay>)
    end
  end

  describe "rules" do
    test "hide, deny and protect in every mode", %{host: host} do
      rules = [hide: [".env"], deny: ["dir"], read_only: ["file"]]

      for mode <- [:read_only, :read_write, :overlay] do
        mounts = mounted(host, mode, rules: rules)
        assert Mount.ls!(mounts, "/d") == ["dir", "file"]
        assert Mount.read(mounts, "/d/.env") == {:error, :enoent}
        assert Mount.read(mounts, "/d/dir/a") == {:error, :eacces}
        assert Mount.read(mounts, "/d/file") == {:ok, "text"}
        assert Mount.write(mounts, "/d/file", "") == {:error, :erofs}
      end

      files = %{".env" => "", "dir/a" => "", "file" => ""}
      mounts = Mount.new!([{"/d", :memory, files: files, rules: rules}])
      assert Mount.ls!(mounts, "/d") == ["dir", "file"]
      assert Mount.write(mounts, "/d/file", "") == {:error, :erofs}
      assert File.read!(Path.join(host, "file")) == "text"
    end

    test "that are empty are none", %{host: host} do
      for rules <- [[], [hide: []], [hide: [], deny: [], read_only: []]] do
        assert host |> mounted(:read_write, rules: rules) |> Mount.write("/d/file", "text") == :ok
      end
    end

    test "with a glob that is none raise and name it", %{host: host} do
      for {glob, why} <- [
            {"secrets/[a-", "a class is not closed"},
            {"", "names nothing"},
            {"a//b", "empty component"},
            {"{a", "no '}'"},
            {"../x", "'..'"}
          ] do
        error = assert_raise ArgumentError, fn -> mounted(host, :overlay, rules: [hide: ["ok", glob]]) end
        assert error.message =~ ":rules"
        assert error.message =~ "'#{glob}'"
        assert error.message =~ why
      end
    end

    test "of the wrong shape raise and name what is accepted", %{host: host} do
      assert_raise ArgumentError,
                   ~r/unknown option :show of :rules; accepted: :deny, :hide, :read_only/,
                   fn ->
                     mounted(host, :overlay, rules: [show: []])
                   end

      for globs <- [nil, "*", [:a], ["a" | "b"], [<<255>>], ['a']] do
        assert_raise ArgumentError, ~r/:deny of :rules/, fn ->
          mounted(host, :overlay, rules: [deny: globs])
        end
      end

      for rules <- [nil, %{deny: []}, ["*"], :deny] do
        assert_raise ArgumentError, ~r/options of :rules: .*keyword list/, fn ->
          mounted(host, :overlay, rules: rules)
        end
      end
    end
  end

  test "a script meets each mode as the host does", %{host: host} do
    code = """
    from pathlib import Path
    try:
        Path('/d/file').write_text('script')
    except OSError as error:
        print(str(error)[:10])
    """

    for {mode, printed, kept} <- [
          {:read_only, "[Errno 30]\n", "text"},
          {:overlay, "", "text"},
          {:read_write, "", "script"}
        ] do
      assert {:ok, _, ^printed} = ExMonty.Sandbox.run(code, mounts: mounted(host, mode))
      assert {mode, File.read!(Path.join(host, "file"))} == {mode, kept}
    end
  end
end
