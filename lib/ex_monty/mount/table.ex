defmodule ExMonty.Mount.Table do
  @moduledoc """
  Making tables, and saying what is mounted in them. Each function is called through `ExMonty.Mount`, which has it too.

  While a lease is out, mounts come and go through that lease alone: `add` and `remove` take it in the place of the table,
  and return it. It must be exclusive, and no call and no turn of a run may be using it, else it is
  `{:error, :mount_in_use}`. A run that is paused sees the mounts as they are when it is resumed.
  """

  alias ExMonty.{Mount, Native}
  alias ExMonty.Mount.{Holder, Options, Refusal, Snapshot, Telemetry}

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
  @spec add(handle, virtual :: String.t(), :memory | Path.t() | Snapshot.t(), keyword | Mount.mode()) ::
          {:ok, handle} | {:error, Mount.error()}
        when handle: Mount.holder()
  def add(holder, virtual, source, mode_or_opts \\ [])

  def add(holder, virtual, :memory, opts) do
    ref = Holder.ref!(holder)
    settings = Options.settings!(:memory, opts)
    added(Native.mount_add_memory(ref, Options.virtual!(virtual), Options.files!(opts), settings), holder)
  end

  def add(holder, virtual, source, mode), do: add(holder, virtual, source, mode, [])

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
  @spec add(handle, virtual :: String.t(), Path.t() | Snapshot.t(), Mount.mode(), keyword) ::
          {:ok, handle} | {:error, Mount.error()}
        when handle: Mount.holder()
  def add(holder, virtual, %Snapshot{ref: snapshot}, mode, opts) when mode in [:read_only, :overlay] do
    ref = Holder.ref!(holder)
    settings = Options.settings!(mode, opts)
    added(Native.mount_add_snapshot(ref, Options.virtual!(virtual), snapshot, mode, settings), holder)
  end

  def add(holder, virtual, %Snapshot{}, _mode, _opts) do
    Holder.ref!(holder)
    Options.virtual!(virtual)
    {:error, :invalid_mode}
  end

  def add(holder, virtual, host_path, mode, opts) when mode in @modes do
    ref = Holder.ref!(holder)
    settings = Options.settings!(mode, opts)
    host_path = Options.host!(host_path)
    added(Native.mount_add_host(ref, Options.virtual!(virtual), host_path, mode, settings), holder)
  end

  def add(holder, virtual, host_path, _mode, _opts) do
    Holder.ref!(holder)
    Options.host!(host_path)
    Options.virtual!(virtual)
    {:error, :invalid_mode}
  end

  @doc "As `add/4`, but returns the table and raises `ExMonty.Error`."
  @spec add!(handle, String.t(), :memory | Path.t() | Snapshot.t(), keyword | Mount.mode()) :: handle
        when handle: Mount.holder()
  def add!(holder, virtual, source, mode_or_opts \\ []) do
    Refusal.value!(add(holder, virtual, source, mode_or_opts), "mount #{inspect(virtual)}")
  end

  @doc "As `add/5`, but returns the table and raises `ExMonty.Error`."
  @spec add!(handle, String.t(), Path.t() | Snapshot.t(), Mount.mode(), keyword) :: handle
        when handle: Mount.holder()
  def add!(holder, virtual, host_path, mode, opts) do
    Refusal.value!(add(holder, virtual, host_path, mode, opts), "mount #{inspect(virtual)}")
  end

  @doc """
  Takes the mount at `virtual` away, and with a memory mount its files. Returns the same handle.

      iex> lease = ExMonty.Mount.checkout!(ExMonty.Mount.new!([{"/in", :memory}]))
      iex> {:ok, ^lease} = ExMonty.Mount.add(lease, "/more", :memory)
      iex> {:ok, ^lease} = ExMonty.Mount.remove(lease, "/in")
      iex> ExMonty.Mount.ls(lease, "/")
      {:ok, ["more"]}

      iex> mounts = ExMonty.Mount.new!([{"/scratch", :memory}])
      iex> {:ok, ^mounts} = ExMonty.Mount.remove(mounts, "/scratch")
      iex> ExMonty.Mount.remove(mounts, "/scratch")
      {:error, {:not_mounted, "/scratch"}}
  """
  @spec remove(handle, virtual :: String.t()) :: {:ok, handle} | {:error, Mount.error()}
        when handle: Mount.holder()
  def remove(holder, virtual) do
    added(Native.mount_remove(Holder.ref!(holder), Options.virtual!(virtual)), holder)
  end

  @doc "As `remove/2`, but returns the table and raises `ExMonty.Error`."
  @spec remove!(handle, String.t()) :: handle when handle: Mount.holder()
  def remove!(holder, virtual), do: Refusal.value!(remove(holder, virtual), "unmount #{inspect(virtual)}")

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

  defp added(:ok, holder), do: {:ok, holder}
  defp added({:error, _} = error, _holder), do: error
end
