defmodule ExMonty.MountTest do
  use ExUnit.Case, async: true

  alias ExMonty.Mount
  alias ExMonty.Test.HostDirectory

  doctest ExMonty.Mount
  doctest ExMonty.Mount.Files
  doctest ExMonty.Mount.Table
  doctest ExMonty.Mount.Leases
  doctest ExMonty.Mount.History
  doctest ExMonty.Mount.Archive
  doctest ExMonty.Mount.Events

  setup do
    {:ok, host: HostDirectory.create!(%{"file" => "text", "dir/a" => "before"})}
  end

  describe "making a table" do
    test "without mounts gives an empty one" do
      assert {:ok, mounts} = Mount.new()
      assert {Mount.count(mounts), Mount.list(mounts)} == {0, []}
      assert Mount.count(Mount.new!()) == 0
      assert Mount.count(Mount.new!([])) == 0
    end

    test "takes every form of a spec", %{host: host} do
      mounts =
        Mount.new!([
          {"/a", host, :read_only},
          {"/b", host, :read_only, memory_limit: 10},
          {"/c", :memory},
          {"/d", :memory, files: %{"x" => "1"}}
        ])

      assert for(mount <- Mount.list(mounts), do: {mount.virtual, mount.mode}) ==
               [{"/a", :read_only}, {"/b", :read_only}, {"/c", :memory}, {"/d", :memory}]
    end

    test "adds all mounts or none, and says why" do
      assert Mount.new([{"/a", :memory}, {"b", :memory}]) == {:error, :invalid_virtual_path}

      error = assert_raise ExMonty.Error, fn -> Mount.new!([{"/a", :memory}, {"//a/", :memory}]) end
      assert error.reason == :already_mounted
      assert error.message =~ "/a"
    end

    test "names the forms of a spec when it gets something else" do
      for specs <- [[{"/a"}], [:memory], [{"/a", "/b", :read_only, [], 5}], :specs, [{"/a", :memory} | :tail]] do
        error = assert_raise ArgumentError, fn -> Mount.new(specs) end
        assert error.message =~ "{virtual, :memory, opts}"
      end
    end
  end

  describe "adding a mount" do
    test "gives the same handle, so that it pipes", %{host: host} do
      mounts = Mount.new!()
      assert {:ok, ^mounts} = Mount.add(mounts, "/a", :memory)
      assert {:ok, ^mounts} = Mount.add(mounts, "/b", :memory, max_files: 3)
      assert {:ok, ^mounts} = Mount.add(mounts, "/c", host, :read_only)
      assert {:ok, ^mounts} = Mount.add(mounts, "/d", host, :read_only, memory_limit: :unlimited)

      assert mounts
             |> Mount.add!("/e", :memory)
             |> Mount.add!("/f", host, :read_only)
             |> Mount.add!("/g", host, :read_only, [])
             |> Mount.remove!("/e")
             |> Mount.count() == 6
    end

    test "refuses what is no virtual path" do
      long = String.duplicate("x", 256)
      deep = String.duplicate("/x", 65)

      for virtual <- ["", "a", "./a", "a/b", "/a\0b", "/" <> long, deep, <<"/", 0xFF>>] do
        assert Mount.add(Mount.new!(), virtual, :memory) == {:error, :invalid_virtual_path}
      end
    end

    test "refuses a second mount at a path, however it is spelled" do
      mounts = Mount.new!([{"/d", :memory}])

      for virtual <- ["/d", "/d/", "//d", "/x/../d/."] do
        assert Mount.add(mounts, virtual, :memory) == {:error, {:already_mounted, "/d"}}
      end
    end

    test "mounts the root, and mounts in mounts" do
      mounts = Mount.new!([{"/", :memory}, {"/a/b", :memory}, {"/a", :memory}])
      for path <- ["/x", "/a/x", "/a/b/x"], do: Mount.write!(mounts, path, path)

      assert for(mount <- Mount.list(mounts), do: {mount.virtual, mount.usage.bytes}) ==
               [{"/", 2}, {"/a/b", 6}, {"/a", 4}]
    end

    test "refuses modes that there are not", %{host: host} do
      for mode <- [:memory, :rw, "read_only", nil, []] do
        assert Mount.add(Mount.new!(), "/d", host, mode) == {:error, :invalid_mode}
        assert Mount.add(Mount.new!(), "/d", host, mode, []) == {:error, :invalid_mode}
      end

      assert Mount.add(Mount.new!(), "/d", host) == {:error, :invalid_mode}
      error = assert_raise ExMonty.Error, fn -> Mount.add!(Mount.new!(), "/d", host, :rw) end
      assert error.reason == :invalid_mode
      assert error.message =~ ":read_only, :read_write, :overlay"
    end

    test "tells what is wrong with a host path apart", %{host: host} do
      loop = Path.join(host, "loop")
      File.ln_s!("loop", loop)

      for {path, reason} <- [
            {Path.join(host, "missing"), :host_path_not_found},
            {Path.join([host, "missing", "dir"]), :host_path_not_found},
            {Path.join(host, "file"), :host_path_not_directory},
            {Path.join([host, "file", "dir"]), :host_path_not_directory},
            {loop, :host_path_canonicalize_failed},
            {host <> "\0", :host_path_canonicalize_failed}
          ] do
        assert Mount.add(Mount.new!(), "/d", path, :read_only) == {:error, reason}
      end
    end

    test "says when a host directory may not be opened", %{host: host} do
      dir = Path.join(host, "dir")
      File.chmod!(dir, 0)
      on_exit(fn -> File.chmod!(dir, 0o755) end)

      # Who may open everything, such as root, opens this too.
      expected = if match?({:ok, _}, File.ls(dir)), do: :ok, else: {:error, :host_path_denied}
      result = Mount.add(Mount.new!(), "/d", dir, :read_only)
      assert expected == result or (expected == :ok and match?({:ok, _}, result))
    end

    test "takes a host path as File does", %{host: host} do
      mounts = Mount.new!()
      assert {:ok, _} = Mount.add(mounts, "/list", [host, ?/, "dir"], :read_only)
      assert {:ok, _} = Mount.add(mounts, "/relative", Path.relative_to_cwd("lib"), :read_only)
      assert [%{host: dir}, %{host: lib}] = Mount.list(mounts)
      assert Path.basename(dir) == "dir"
      assert lib == Path.join(File.cwd!(), "lib")
    end

    test "raises for arguments of the wrong kind", %{host: host} do
      mounts = Mount.new!()
      assert_raise ArgumentError, ~r/virtual path/, fn -> Mount.add(mounts, :d, :memory) end
      assert_raise ArgumentError, ~r/virtual path/, fn -> Mount.add(mounts, nil, host, :read_only) end
      assert_raise ArgumentError, ~r/host path/, fn -> Mount.add(mounts, "/d", 1, :read_only) end
      assert_raise ArgumentError, ~r/host path/, fn -> Mount.add(mounts, "/d", nil, :bogus) end
    end

    test "shows the directory that was there, also after it was renamed", %{host: host} do
      dir = Path.join(host, "dir")
      mounts = Mount.new!([{"/d", dir, :read_only}])
      File.rename!(dir, Path.join(host, "moved"))
      File.mkdir!(dir)
      assert Mount.read(mounts, "/d/a") == {:ok, "before"}
    end
  end

  describe "removing a mount" do
    test "takes it away, and its files with it" do
      mounts = Mount.new!([{"/a", :memory, files: %{"x" => "1"}}])
      assert {:ok, ^mounts} = Mount.remove(mounts, "/a/")
      assert {Mount.count(mounts), Mount.read(mounts, "/a/x")} == {0, {:error, :enoent}}
      assert Mount.ls(Mount.add!(mounts, "/a", :memory), "/a") == {:ok, []}
    end

    test "refuses where nothing is mounted" do
      mounts = Mount.new!([{"/a", :memory}])
      assert Mount.remove(mounts, "/a/b/") == {:error, {:not_mounted, "/a/b"}}
      assert Mount.remove(mounts, "/") == {:error, {:not_mounted, "/"}}
      assert Mount.remove(mounts, "a") == {:error, :invalid_virtual_path}
      assert_raise ExMonty.Error, ~r"/b: nothing is mounted", fn -> Mount.remove!(mounts, "/b") end
    end
  end

  describe "describing a table" do
    test "lists mounts in the order they were added", %{host: host} do
      mounts = Mount.new!([{"/z", :memory, write_bytes_limit: 10}, {"/a", host, :read_only}, {"/m", :memory}])
      Mount.write!(mounts, "/z/x", "123")
      Mount.write!(mounts, "/z/x", "1")

      assert [
               %{virtual: "/z", host: nil, mode: :memory, write_bytes_limit: 10} = z,
               %{virtual: "/a", host: shown, mode: :read_only, write_bytes_limit: nil} = a,
               %{virtual: "/m", host: nil, mode: :memory, write_bytes_limit: nil}
             ] = Mount.list(mounts)

      assert %{bytes: 1, files: 1, bytes_written: 4, memory: memory} = z.usage
      assert memory > 1
      assert a.usage == %{bytes: 0, files: 0, bytes_written: 0, memory: 0}
      assert File.stat!(shown).inode == File.stat!(host).inode
      assert Mount.usage(mounts) == z.usage
    end

    test "inspects as mount points and modes, without host paths and contents", %{host: host} do
      assert inspect(Mount.new!()) == "#ExMonty.Mount<>"
      mounts = Mount.new!([{"/s", :memory, files: %{"x" => "secret"}}, {"/src", host, :read_only}])
      assert inspect(mounts) == ~s(#ExMonty.Mount<"/s" memory, "/src" read_only>)
      assert inspect(Mount.checkout!(mounts, :shared)) == "#ExMonty.Mount.Lease<shared>"
      assert inspect(%Mount{ref: make_ref()}) == "#ExMonty.Mount<>"
    end

    test "keeps two tables apart" do
      [one, two] = for _ <- 1..2, do: Mount.new!([{"/m", :memory}])
      Mount.write!(one, "/m/x", "1")
      {:ok, _lease} = Mount.checkout(one)
      assert Mount.ls(two, "/m") == {:ok, []}
      assert {:ok, _} = Mount.checkout(two)
    end
  end
end
