defmodule ExMonty.Mount.OptionsTest do
  use ExUnit.Case, async: true

  alias ExMonty.Mount
  alias ExMonty.Test.HostDirectory

  defp memory(opts), do: Mount.new([{"/m", :memory, opts}])

  describe ":files" do
    test "are there from the start, under their paths inside the mount" do
      {:ok, mounts} =
        memory(files: %{"a" => "1", "/b" => "2", "c/d/e" => ["3", ?4], "/m/f" => "", "g/" => []})

      assert Mount.ls(mounts, "/m") == {:ok, ["a", "b", "c", "g", "m"]}

      assert for(path <- ~w(a b c/d/e m/f g), do: Mount.read!(mounts, "/m/" <> path)) == [
               "1",
               "2",
               "34",
               "",
               ""
             ]
    end

    test "count as written" do
      {:ok, mounts} = memory(files: %{"d/a" => "12", "b" => "3"})
      assert %{bytes: 3, files: 3, bytes_written: 3} = Mount.usage(mounts)
    end

    test "that cannot be are refused, and nothing is mounted" do
      mounts = Mount.new!()

      for {files, reason} <- [
            {%{"a" => "", "/a" => ""}, :eexist},
            {%{"a" => "", "a/b" => ""}, :eexist},
            {%{"a" => "", "a/b/c" => ""}, :enotdir},
            {%{"" => ""}, :eisdir},
            {%{"a\0" => ""}, :einval},
            {%{<<0xFF>> => ""}, :einval},
            {%{String.duplicate("x", 256) => ""}, :enametoolong}
          ] do
        assert Mount.add(mounts, "/m", :memory, files: files) == {:error, reason}
      end

      assert Mount.count(mounts) == 0
    end

    test "may be directories" do
      {:ok, mounts} = memory(files: %{"in" => :directory, "out/logs/" => :directory, "in/a" => "1"})
      assert Mount.ls!(mounts, "/m") == ["in", "out"]
      assert {Mount.ls!(mounts, "/m/in"), Mount.ls!(mounts, "/m/out/logs")} == {["a"], []}
      assert memory(files: %{"a" => "1", "a/b" => :directory}) == {:error, :eexist}
      assert memory(files: %{"a" => :directory, "/a" => "1"}) == {:error, :eexist}
      assert memory(files: %{"a" => :directory}, max_files: 0) == {:error, :enospc}
    end

    test "over a limit are refused" do
      for {limit, reason} <- [
            {:max_bytes, :enospc},
            {:max_files, :enospc},
            {:max_file_size, :efbig},
            {:write_bytes_limit, :edquot},
            {:memory_limit, :enomem}
          ] do
        assert memory([{:files, %{"a" => "1", "b" => "23"}}, {limit, 1}]) == {:error, reason}
      end
    end

    test "of the wrong shape raise" do
      for files <- [[], [{"a", "b"}], nil, %{a: "b"}, %{1 => "b"}, MapSet.new()] do
        assert_raise ArgumentError, ~r/:files/, fn -> memory(files: files) end
      end

      for contents <- [nil, :a, 1, [:a], ["a" | :b], %{}, [256], <<1::1>>] do
        assert_raise ArgumentError, ~r/contents of "\/?a" in :files/, fn ->
          memory(files: %{"a" => contents})
        end
      end
    end
  end

  describe "limits" do
    test "hold for what is written" do
      for {limit, path, reason} <- [
            {[max_bytes: 3], "/m/a", :enospc},
            {[max_files: 0], "/m/a", :enospc},
            {[max_file_size: 3], "/m/a", :efbig},
            {[write_bytes_limit: 3], "/m/a", :edquot},
            {[memory_limit: 3], "/m/a", :enomem}
          ] do
        {:ok, mounts} = memory(limit)
        assert Mount.write(mounts, path, "1234") == {:error, reason}
        assert Mount.ls(mounts, "/m") == {:ok, []}
        assert %{bytes: 0, files: 0, bytes_written: 0, memory: 0} = Mount.usage(mounts)
      end
    end

    test "are reached exactly, given back by deleting, and work is not" do
      {:ok, mounts} = memory(max_bytes: 4, max_files: 1, max_file_size: 4, write_bytes_limit: 8)
      assert Mount.write(mounts, "/m/a", "1234") == :ok
      assert Mount.write(mounts, "/m/b", "") == {:error, :enospc}
      assert Mount.rm(mounts, "/m/a") == :ok
      assert Mount.write(mounts, "/m/b", "1234") == :ok
      assert Mount.rm(mounts, "/m/b") == :ok
      assert Mount.write(mounts, "/m/c", "1") == {:error, :edquot}
    end

    test "can be lifted" do
      names = [:max_bytes, :max_files, :max_file_size, :write_bytes_limit, :memory_limit]
      {:ok, mounts} = memory(Enum.map(names, &{&1, :unlimited}))
      assert Mount.write(mounts, "/m/a", "1234") == :ok
      assert [%{write_bytes_limit: nil}] = Mount.list(mounts)
    end

    test "keep memory within 256 MiB where nothing is said" do
      host = HostDirectory.create!()

      for {name, size} <- [{"fits", 1}, {"too-large", 256 * 1024 * 1024 + 1}] do
        # A hole is as long as it says and takes no room.
        {:ok, file} = :file.open(Path.join(host, name), [:write, :raw])
        :ok = :file.pwrite(file, size - 1, <<0>>)
        :ok = :file.close(file)
      end

      mounts = Mount.new!([{"/host", host, :read_only}])
      assert Mount.read(mounts, "/host/too-large") == {:error, :enomem}
      assert Mount.read(mounts, "/host/fits") == {:ok, <<0>>}
    end

    test "of the wrong shape raise and name what is accepted" do
      for option <- [:max_bytes, :max_files, :max_file_size, :write_bytes_limit, :memory_limit],
          value <- [-1, 1.0, nil, "1", :infinity, 0x1_0000_0000_0000_0000] do
        error = assert_raise ArgumentError, fn -> memory([{option, value}]) end
        assert error.message =~ inspect(option)
        assert error.message =~ ":unlimited"
      end
    end

    test "of a read-only mount keep an answer within its memory" do
      host = HostDirectory.create!(%{"file" => "12345"})

      mounts =
        Mount.new!([
          {"/four", host, :read_only, memory_limit: 4},
          {"/five", host, :read_only, memory_limit: 5}
        ])

      assert Mount.read(mounts, "/four/file") == {:error, :enomem}
      assert Mount.read(mounts, "/five/file") == {:ok, "12345"}
    end
  end

  test "options that a mode does not have raise and name those it has" do
    error = assert_raise ArgumentError, fn -> memory(max_byte: 1) end
    assert error.message =~ "unknown option :max_byte of a memory mount"

    for option <- ~w(:files :max_bytes :max_files :max_file_size :write_bytes_limit :memory_limit) do
      assert error.message =~ option
    end

    for option <- [:files, :max_bytes, :write_bytes_limit] do
      error = assert_raise ArgumentError, fn -> Mount.new([{"/m", "lib", :read_only, [{option, 1}]}]) end

      assert error.message =~
               "unknown option #{inspect(option)} of a read-only mount; accepted: :rules, :memory_limit"
    end

    for {mode, name} <- [read_write: "a read-write mount", overlay: "an overlay"] do
      assert_raise ArgumentError, ~r/unknown option :files of #{name}/, fn ->
        Mount.new([{"/m", "lib", mode, files: %{}}])
      end
    end
  end

  test "options that are no keyword list raise" do
    for opts <- [:read_only, %{}, [:files], [{"files", %{}}], [{:max_files, 1} | :tail], nil] do
      assert_raise ArgumentError, ~r/keyword list/, fn -> memory(opts) end
    end
  end
end
