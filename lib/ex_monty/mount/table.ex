defmodule ExMonty.Mount.Table do
  @moduledoc """
  Making tables, and saying what is mounted in them. Each function is called through `ExMonty.Mount`, which has it too.
  """

  alias ExMonty.{Mount, Native}
  alias ExMonty.Mount.{Options, Refusal, Snapshot, Telemetry}

  @modes [:read_only, :read_write, :overlay]

  @doc """
  Makes a table, with the mounts of `specs`: all of them, or none and the error of the first that fails.

      iex> {:ok, mounts} = ExMonty.Mount.new([{"/scratch", :memory}, {"/docs", "docs", :read_only}])
      iex> ExMonty.Mount.count(mounts)
      2
      iex> ExMonty.Mount.new([{"/scratch", :memory}, {"/scratch/", :memory}])
      {:error, {:already_mounted, "/scratch"}}
  """
  @spec new([Mount.spec()]) :: {:ok, Mount.t()} | {:error, Mount.error()}
  def new(specs \\ []) do
    specs = Options.specs!(specs)

    with {:ok, ref} <- Native.mount_new() do
      Telemetry.watch(ref)

      Enum.reduce_while(specs, {:ok, %Mount{ref: ref}}, fn spec, {:ok, mounts} ->
        case apply(__MODULE__, :add, [mounts | spec]) do
          {:ok, mounts} -> {:cont, {:ok, mounts}}
          error -> {:halt, error}
        end
      end)
    end
  end

  @doc "As `new/1`, but returns the table and raises `ExMonty.Error`."
  @spec new!([Mount.spec()]) :: Mount.t()
  def new!(specs \\ []), do: Refusal.value!(new(specs), "make a mount table")

  @doc """
  Adds a memory mount, `add(mounts, virtual, :memory, opts)`, or a host directory without options.

  Options of a memory mount:

    * `:files` – map of path to contents (a binary or iodata), or to `:directory`, that the mount starts with. Paths are
      those inside the mount, with or without a leading `/`; directories above them are made. They count as written.
    * `:max_bytes` – bytes held at one time, all files together. Default: no limit.
    * `:max_files` – files and directories held at one time. Default: no limit.
    * `:max_file_size` – bytes in one file. Default: no limit.
    * `:write_bytes_limit` – bytes ever written, whether kept or not. Default: no limit.
    * `:memory_limit` – bytes that the mount keeps in memory, plus the answer being made. Default: 256 MiB.
    * `:rules` – `[hide: globs, deny: globs, read_only: globs]` on the paths inside the mount: what is not there, what
      is listed and may not be accessed, what may only be read. A glob that is none raises `ArgumentError`.

  Each limit takes an integer or `:unlimited`. Returns the same handle, so that calls can be piped through `add!/4`. Nobody
  sees the mount without its files. Files that cannot be, or exceed a limit, fail as a write of them would: `:eexist`,
  `:enospc`, …

      iex> mounts = ExMonty.Mount.new!()
      iex> {:ok, ^mounts} = ExMonty.Mount.add(mounts, "/work", :memory, files: %{"src/a.py" => "print(1)"})
      iex> ExMonty.Mount.ls(mounts, "/work/src")
      {:ok, ["a.py"]}
      iex> ExMonty.Mount.add(mounts, "/small", :memory, files: %{"a" => "12345"}, max_bytes: 4)
      {:error, :enospc}
  """
  @spec add(Mount.t(), virtual :: String.t(), :memory | Path.t() | Snapshot.t(), keyword | Mount.mode()) ::
          {:ok, Mount.t()} | {:error, Mount.error()}
  def add(mounts, virtual, source, mode_or_opts \\ [])

  def add(%Mount{ref: ref} = mounts, virtual, :memory, opts) do
    settings = Options.settings!(:memory, opts)
    added(Native.mount_add_memory(ref, Options.virtual!(virtual), Options.files!(opts), settings), mounts)
  end

  def add(%Mount{} = mounts, virtual, source, mode), do: add(mounts, virtual, source, mode, [])

  @doc """
  Adds a directory of the host, or what an `ExMonty.Mount.Snapshot` holds as seen from its `/`, at the path `virtual`.

  `mode` is one of

    * `:read_only` – scripts and host alike can read what is there at the time, and no write reaches it;
    * `:read_write` – what is written is on the host at once;
    * `:overlay` – what is written stays in memory, over the directory, which is never written.

  A snapshot can be mounted `:read_only` and as `:overlay`. Any other mode is `{:error, :invalid_mode}`. The directory is opened now and stays the same one when it is renamed or
  replaced. Symbolic links inside it are followed as far as they stay inside; nothing leads out.

  Options are the limits of `add/4`, and `:rules`. An overlay is charged for what it keeps, a read-write mount for what
  is added through it, by default at most 1 GiB written and 100,000 files and directories more than there were. A
  read-only mount takes `:memory_limit` alone.

  `virtual` is absolute; `/d` and `/d/` are the same path. Mounts nest; the deepest one that covers a path has it.

      iex> mounts = ExMonty.Mount.new!()
      iex> {:ok, ^mounts} = ExMonty.Mount.add(mounts, "/src", "lib", :read_only, memory_limit: 1_000_000)
      iex> ExMonty.Mount.add(mounts, "/other", "no/such/directory", :read_only)
      {:error, :host_path_not_found}
      iex> ExMonty.Mount.add(mounts, "relative", "lib", :read_only)
      {:error, :invalid_virtual_path}
      iex> snapshot = ExMonty.Mount.snapshot!(ExMonty.Mount.new!([{"/", :memory, files: %{"lib/a.py" => "pass"}}]))
      iex> {:ok, ^mounts} = ExMonty.Mount.add(mounts, "/base", snapshot, :overlay)
      iex> ExMonty.Mount.read(mounts, "/base/lib/a.py")
      {:ok, "pass"}
  """
  @spec add(Mount.t(), virtual :: String.t(), Path.t() | Snapshot.t(), Mount.mode(), keyword) ::
          {:ok, Mount.t()} | {:error, Mount.error()}
  def add(%Mount{ref: ref} = mounts, virtual, %Snapshot{ref: snapshot}, mode, opts)
      when mode in [:read_only, :overlay] do
    settings = Options.settings!(mode, opts)
    added(Native.mount_add_snapshot(ref, Options.virtual!(virtual), snapshot, mode, settings), mounts)
  end

  def add(%Mount{}, virtual, %Snapshot{}, _mode, _opts) do
    Options.virtual!(virtual)
    {:error, :invalid_mode}
  end

  def add(%Mount{ref: ref} = mounts, virtual, host_path, mode, opts) when mode in @modes do
    settings = Options.settings!(mode, opts)
    host_path = Options.host!(host_path)
    added(Native.mount_add_host(ref, Options.virtual!(virtual), host_path, mode, settings), mounts)
  end

  def add(%Mount{}, virtual, host_path, _mode, _opts) do
    Options.host!(host_path)
    Options.virtual!(virtual)
    {:error, :invalid_mode}
  end

  @doc "As `add/4`, but returns the table and raises `ExMonty.Error`."
  @spec add!(Mount.t(), String.t(), :memory | Path.t() | Snapshot.t(), keyword | Mount.mode()) :: Mount.t()
  def add!(mounts, virtual, source, mode_or_opts \\ []) do
    Refusal.value!(add(mounts, virtual, source, mode_or_opts), "mount #{inspect(virtual)}")
  end

  @doc "As `add/5`, but returns the table and raises `ExMonty.Error`."
  @spec add!(Mount.t(), String.t(), Path.t() | Snapshot.t(), Mount.mode(), keyword) :: Mount.t()
  def add!(mounts, virtual, host_path, mode, opts) do
    Refusal.value!(add(mounts, virtual, host_path, mode, opts), "mount #{inspect(virtual)}")
  end

  @doc """
  Takes the mount at `virtual` away, and with a memory mount its files. Returns the same handle.

      iex> mounts = ExMonty.Mount.new!([{"/scratch", :memory}])
      iex> {:ok, ^mounts} = ExMonty.Mount.remove(mounts, "/scratch")
      iex> ExMonty.Mount.remove(mounts, "/scratch")
      {:error, {:not_mounted, "/scratch"}}
  """
  @spec remove(Mount.t(), virtual :: String.t()) :: {:ok, Mount.t()} | {:error, Mount.error()}
  def remove(%Mount{ref: ref} = mounts, virtual) do
    added(Native.mount_remove(ref, Options.virtual!(virtual)), mounts)
  end

  @doc "As `remove/2`, but returns the table and raises `ExMonty.Error`."
  @spec remove!(Mount.t(), String.t()) :: Mount.t()
  def remove!(mounts, virtual), do: Refusal.value!(remove(mounts, virtual), "unmount #{inspect(virtual)}")

  @doc """
  Lists the mounts in the order they were added. Works at any time.

  `host` is the canonical path of the host directory, nil for a memory mount; `write_bytes_limit` is nil where there is
  none. The counters of a read-only mount stay at 0.

      iex> [mount] = ExMonty.Mount.list(ExMonty.Mount.new!([{"/scratch", :memory, files: %{"a" => "123"}}]))
      iex> {mount.virtual, mount.host, mount.mode, mount.write_bytes_limit}
      {"/scratch", nil, :memory, nil}
      iex> {mount.usage.files, mount.usage.bytes}
      {1, 3}
  """
  @spec list(Mount.t()) :: [Mount.info()]
  def list(%Mount{ref: ref}), do: Refusal.value!(Native.mount_list(ref), "list the mounts")

  @doc "The number of mounts. Works at any time."
  @spec count(Mount.t()) :: non_neg_integer
  def count(%Mount{ref: ref}), do: Native.mount_count(ref)

  @doc """
  What all mounts together hold now and have written: the sums of `usage` in `list/1`. Works at any time.

  `bytes` are bytes of contents, `files` files and directories, `memory` what contents, names and nodes cost in bytes.

      iex> mounts = ExMonty.Mount.new!([{"/a", :memory}, {"/b", :memory, files: %{"x" => "12"}}])
      iex> ExMonty.Mount.write!(mounts, "/a/y", "123")
      iex> %{bytes: 5, files: 2, bytes_written: 5} = ExMonty.Mount.usage(mounts)
      iex> ExMonty.Mount.write!(mounts, "/a/y", "")
      iex> %{bytes: 2, files: 2, bytes_written: 5} = ExMonty.Mount.usage(mounts)
  """
  @spec usage(Mount.t()) :: Mount.usage()
  def usage(%Mount{} = mounts) do
    none = %{bytes: 0, files: 0, memory: 0, bytes_written: 0}

    Enum.reduce(list(mounts), none, fn mount, sum ->
      Map.merge(sum, mount.usage, fn _, one, two -> one + two end)
    end)
  end

  defp added(:ok, mounts), do: {:ok, mounts}
  defp added({:error, _} = error, _mounts), do: error
end
