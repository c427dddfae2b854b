defmodule ExMonty.Mount do
  @moduledoc """
  A mount table: which files a script sees, and where they are kept.

  A table maps virtual paths to *mounts*. A memory mount keeps its files in memory, a read-only mount shows a directory
  of the host. File calls of a script that runs with the table are answered in Rust, without a trip to Elixir; and the
  files can be written and read from Elixir, before and after a run.

      iex> mounts =
      ...>   ExMonty.Mount.new!()
      ...>   |> ExMonty.Mount.add!("/scratch", :memory, files: %{"in/names.txt" => "Ada"}, max_bytes: 1_000_000)
      ...>   |> ExMonty.Mount.add!("/docs", "docs", :read_only)
      iex> ExMonty.Mount.read(mounts, "/scratch/in/names.txt")
      {:ok, "Ada"}
      iex> ExMonty.Mount.write(mounts, "/docs/new.md", "x")
      {:error, :erofs}

  A `%ExMonty.Mount{}` is a handle: whoever has it uses the same table, on this node. It is opaque.

  ## Specs

  `new/1`, and the `:mounts` of `ExMonty.Sandbox.run/2`, take mounts as a list of `{virtual, host_path, mode}`,
  `{virtual, host_path, mode, opts}`, `{virtual, :memory}` and `{virtual, :memory, opts}`, with the arguments of `add/4`
  and `add/5`.

  ## Leases

  A run uses a table under a lease (`checkout/2`), which keeps others out. While an exclusive lease is out, the
  functions that read work on the table as ever and see the state between two operations; what would change files, mounts
  or leases answers `{:error, :mount_in_use}`, except through the lease itself, which every file function takes in the
  place of the table.

  ## Errors

  Files fail as in `File`, with a POSIX atom: `:enoent`, `:eacces`, `:eexist`, `:eisdir`, `:enotdir`, `:enotempty`,
  `:exdev`, `:erofs`, … Where no mount covers a path nothing is, `:enoent`. A path that is not absolute or holds a NUL
  byte is `:einval`, one that is too long `:enametoolong`. Limits of a mount are `:enospc` (`:max_bytes`, `:max_files`),
  `:efbig` (`:max_file_size`), `:edquot` (`:write_bytes_limit`) and `:enomem` (`:memory_limit`). An error of the host
  that has no such name is `:eio`.

  A function that ends in `!` raises `ExMonty.Error` with that reason. A panic in the native library would be
  `{:error, %ExMonty.Error{reason: :panic}}`, and leave the table usable.
  """

  alias ExMonty.Mount.{Files, Lease, Options, Refusal}
  alias ExMonty.Native

  @modes [:read_only, :read_write, :overlay]

  @enforce_keys [:ref]
  defstruct [:ref]

  @typedoc "A handle on a table. What is in it is private."
  @type t :: %__MODULE__{ref: reference()}

  @typedoc "What a file is asked of: the table, or a lease of it."
  @type holder :: t | Lease.t()

  @typedoc "What may be done with a directory of the host."
  @type mode :: :read_only | :read_write | :overlay

  @typedoc "A mount, as `new/1` takes it."
  @type spec ::
          {virtual :: String.t(), host_path :: Path.t(), mode}
          | {virtual :: String.t(), host_path :: Path.t(), mode, keyword}
          | {virtual :: String.t(), :memory}
          | {virtual :: String.t(), :memory, keyword}

  @typedoc "Why a mount was not added, or a table not leased."
  @type error ::
          :invalid_virtual_path
          | :invalid_mode
          | :host_path_not_found
          | :host_path_not_directory
          | :host_path_canonicalize_failed
          | :host_path_denied
          | {:already_mounted, virtual :: String.t()}
          | {:not_mounted, virtual :: String.t()}
          | {:overlaps, virtual :: String.t()}
          | :mount_in_use
          | file_error

  @typedoc "Why a file operation failed: a POSIX atom as in `File`, or what stands in the way of using table or lease."
  @type file_error :: File.posix() | :mount_in_use | :lease_released | ExMonty.Error.t()

  @typedoc "What a mount holds now, its root not counted, and what was ever written into it."
  @type usage :: %{
          bytes: non_neg_integer,
          files: non_neg_integer,
          memory: non_neg_integer,
          bytes_written: non_neg_integer
        }

  @typedoc "A mount, as `list/1` shows it."
  @type info :: %{
          virtual: String.t(),
          host: String.t() | nil,
          mode: :memory | mode,
          write_bytes_limit: non_neg_integer | nil,
          usage: usage
        }

  @doc """
  Makes a table, with the mounts of `specs`: all of them, or none and the error of the first that fails.

      iex> {:ok, mounts} = ExMonty.Mount.new([{"/scratch", :memory}, {"/docs", "docs", :read_only}])
      iex> ExMonty.Mount.count(mounts)
      2
      iex> ExMonty.Mount.new([{"/scratch", :memory}, {"/scratch/", :memory}])
      {:error, {:already_mounted, "/scratch"}}
  """
  @spec new([spec]) :: {:ok, t} | {:error, error}
  def new(specs \\ []) do
    specs = Options.specs!(specs)

    with {:ok, ref} <- Native.mount_new() do
      Enum.reduce_while(specs, {:ok, %__MODULE__{ref: ref}}, fn spec, {:ok, mounts} ->
        case apply(__MODULE__, :add, [mounts | spec]) do
          {:ok, mounts} -> {:cont, {:ok, mounts}}
          error -> {:halt, error}
        end
      end)
    end
  end

  @doc "As `new/1`, but returns the table and raises `ExMonty.Error`."
  @spec new!([spec]) :: t
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
  @spec add(t, virtual :: String.t(), :memory | Path.t(), keyword | mode) :: {:ok, t} | {:error, error}
  def add(mounts, virtual, source, mode_or_opts \\ [])

  def add(%__MODULE__{ref: ref} = mounts, virtual, :memory, opts) do
    settings = Options.settings!(:memory, opts)
    added(Native.mount_add_memory(ref, Options.virtual!(virtual), Options.files!(opts), settings), mounts)
  end

  def add(%__MODULE__{} = mounts, virtual, host_path, mode), do: add(mounts, virtual, host_path, mode, [])

  @doc """
  Adds a directory of the host at the path `virtual`.

  `mode` is one of

    * `:read_only` – scripts and host alike can read what is there at the time, and no write reaches it;
    * `:read_write` – what is written is on the host at once;
    * `:overlay` – what is written stays in memory, over the directory, which is never written.

  Any other mode is `{:error, :invalid_mode}`. The directory is opened now and stays the same one when it is renamed or
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
  """
  @spec add(t, virtual :: String.t(), host_path :: Path.t(), mode, keyword) ::
          {:ok, t} | {:error, error}
  def add(%__MODULE__{ref: ref} = mounts, virtual, host_path, mode, opts) when mode in @modes do
    settings = Options.settings!(mode, opts)
    host_path = Options.host!(host_path)
    added(Native.mount_add_host(ref, Options.virtual!(virtual), host_path, mode, settings), mounts)
  end

  def add(%__MODULE__{}, virtual, host_path, _mode, _opts) do
    Options.host!(host_path)
    Options.virtual!(virtual)
    {:error, :invalid_mode}
  end

  @doc "As `add/4`, but returns the table and raises `ExMonty.Error`."
  @spec add!(t, String.t(), :memory | Path.t(), keyword | mode) :: t
  def add!(mounts, virtual, source, mode_or_opts \\ []) do
    Refusal.value!(add(mounts, virtual, source, mode_or_opts), "mount #{inspect(virtual)}")
  end

  @doc "As `add/5`, but returns the table and raises `ExMonty.Error`."
  @spec add!(t, String.t(), Path.t(), mode, keyword) :: t
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
  @spec remove(t, virtual :: String.t()) :: {:ok, t} | {:error, error}
  def remove(%__MODULE__{ref: ref} = mounts, virtual) do
    added(Native.mount_remove(ref, Options.virtual!(virtual)), mounts)
  end

  @doc "As `remove/2`, but returns the table and raises `ExMonty.Error`."
  @spec remove!(t, String.t()) :: t
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
  @spec list(t) :: [info]
  def list(%__MODULE__{ref: ref}), do: Refusal.value!(Native.mount_list(ref), "list the mounts")

  @doc "The number of mounts. Works at any time."
  @spec count(t) :: non_neg_integer
  def count(%__MODULE__{ref: ref}), do: Native.mount_count(ref)

  @doc """
  What all mounts together hold now and have written: the sums of `usage` in `list/1`. Works at any time.

  `bytes` are bytes of contents, `files` files and directories, `memory` what contents, names and nodes cost in bytes.

      iex> mounts = ExMonty.Mount.new!([{"/a", :memory}, {"/b", :memory, files: %{"x" => "12"}}])
      iex> ExMonty.Mount.write!(mounts, "/a/y", "123")
      iex> %{bytes: 5, files: 2, bytes_written: 5} = ExMonty.Mount.usage(mounts)
      iex> ExMonty.Mount.write!(mounts, "/a/y", "")
      iex> %{bytes: 2, files: 2, bytes_written: 5} = ExMonty.Mount.usage(mounts)
  """
  @spec usage(t) :: usage
  def usage(%__MODULE__{} = mounts) do
    none = %{bytes: 0, files: 0, memory: 0, bytes_written: 0}

    Enum.reduce(list(mounts), none, fn mount, sum ->
      Map.merge(sum, mount.usage, fn _, one, two -> one + two end)
    end)
  end

  @doc """
  Leases the table to the calling process: `:exclusive` (default) keeps every other lease and change out, `:shared`
  only exclusive leases and changes of the mounts. See `ExMonty.Mount.Lease` for when a lease ends.

      iex> mounts = ExMonty.Mount.new!([{"/scratch", :memory}])
      iex> {:ok, lease} = ExMonty.Mount.checkout(mounts)
      iex> ExMonty.Mount.checkout(mounts, :shared)
      {:error, :mount_in_use}
      iex> ExMonty.Mount.write(mounts, "/scratch/a", "from outside")
      {:error, :mount_in_use}
      iex> ExMonty.Mount.write(lease, "/scratch/a", "through the lease")
      :ok
      iex> ExMonty.Mount.release(lease)
      iex> ExMonty.Mount.write(lease, "/scratch/a", "too late")
      {:error, :lease_released}
  """
  @spec checkout(t, Lease.mode()) :: {:ok, Lease.t()} | {:error, :mount_in_use}
  def checkout(mounts, mode \\ :exclusive)

  def checkout(%__MODULE__{ref: ref}, mode) when mode in [:exclusive, :shared] do
    with {:ok, lease} <- Native.mount_checkout(ref, mode), do: {:ok, %Lease{ref: lease, mode: mode}}
  end

  def checkout(%__MODULE__{}, mode) do
    raise ArgumentError, "the mode of a lease: got #{inspect(mode)}, accepted: :exclusive, :shared"
  end

  @doc "As `checkout/2`, but returns the lease and raises `ExMonty.Error`."
  @spec checkout!(t, Lease.mode()) :: Lease.t()
  def checkout!(mounts, mode \\ :exclusive),
    do: Refusal.value!(checkout(mounts, mode), "lease the mount table")

  @doc "Ends a lease, at once or with the native call in flight. One that has ended stays so."
  @spec release(Lease.t()) :: :ok
  def release(%Lease{ref: ref}), do: Native.mount_release(ref)

  ## Files, on a table or through a lease of it. What they do in full is in `ExMonty.Mount.Files`.

  @doc "Reads a whole file, as `File.read/1`. See `ExMonty.Mount.Files.read/2`."
  @spec read(holder, String.t()) :: {:ok, binary} | {:error, file_error}
  defdelegate read(holder, path), to: Files

  @doc "As `read/2`, but returns the contents and raises `ExMonty.Error`."
  @spec read!(holder, String.t()) :: binary
  defdelegate read!(holder, path), to: Files

  @doc "Replaces the contents of a file, or creates it, as `File.write/2`. See `ExMonty.Mount.Files.write/3`."
  @spec write(holder, String.t(), iodata) :: :ok | {:error, file_error}
  defdelegate write(holder, path, contents), to: Files

  @doc "As `write/3`, but raises `ExMonty.Error`."
  @spec write!(holder, String.t(), iodata) :: :ok
  defdelegate write!(holder, path, contents), to: Files

  @doc "Adds to the end of a file, or creates it. See `ExMonty.Mount.Files.append/3`."
  @spec append(holder, String.t(), iodata) :: :ok | {:error, file_error}
  defdelegate append(holder, path, contents), to: Files

  @doc "As `append/3`, but raises `ExMonty.Error`."
  @spec append!(holder, String.t(), iodata) :: :ok
  defdelegate append!(holder, path, contents), to: Files

  @doc "Lists the names in a directory, sorted, as `File.ls/1`. See `ExMonty.Mount.Files.ls/2`."
  @spec ls(holder, String.t()) :: {:ok, [String.t()]} | {:error, file_error}
  defdelegate ls(holder, path), to: Files

  @doc "As `ls/2`, but returns the names and raises `ExMonty.Error`."
  @spec ls!(holder, String.t()) :: [String.t()]
  defdelegate ls!(holder, path), to: Files

  @doc "Describes what a path leads to, as `File.stat/1`. See `ExMonty.Mount.Files.stat/2`."
  @spec stat(holder, String.t()) :: {:ok, File.Stat.t()} | {:error, file_error}
  defdelegate stat(holder, path), to: Files

  @doc "As `stat/2`, but returns the description and raises `ExMonty.Error`."
  @spec stat!(holder, String.t()) :: File.Stat.t()
  defdelegate stat!(holder, path), to: Files

  @doc "Whether anything is at a path, as `File.exists?/1`. See `ExMonty.Mount.Files.exists?/2`."
  @spec exists?(holder, String.t()) :: boolean
  defdelegate exists?(holder, path), to: Files

  @doc "Creates a directory and what is missing above it, as `File.mkdir_p/1`. See `ExMonty.Mount.Files.mkdir_p/2`."
  @spec mkdir_p(holder, String.t()) :: :ok | {:error, file_error}
  defdelegate mkdir_p(holder, path), to: Files

  @doc "As `mkdir_p/2`, but raises `ExMonty.Error`."
  @spec mkdir_p!(holder, String.t()) :: :ok
  defdelegate mkdir_p!(holder, path), to: Files

  @doc "Removes a file, as `File.rm/1`. See `ExMonty.Mount.Files.rm/2`."
  @spec rm(holder, String.t()) :: :ok | {:error, file_error}
  defdelegate rm(holder, path), to: Files

  @doc "As `rm/2`, but raises `ExMonty.Error`."
  @spec rm!(holder, String.t()) :: :ok
  defdelegate rm!(holder, path), to: Files

  @doc "Renames a file or a directory, as `File.rename/2`. See `ExMonty.Mount.Files.rename/3`."
  @spec rename(holder, String.t(), String.t()) :: :ok | {:error, file_error}
  defdelegate rename(holder, from, to), to: Files

  @doc "As `rename/3`, but raises `ExMonty.Error`."
  @spec rename!(holder, String.t(), String.t()) :: :ok
  defdelegate rename!(holder, from, to), to: Files

  defp added(:ok, mounts), do: {:ok, mounts}
  defp added({:error, _} = error, _mounts), do: error
end
