defmodule ExMonty.Mount.Files do
  @moduledoc """
  The files of a mount table, from the host's side. Each function is called through `ExMonty.Mount`, which has it too.

  The first argument is the table or a lease of it. While an exclusive lease is out, changes through the table are
  `{:error, :mount_in_use}`, and reading it works as ever. A lease that has ended is `{:error, :lease_released}`. The
  other errors are those of `File`; see `ExMonty.Mount` for what limits and paths come to.

  Paths are absolute, `/`-separated and UTF-8; `.`, `..`, `//` and a trailing `/` are resolved before anything is looked
  up. Every operation is one step for everybody else who uses the table, except `mkdir_p/2`, `rm_rf/2`, `walk/2`
  and `glob/2`, which are one for each entry.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory}])
      iex> :ok = Files.mkdir_p(mounts, "/m/a/b")
      iex> :ok = Files.append(mounts, "/m/a/b/log", "one\\n")
      iex> :ok = Files.append(mounts, "/m/a/b/log", "two\\n")
      iex> :ok = Files.rename(mounts, "/m/a", "/m/z")
      iex> Files.read!(mounts, "/m/z/b/log")
      "one\\ntwo\\n"
      iex> :ok = Files.rm(mounts, "/m/z/b/log")
      iex> Files.exists?(mounts, "/m/z/b/log")
      false
  """

  alias ExMonty.{Mount, Native}
  alias ExMonty.Mount.{Holder, Options, Refusal}

  # The earliest time that Erlang's calendar has: that of the year 0, in seconds of the system.
  @first_second -62_167_219_200

  @doc """
  Reads a whole file, as `File.read/1`.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a" => "text"}}])
      iex> Files.read(mounts, "/m/./a")
      {:ok, "text"}
      iex> {Files.read(mounts, "/m"), Files.read(mounts, "/m/b"), Files.read(mounts, "m/a")}
      {{:error, :eisdir}, {:error, :enoent}, {:error, :einval}}
  """
  @spec read(Mount.holder(), String.t()) :: {:ok, binary} | {:error, Mount.file_error()}
  def read(holder, path), do: Native.file_read(Holder.ref!(holder), path!(path))

  @doc "As `read/2`, but returns the contents and raises `ExMonty.Error`."
  @spec read!(Mount.holder(), String.t()) :: binary
  def read!(holder, path), do: Refusal.value!(read(holder, path), "read #{inspect(path)}")

  @doc """
  Replaces the contents of a file, or creates it in a directory that exists, as `File.write/2`.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory}])
      iex> Files.write(mounts, "/m/a", ["io", ?d, "ata"])
      :ok
      iex> Files.write(mounts, "/m/no/such/dir", "")
      {:error, :enoent}
  """
  @spec write(Mount.holder(), String.t(), iodata) :: :ok | {:error, Mount.file_error()}
  def write(holder, path, contents) do
    Native.file_write(Holder.ref!(holder), path!(path), IO.iodata_to_binary(contents))
  end

  @doc "As `write/3`, but raises `ExMonty.Error`."
  @spec write!(Mount.holder(), String.t(), iodata) :: :ok
  def write!(holder, path, contents),
    do: Refusal.value!(write(holder, path, contents), "write #{inspect(path)}")

  @doc "Adds to the end of a file, or creates it, as `File.write/3` with `[:append]`."
  @spec append(Mount.holder(), String.t(), iodata) :: :ok | {:error, Mount.file_error()}
  def append(holder, path, contents) do
    Native.file_append(Holder.ref!(holder), path!(path), IO.iodata_to_binary(contents))
  end

  @doc "As `append/3`, but raises `ExMonty.Error`."
  @spec append!(Mount.holder(), String.t(), iodata) :: :ok
  def append!(holder, path, contents),
    do: Refusal.value!(append(holder, path, contents), "append to #{inspect(path)}")

  @doc """
  Lists the names in a directory, sorted by bytes, as `File.ls/1`. The points where mounts are mounted are among them.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"b" => "", "a" => ""}}, {"/m/below", :memory}])
      iex> {Files.ls(mounts, "/"), Files.ls(mounts, "/m")}
      {{:ok, ["m"]}, {:ok, ["a", "b", "below"]}}
  """
  @spec ls(Mount.holder(), String.t()) :: {:ok, [String.t()]} | {:error, Mount.file_error()}
  def ls(holder, path), do: Native.file_list(Holder.ref!(holder), path!(path))

  @doc "As `ls/2`, but returns the names and raises `ExMonty.Error`."
  @spec ls!(Mount.holder(), String.t()) :: [String.t()]
  def ls!(holder, path), do: Refusal.value!(ls(holder, path), "list #{inspect(path)}")

  @doc """
  Describes what a path leads to, as `File.stat/1`: times are tuples in UTC, and those before the year 0 its beginning.

  `access` is `:read_write` in a mount that can be written, else `:read`. `major_device` tells mounts apart.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a" => "123"}}])
      iex> {:ok, %File.Stat{type: :regular, size: 3, access: :read_write}} = Files.stat(mounts, "/m/a")
      iex> {:ok, %File.Stat{type: :directory, access: :read}} = Files.stat(mounts, "/")
  """
  @spec stat(Mount.holder(), String.t()) :: {:ok, File.Stat.t()} | {:error, Mount.file_error()}
  def stat(holder, path) do
    with {:ok, fields} <- Native.file_stat(Holder.ref!(holder), path!(path)) do
      utc = &:calendar.system_time_to_universal_time(max(&1, @first_second), :second)
      stat = struct!(File.Stat, fields)
      {:ok, %{stat | atime: utc.(stat.atime), mtime: utc.(stat.mtime), ctime: utc.(stat.ctime)}}
    end
  end

  @doc "As `stat/2`, but returns the description and raises `ExMonty.Error`."
  @spec stat!(Mount.holder(), String.t()) :: File.Stat.t()
  def stat!(holder, path), do: Refusal.value!(stat(holder, path), "stat #{inspect(path)}")

  @doc """
  Whether anything is at a path, as `File.exists?/1`; false for what cannot be seen. Raises `ExMonty.Error` for a lease
  that has ended.
  """
  @spec exists?(Mount.holder(), String.t()) :: boolean
  def exists?(holder, path),
    do: Refusal.value!(Native.file_exists(Holder.ref!(holder), path!(path)), "look for #{inspect(path)}")

  @doc "Creates a directory and what is missing above it, as `File.mkdir_p/1`."
  @spec mkdir_p(Mount.holder(), String.t()) :: :ok | {:error, Mount.file_error()}
  def mkdir_p(holder, path), do: Native.file_mkdir_p(Holder.ref!(holder), path!(path))

  @doc "As `mkdir_p/2`, but raises `ExMonty.Error`."
  @spec mkdir_p!(Mount.holder(), String.t()) :: :ok
  def mkdir_p!(holder, path), do: Refusal.value!(mkdir_p(holder, path), "create #{inspect(path)}")

  @doc "Removes a file, as `File.rm/1`; a directory is `:eisdir`."
  @spec rm(Mount.holder(), String.t()) :: :ok | {:error, Mount.file_error()}
  def rm(holder, path), do: Native.file_remove(Holder.ref!(holder), path!(path))

  @doc "As `rm/2`, but raises `ExMonty.Error`."
  @spec rm!(Mount.holder(), String.t()) :: :ok
  def rm!(holder, path), do: Refusal.value!(rm(holder, path), "remove #{inspect(path)}")

  @doc "Renames a file or a directory, replacing what Linux would replace, as `File.rename/2`. Between mounts `:exdev`."
  @spec rename(Mount.holder(), String.t(), String.t()) :: :ok | {:error, Mount.file_error()}
  def rename(holder, from, to), do: Native.file_rename(Holder.ref!(holder), path!(from), path!(to))

  @doc "As `rename/3`, but raises `ExMonty.Error`."
  @spec rename!(Mount.holder(), String.t(), String.t()) :: :ok
  def rename!(holder, from, to) do
    Refusal.value!(rename(holder, from, to), "rename #{inspect(from)} to #{inspect(to)}")
  end

  @doc """
  Lists the paths of everything below a directory, sorted, those of mounts below it included. Links are not followed.

  More than a million entries are `:eoverflow`. What may not be listed has nothing below it.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"b/c" => "", "a" => ""}}])
      iex> Files.walk(mounts, "/m")
      {:ok, ["/m/a", "/m/b", "/m/b/c"]}
      iex> Files.walk(mounts, "/m/a")
      {:error, :enotdir}
  """
  @spec walk(Mount.holder(), String.t()) :: {:ok, [String.t()]} | {:error, Mount.file_error()}
  def walk(holder, path), do: Native.file_walk(Holder.ref!(holder), path!(path))

  @doc "As `walk/2`, but returns the paths and raises `ExMonty.Error`."
  @spec walk!(Mount.holder(), String.t()) :: [String.t()]
  def walk!(holder, path), do: Refusal.value!(walk(holder, path), "walk #{inspect(path)}")

  @doc """
  Lists the paths that a glob matches, sorted.

  The glob is on whole virtual paths. `*` and `?` match within one name, `**/` any number of directories, `/**` everything
  below, `{a,b}` either, `[a-z]` a class, and a backslash takes the next character as it is. Unlike in `Path.wildcard/2`,
  names that begin with a dot are matched like all others. A glob that is none raises `ArgumentError`.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"src/a.py" => "", "b.py" => "", "c.md" => ""}}])
      iex> Files.glob(mounts, "/m/**/*.py")
      {:ok, ["/m/b.py", "/m/src/a.py"]}
      iex> Files.glob(mounts, "/m/[a")
      ** (ArgumentError) glob '/m/[a': a class is not closed by ']'
  """
  @spec glob(Mount.holder(), String.t()) :: {:ok, [String.t()]} | {:error, Mount.file_error()}
  def glob(holder, glob) do
    unless is_binary(glob) and String.valid?(glob),
      do: raise(ArgumentError, "a glob: got #{inspect(glob)}, accepted: a UTF-8 string")

    Native.file_glob(Holder.ref!(holder), glob)
  end

  @doc "As `glob/2`, but returns the paths and raises `ExMonty.Error`."
  @spec glob!(Mount.holder(), String.t()) :: [String.t()]
  def glob!(holder, glob), do: Refusal.value!(glob(holder, glob), "match #{inspect(glob)}")

  @doc """
  Removes the file, the link, or the directory with everything in it that is at a path; where nothing is, nothing is done.

  A mount point, or a directory above one, is `:eacces` and stays whole. What a link leads to is not removed.

      iex> alias ExMonty.Mount.Files
      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a/b/c" => "", "d" => ""}}])
      iex> {Files.rm_rf(mounts, "/m/a"), Files.rm_rf(mounts, "/m/a"), Files.rm_rf(mounts, "/m")}
      {:ok, :ok, {:error, :eacces}}
      iex> Files.ls(mounts, "/m")
      {:ok, ["d"]}
  """
  @spec rm_rf(Mount.holder(), String.t()) :: :ok | {:error, Mount.file_error()}
  def rm_rf(holder, path), do: Native.file_remove_all(Holder.ref!(holder), path!(path))

  @doc "As `rm_rf/2`, but raises `ExMonty.Error`."
  @spec rm_rf!(Mount.holder(), String.t()) :: :ok
  def rm_rf!(holder, path), do: Refusal.value!(rm_rf(holder, path), "remove #{inspect(path)}")

  defp path!(path), do: Options.virtual!(path)
end
