defmodule ExMonty.Mount.FilesTest do
  use ExUnit.Case, async: true

  alias ExMonty.Mount
  alias ExMonty.Test.HostDirectory

  setup do
    host = HostDirectory.create!(%{"file" => "host", "dir/a" => ""})

    mounts =
      Mount.new!([
        {"/m", :memory, files: %{"file" => "text", "dir/a" => "1", "dir/b" => "2", "other/a" => ""}},
        {"/n", :memory},
        {"/host", host, :read_only}
      ])

    {:ok, host: host, mounts: mounts}
  end

  for door <- [:table, :lease] do
    describe "through the #{door}" do
      setup %{mounts: mounts} do
        {:ok, files: if(unquote(door) == :lease, do: Mount.checkout!(mounts), else: mounts)}
      end

      test "files are written, appended to, read, renamed and removed", %{files: files} do
        assert Mount.write(files, "/n/a", "one") == :ok
        assert Mount.append(files, "/n/a", [" and ", "two"]) == :ok
        assert Mount.append(files, "/n/new", "made") == :ok
        assert Mount.read(files, "/n/a") == {:ok, "one and two"}
        assert Mount.write(files, "/n/a", <<0, 255>>) == :ok
        assert Mount.read!(files, "/n/a") == <<0, 255>>
        assert Mount.rename(files, "/n/a", "/n/b") == :ok
        assert Mount.ls!(files, "/n") == ["b", "new"]
        assert Mount.rm(files, "/n/b") == :ok
        assert {Mount.exists?(files, "/n/b"), Mount.exists?(files, "/n/new")} == {false, true}
      end

      test "directories are made, listed and moved", %{files: files} do
        assert Mount.mkdir_p(files, "/n/a/b/c") == :ok
        assert Mount.mkdir_p(files, "/n/a/b/c") == :ok
        assert Mount.rename(files, "/n/a", "/n/z") == :ok
        assert {Mount.ls(files, "/n"), Mount.ls(files, "/n/z/b")} == {{:ok, ["z"]}, {:ok, ["c"]}}
        assert Mount.ls(files, "/") == {:ok, ["host", "m", "n"]}
      end

      test "errors are those of File", %{files: files} do
        for {expected, call} <- [
              enoent: &Mount.read(&1, "/m/missing"),
              enoent: &Mount.read(&1, "/nowhere/file"),
              enoent: &Mount.ls(&1, "/nowhere"),
              enoent: &Mount.write(&1, "/nowhere/file", ""),
              enoent: &Mount.write(&1, "/m/missing/file", ""),
              enoent: &Mount.rm(&1, "/m/missing"),
              enoent: &Mount.rename(&1, "/m/missing", "/m/x"),
              eisdir: &Mount.read(&1, "/m/dir"),
              eisdir: &Mount.write(&1, "/m/dir", ""),
              eisdir: &Mount.append(&1, "/m", ""),
              eisdir: &Mount.rm(&1, "/m/dir"),
              eisdir: &Mount.rename(&1, "/m/file", "/m/dir"),
              enotdir: &Mount.read(&1, "/m/file/below"),
              enotdir: &Mount.ls(&1, "/m/file"),
              enotdir: &Mount.stat(&1, "/m/file/below"),
              enotdir: &Mount.mkdir_p(&1, "/m/file/below/more"),
              enotdir: &Mount.rename(&1, "/m/dir", "/m/file"),
              eexist: &Mount.mkdir_p(&1, "/m/file"),
              enotempty: &Mount.rename(&1, "/m/dir", "/m/other"),
              exdev: &Mount.rename(&1, "/m/file", "/n/file"),
              einval: &Mount.rename(&1, "/m/dir", "/m/dir/below"),
              eacces: &Mount.rm(&1, "/m"),
              eacces: &Mount.rename(&1, "/m", "/n/x"),
              erofs: &Mount.write(&1, "/host/file", ""),
              erofs: &Mount.write(&1, "/host/new", ""),
              erofs: &Mount.append(&1, "/host/file", ""),
              erofs: &Mount.rm(&1, "/host/file"),
              erofs: &Mount.mkdir_p(&1, "/host/new"),
              erofs: &Mount.rename(&1, "/host/file", "/host/new")
            ] do
          assert {expected, call.(files)} == {expected, {:error, expected}}
        end
      end

      test "what is no path is no argument, and too long a one is said to be so", %{files: files} do
        calls = [
          &Mount.read(files, &1),
          &Mount.write(files, &1, ""),
          &Mount.append(files, &1, ""),
          &Mount.ls(files, &1),
          &Mount.stat(files, &1),
          &Mount.mkdir_p(files, &1),
          &Mount.rm(files, &1),
          &Mount.rename(files, &1, "/m/x"),
          &Mount.rename(files, "/m/file", &1)
        ]

        for call <- calls do
          for path <- ["", "m/file", "/m/\0", <<"/m/", 0xFF>>], do: assert(call.(path) == {:error, :einval})
          assert call.("/m/" <> String.duplicate("x", 256)) == {:error, :enametoolong}
        end

        for path <- ["", "m/file", "/m/\0", <<"/m/", 0xFF>>], do: refute(Mount.exists?(files, path))
      end

      test "two spellings of a path are one path", %{files: files} do
        for path <- ["/m//file", "/m/./file", "/m/dir/../file", "/../m/file", "/n/../m/file"] do
          assert Mount.read(files, path) == {:ok, "text"}
        end
      end
    end
  end

  describe "stat" do
    test "says of a file in memory what File.stat says of one on disk", %{mounts: mounts, host: host} do
      memory = Mount.stat!(mounts, "/m/file")
      disk = File.stat!(Path.join(host, "file"))

      assert %File.Stat{type: :regular, size: 4, links: 1, access: :read_write, minor_device: 0} = memory
      assert Bitwise.band(memory.mode, 0o170000) == Bitwise.band(disk.mode, 0o170000)
      assert Bitwise.band(memory.mode, 0o777) == 0o644

      for time <- [memory.atime, memory.mtime, memory.ctime] do
        seconds = :calendar.datetime_to_gregorian_seconds(time)
        assert_in_delta seconds, :calendar.datetime_to_gregorian_seconds(disk.mtime), 60
      end
    end

    test "says of a host file what the host says", %{mounts: mounts, host: host} do
      path = Path.join(host, "file")
      File.touch!(path, {{2001, 2, 3}, {4, 5, 6}})
      expected = %{File.stat!(path) | access: :read, major_device: nil, atime: nil}
      assert %{Mount.stat!(mounts, "/host/file") | major_device: nil, atime: nil} == expected

      File.touch!(path, {{1950, 2, 3}, {4, 5, 6}})
      assert Mount.stat!(mounts, "/host/file").mtime == {{1950, 2, 3}, {4, 5, 6}}
    end

    # A file system may keep any number of seconds, and those before the year 0 were a FunctionClauseError of :calendar.
    # Where /dev/shm is, it is one that keeps them.
    test "says of a file from before the calendar begins that it is of its beginning" do
      place = if File.dir?("/dev/shm"), do: "/dev/shm", else: System.tmp_dir!()
      directory = Path.join(place, "ex_monty-#{System.pid()}-#{System.unique_integer([:positive])}")
      File.mkdir!(directory)
      on_exit(fn -> File.rm_rf!(directory) end)
      file = Path.join(directory, "old")
      File.write!(file, "")
      File.touch!(file, -99_999_999_999)
      mounts = Mount.new!([{"/h", directory, :read_only}, {"/o", directory, :overlay}])

      for path <- ["/h/old", "/o/old"] do
        assert {:ok, %File.Stat{mtime: {{year, _, _}, _}}} = Mount.stat(mounts, path)
        # A file system of 32 bits keeps the earliest time that it has.
        assert year in [0, 1901]
      end
    end

    test "knows directories, mount points and what leads to them", %{mounts: mounts} do
      for {path, access} <- [{"/", :read}, {"/m", :read_write}, {"/m/dir", :read_write}, {"/host/dir", :read}] do
        assert {:ok, %File.Stat{type: :directory, access: ^access}} = Mount.stat(mounts, path)
      end

      devices = for path <- ["/", "/m", "/n", "/host"], do: Mount.stat!(mounts, path).major_device
      assert Enum.uniq(devices) == devices
      assert Mount.stat!(mounts, "/m/file").major_device == Mount.stat!(mounts, "/m").major_device
    end

    test "follows links inside a host directory and refuses those that leave", %{mounts: mounts, host: host} do
      File.ln_s!("../file", Path.join(host, "dir/inside"))
      File.ln_s!("/etc/passwd", Path.join(host, "outside"))
      File.ln_s!("loop", Path.join(host, "loop"))

      assert {:ok, %File.Stat{type: :regular, size: 4}} = Mount.stat(mounts, "/host/dir/inside")
      assert Mount.read(mounts, "/host/outside") == {:error, :eacces}
      assert Mount.stat(mounts, "/host/outside") == {:error, :eacces}
      assert Mount.read(mounts, "/host/loop") == {:error, :eloop}
      assert Mount.ls(mounts, "/host") == {:ok, ["dir", "file", "loop"]}
    end
  end

  describe "functions that end in !" do
    test "give the bare result", %{mounts: mounts} do
      assert Mount.write!(mounts, "/n/a", "1") == :ok
      assert Mount.append!(mounts, "/n/a", "2") == :ok
      assert Mount.read!(mounts, "/n/a") == "12"
      assert Mount.mkdir_p!(mounts, "/n/d/e") == :ok
      assert Mount.rename!(mounts, "/n/a", "/n/d/a") == :ok
      assert Mount.ls!(mounts, "/n/d") == ["a", "e"]
      assert %File.Stat{size: 2} = Mount.stat!(mounts, "/n/d/a")
      assert Mount.rm!(mounts, "/n/d/a") == :ok
    end

    test "raise with the reason, the path and a sentence", %{mounts: mounts} do
      for {call, reason, words} <- [
            {&Mount.read!(&1, "/m/dir"), :eisdir,
             "could not read \"/m/dir\": illegal operation on a directory"},
            {&Mount.write!(&1, "/host/x", ""), :erofs, "could not write \"/host/x\": read-only file system"},
            {&Mount.append!(&1, "/x", ""), :enoent, "could not append to \"/x\": no such file or directory"},
            {&Mount.ls!(&1, "/m/file"), :enotdir, "could not list \"/m/file\": not a directory"},
            {&Mount.stat!(&1, "/m/x"), :enoent, "could not stat \"/m/x\": no such file or directory"},
            {&Mount.mkdir_p!(&1, "/m/file"), :eexist, "could not create \"/m/file\": file already exists"},
            {&Mount.rm!(&1, "/m/x"), :enoent, "could not remove \"/m/x\": no such file or directory"},
            {&Mount.rename!(&1, "/m/file", "/n/x"), :exdev,
             "could not rename \"/m/file\" to \"/n/x\": cross-domain link"}
          ] do
        error = assert_raise ExMonty.Error, fn -> call.(mounts) end
        assert {error.reason, error.message} == {reason, words}
      end
    end
  end

  test "contents of any size come back as they went in", %{mounts: mounts} do
    for size <- [0, 1, 63, 64, 65, 65_536, 65_537, 5_000_001] do
      contents = :rand.bytes(size)
      Mount.write!(mounts, "/n/a", contents)
      assert Mount.read!(mounts, "/n/a") == contents
    end
  end

  test "readers see a file before or after an append, never between", %{mounts: mounts} do
    block = :binary.copy("0123456789abcdef", 64)
    Mount.write!(mounts, "/n/log", :binary.copy(block, 1024))
    appends = 300

    writer = Task.async(fn -> for _ <- 1..appends, do: :ok = Mount.append(mounts, "/n/log", block) end)

    readers =
      for _ <- 1..4 do
        Task.async(fn ->
          for _ <- 1..50 do
            contents = Mount.read!(mounts, "/n/log")
            assert rem(byte_size(contents), byte_size(block)) == 0
            assert :binary.part(contents, byte_size(contents), -byte_size(block)) == block
            byte_size(contents)
          end
        end)
      end

    for sizes <- Task.await_many(readers, :infinity), do: assert(sizes == Enum.sort(sizes))
    Task.await(writer, :infinity)
    assert Mount.read!(mounts, "/n/log") == :binary.copy(block, 1024 + appends)
  end

  test "no append is lost among many writers", %{mounts: mounts} do
    1..20
    |> Enum.map(fn writer ->
      Task.async(fn -> for _ <- 1..50, do: Mount.append!(mounts, "/n/log", <<writer>>) end)
    end)
    |> Task.await_many(:infinity)

    log = Mount.read!(mounts, "/n/log")
    assert log |> :binary.bin_to_list() |> Enum.frequencies() == Map.new(1..20, &{&1, 50})
  end

  test "what is not iodata raises", %{mounts: mounts} do
    for contents <- [nil, :a, 1, %{}, ["a" | :b]] do
      assert_raise ArgumentError, fn -> Mount.write(mounts, "/n/a", contents) end
      assert_raise ArgumentError, fn -> Mount.append(mounts, "/n/a", contents) end
    end
  end
end
