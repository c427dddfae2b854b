defmodule ExMonty.Mount do
  @moduledoc """
  A mount table: which files a script sees, and where they are kept.

  A table maps virtual paths to *mounts*. A memory mount keeps its files in memory; a directory of the host is
  mounted to be read, to be written, or under an overlay, which keeps what is written in memory until it is committed. File calls of a script that runs with the table are answered in Rust, without a trip to Elixir; and the
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

  `new/1`, and the `:mounts` of `ExMonty.Sandbox.run/2`, take mounts as a list of `{virtual, :memory}`,
  `{virtual, :memory, opts}`, `{virtual, source, mode}` and `{virtual, source, mode, opts}`, with the arguments of `add/4`
  and `add/5`; a source is a host path or a snapshot.

  ## Leases

  A run uses a table under a lease (`checkout/2`), which keeps others out. While an exclusive lease is out, the
  functions that read work on the table as ever and see the state between two operations; what would change files, mounts
  or leases answers `{:error, :mount_in_use}`, except through the lease itself, which `add`, `remove` and the functions on
  files and states take in the place of the table.

  ## Errors

  Files fail as in `File`, with a POSIX atom: `:enoent`, `:eacces`, `:eexist`, `:eisdir`, `:enotdir`, `:enotempty`,
  `:exdev`, `:erofs`, … Where no mount covers a path nothing is, `:enoent`. A path that is not absolute or holds a NUL
  byte is `:einval`, one that is too long `:enametoolong`. Limits of a mount are `:enospc` (`:max_bytes`, `:max_files`),
  `:efbig` (`:max_file_size`), `:edquot` (`:write_bytes_limit`) and `:enomem` (`:memory_limit`). An error of the host
  that has no such name is `:eio`.

  A function that ends in `!` raises `ExMonty.Error` with that reason. A panic in the native library would be
  `{:error, %ExMonty.Error{reason: :panic}}`, and leave the table usable.
  """

  alias ExMonty.Mount.{Archive, Change, CommitReport, Events, Files, History, Lease, Leases, Snapshot, Table}

  @enforce_keys [:ref]
  defstruct [:ref]

  @typedoc "A handle on a table. What is in it is private."
  @type t :: %__MODULE__{ref: reference()}

  @typedoc "What a file is asked of: the table, or a lease of it."
  @type holder :: t | Lease.t()

  @typedoc "What may be done with a directory of the host; a snapshot is not `:read_write`."
  @type mode :: :read_only | :read_write | :overlay

  @typedoc "A mount, as `new/1` takes it."
  @type spec ::
          {virtual :: String.t(), Path.t() | Snapshot.t(), mode}
          | {virtual :: String.t(), Path.t() | Snapshot.t(), mode, keyword}
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

  @doc "Makes a table, with the mounts of `specs`, or none of them. See `ExMonty.Mount.Table.new/1`."
  @spec new([spec]) :: {:ok, t} | {:error, error}
  defdelegate new(specs \\ []), to: Table

  @doc "As `new/1`, but raises `ExMonty.Error`."
  @spec new!([spec]) :: t
  defdelegate new!(specs \\ []), to: Table

  @doc "Adds a memory mount, with options, or another source in a mode. See `ExMonty.Mount.Table.add/4`."
  @spec add(handle, String.t(), :memory | Path.t() | Snapshot.t(), keyword | mode) ::
          {:ok, handle} | {:error, error}
        when handle: holder
  defdelegate add(holder, virtual, source, mode_or_opts \\ []), to: Table

  @doc "Adds a directory of the host or a snapshot, with options. See `ExMonty.Mount.Table.add/5`."
  @spec add(handle, String.t(), Path.t() | Snapshot.t(), mode, keyword) ::
          {:ok, handle} | {:error, error}
        when handle: holder
  defdelegate add(holder, virtual, source, mode, opts), to: Table

  @doc "As `add/4`, but raises `ExMonty.Error`."
  @spec add!(handle, String.t(), :memory | Path.t() | Snapshot.t(), keyword | mode) :: handle
        when handle: holder
  defdelegate add!(holder, virtual, source, mode_or_opts \\ []), to: Table

  @doc "As `add/5`, but raises `ExMonty.Error`."
  @spec add!(handle, String.t(), Path.t() | Snapshot.t(), mode, keyword) :: handle when handle: holder
  defdelegate add!(holder, virtual, source, mode, opts), to: Table

  @doc "Takes the mount at `virtual` away. See `ExMonty.Mount.Table.remove/2`."
  @spec remove(handle, String.t()) :: {:ok, handle} | {:error, error} when handle: holder
  defdelegate remove(holder, virtual), to: Table

  @doc "As `remove/2`, but raises `ExMonty.Error`."
  @spec remove!(handle, String.t()) :: handle when handle: holder
  defdelegate remove!(holder, virtual), to: Table

  @doc "Lists the mounts in the order they were added, at any time. See `ExMonty.Mount.Table.list/1`."
  @spec list(t) :: [info]
  defdelegate list(mounts), to: Table

  @doc "The number of mounts, at any time."
  @spec count(t) :: non_neg_integer
  defdelegate count(mounts), to: Table

  @doc "What all mounts together hold now and have written, at any time. See `ExMonty.Mount.Table.usage/1`."
  @spec usage(t) :: usage
  defdelegate usage(mounts), to: Table

  @doc "Leases the table to the calling process, at once or waiting. See `ExMonty.Mount.Leases.checkout/2`."
  @spec checkout(t, Lease.request()) :: {:ok, Lease.t()} | {:error, :mount_in_use}
  defdelegate checkout(mounts, request \\ :exclusive), to: Leases

  @doc "As `checkout/2`, but raises `ExMonty.Error`."
  @spec checkout!(t, Lease.request()) :: Lease.t()
  defdelegate checkout!(mounts, request \\ :exclusive), to: Leases

  @doc "Ends a lease, at once or with the native call in flight. One that has ended stays so."
  @spec release(Lease.t()) :: :ok
  defdelegate release(lease), to: Leases

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

  @doc "Lists the paths below a directory, sorted. See `ExMonty.Mount.Files.walk/2`."
  @spec walk(holder, String.t()) :: {:ok, [String.t()]} | {:error, file_error}
  defdelegate walk(holder, path), to: Files

  @doc "As `walk/2`, but raises `ExMonty.Error`."
  @spec walk!(holder, String.t()) :: [String.t()]
  defdelegate walk!(holder, path), to: Files

  @doc "Lists the paths that a glob matches, sorted. See `ExMonty.Mount.Files.glob/2`."
  @spec glob(holder, String.t()) :: {:ok, [String.t()]} | {:error, file_error}
  defdelegate glob(holder, glob), to: Files

  @doc "As `glob/2`, but raises `ExMonty.Error`."
  @spec glob!(holder, String.t()) :: [String.t()]
  defdelegate glob!(holder, glob), to: Files

  @doc "Removes whatever is at a path, with everything in it. See `ExMonty.Mount.Files.rm_rf/2`."
  @spec rm_rf(holder, String.t()) :: :ok | {:error, file_error}
  defdelegate rm_rf(holder, path), to: Files

  @doc "As `rm_rf/2`, but raises `ExMonty.Error`."
  @spec rm_rf!(holder, String.t()) :: :ok
  defdelegate rm_rf!(holder, path), to: Files

  ## States, of a table or through a lease of it. What they do in full is in `ExMonty.Mount.History`.

  @doc "Keeps the present state, at no cost per file. See `ExMonty.Mount.History.snapshot/1`."
  @spec snapshot(holder) :: {:ok, Snapshot.t()} | {:error, term}
  defdelegate snapshot(holder), to: History

  @doc "As `snapshot/1`, but raises `ExMonty.Error`."
  @spec snapshot!(holder) :: Snapshot.t()
  defdelegate snapshot!(holder), to: History

  @doc "Makes an independent table in the present state, at no cost per file. See `ExMonty.Mount.History.fork/1`."
  @spec fork(holder) :: {:ok, t} | {:error, term}
  defdelegate fork(holder), to: History

  @doc "As `fork/1`, but raises `ExMonty.Error`."
  @spec fork!(holder) :: t
  defdelegate fork!(holder), to: History

  @doc "Puts the contents of a snapshot back. See `ExMonty.Mount.History.restore/2`."
  @spec restore(holder, Snapshot.t()) :: :ok | {:error, term}
  defdelegate restore(holder, snapshot), to: History

  @doc "As `restore/2`, but raises `ExMonty.Error`."
  @spec restore!(holder, Snapshot.t()) :: :ok
  defdelegate restore!(holder, snapshot), to: History

  @doc "Lists what changed since a snapshot, or the origin. See `ExMonty.Mount.History.changes/2`."
  @spec changes(holder, Snapshot.t() | :origin) :: {:ok, [Change.t()]} | {:error, term}
  defdelegate changes(holder, since \\ :origin), to: History

  @doc "As `changes/2`, but raises `ExMonty.Error`."
  @spec changes!(holder, Snapshot.t() | :origin) :: [Change.t()]
  defdelegate changes!(holder, since \\ :origin), to: History

  @doc "Shows what changed as unified text. See `ExMonty.Mount.History.diff/2`."
  @spec diff(holder, String.t()) :: {:ok, String.t()} | {:error, term}
  defdelegate diff(holder, path), to: History

  @doc "As `diff/2`, but raises `ExMonty.Error`."
  @spec diff!(holder, String.t()) :: String.t()
  defdelegate diff!(holder, path), to: History

  @doc "Applies an overlay to its directory. See `ExMonty.Mount.History.commit/3`."
  @spec commit(holder, String.t(), keyword) :: {:ok, CommitReport.t()} | {:error, term}
  defdelegate commit(holder, virtual, opts \\ []), to: History

  @doc "As `commit/3`, but raises `ExMonty.Error`."
  @spec commit!(holder, String.t(), keyword) :: CommitReport.t()
  defdelegate commit!(holder, virtual, opts \\ []), to: History

  @doc "Drops what an overlay changed. See `ExMonty.Mount.History.discard/2`."
  @spec discard(holder, String.t()) :: :ok | {:error, term}
  defdelegate discard(holder, virtual), to: History

  @doc "As `discard/2`, but raises `ExMonty.Error`."
  @spec discard!(holder, String.t()) :: :ok
  defdelegate discard!(holder, virtual), to: History

  @doc "Writes the table down. See `ExMonty.Mount.Archive.dump/2`."
  @spec dump(holder, keyword) :: {:ok, binary} | {:error, term}
  defdelegate dump(holder, opts \\ []), to: Archive

  @doc "As `dump/2`, but raises `ExMonty.Error`."
  @spec dump!(holder, keyword) :: binary
  defdelegate dump!(holder, opts \\ []), to: Archive

  @doc "Makes a table of a dump. See `ExMonty.Mount.Archive.load/2`."
  @spec load(binary, keyword) :: {:ok, t} | {:error, term}
  defdelegate load(dump, opts \\ []), to: Archive

  @doc "As `load/2`, but raises `ExMonty.Error`."
  @spec load!(binary, keyword) :: t
  defdelegate load!(dump, opts \\ []), to: Archive

  @doc "Makes a tar archive of a directory. See `ExMonty.Mount.Archive.export_tar/2`."
  @spec export_tar(holder, String.t()) :: {:ok, binary} | {:error, term}
  defdelegate export_tar(holder, path), to: Archive

  @doc "As `export_tar/2`, but raises `ExMonty.Error`."
  @spec export_tar!(holder, String.t()) :: binary
  defdelegate export_tar!(holder, path), to: Archive

  @doc "Puts a tar archive into a directory. See `ExMonty.Mount.Archive.import_tar/3`."
  @spec import_tar(holder, String.t(), binary) :: :ok | {:error, term}
  defdelegate import_tar(holder, path, tar), to: Archive

  @doc "As `import_tar/3`, but raises `ExMonty.Error`."
  @spec import_tar!(holder, String.t(), binary) :: :ok
  defdelegate import_tar!(holder, path, tar), to: Archive

  @doc "Sends a process what is done with files. See `ExMonty.Mount.Events.subscribe/2`."
  @spec subscribe(t, pid) :: :ok
  defdelegate subscribe(mounts, pid \\ self()), to: Events

  @doc "Ends a subscription. See `ExMonty.Mount.Events.unsubscribe/2`."
  @spec unsubscribe(t, pid) :: :ok
  defdelegate unsubscribe(mounts, pid \\ self()), to: Events
end
