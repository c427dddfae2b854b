defmodule ExMonty.Mount.History do
  @moduledoc """
  States of a table that are kept, compared, put back and made real. Each function is called through `ExMonty.Mount`,
  which has it too.

  The first argument is a table or a lease of it. While an exclusive lease is out, `snapshot/1`, `fork/1`, `changes/2` and
  `diff/2` work on the table and see the state between two operations; `restore/2`, `commit/3` and `discard/2` are
  `{:error, :mount_in_use}`, except through the lease.
  """

  alias ExMonty.{Mount, Native}
  alias ExMonty.Mount.{Change, CommitReport, Holder, Options, Refusal, Snapshot}

  @doc """
  Keeps the present state, at a cost that does not depend on what the mounts hold.

  A host directory is no state: a snapshot holds a mount of one as the directory that it is, and of an overlay over one
  what the overlay changed.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a" => "1"}}])
      iex> {:ok, snapshot} = ExMonty.Mount.snapshot(mounts)
      iex> ExMonty.Mount.write!(mounts, "/m/a", "2")
      iex> ExMonty.Mount.restore(mounts, snapshot)
      :ok
      iex> ExMonty.Mount.read(mounts, "/m/a")
      {:ok, "1"}
  """
  @spec snapshot(Mount.holder()) :: {:ok, Snapshot.t()} | {:error, :lease_released}
  def snapshot(holder) do
    with {:ok, ref} <- Native.mount_snapshot(Holder.ref!(holder)), do: {:ok, %Snapshot{ref: ref}}
  end

  @doc "As `snapshot/1`, but returns the snapshot and raises `ExMonty.Error`."
  @spec snapshot!(Mount.holder()) :: Snapshot.t()
  def snapshot!(holder), do: Refusal.value!(snapshot(holder), "take a snapshot")

  @doc """
  Makes an independent table in the present state, at a cost that does not depend on what the mounts hold: the same
  mounts with their contents, limits, rules and counters, and nobody's lease. A directory that is mounted read-write is the
  same directory in both.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a" => "1"}}])
      iex> {:ok, fork} = ExMonty.Mount.fork(mounts)
      iex> ExMonty.Mount.write!(fork, "/m/a", "2")
      iex> {ExMonty.Mount.read!(mounts, "/m/a"), ExMonty.Mount.read!(fork, "/m/a")}
      {"1", "2"}
  """
  @spec fork(Mount.holder()) :: {:ok, Mount.t()} | {:error, :lease_released}
  def fork(holder) do
    with {:ok, ref} <- Native.mount_fork(Holder.ref!(holder)), do: {:ok, %Mount{ref: ref}}
  end

  @doc "As `fork/1`, but returns the table and raises `ExMonty.Error`."
  @spec fork!(Mount.holder()) :: Mount.t()
  def fork!(holder), do: Refusal.value!(fork(holder), "fork the mount table")

  @doc """
  Puts the contents of every mount back as `snapshot` has them; limits, rules and what was ever written stay.

  `{:error, :not_restorable}`, with nothing changed, when other mounts were mounted then, or one is read-write.
  """
  @spec restore(Mount.holder(), Snapshot.t()) ::
          :ok | {:error, :not_restorable | :mount_in_use | :lease_released}
  def restore(holder, %Snapshot{ref: snapshot}), do: Native.mount_restore(Holder.ref!(holder), snapshot)

  @doc "As `restore/2`, but raises `ExMonty.Error`."
  @spec restore!(Mount.holder(), Snapshot.t()) :: :ok
  def restore!(holder, snapshot), do: Refusal.value!(restore(holder, snapshot), "restore a snapshot")

  @doc """
  Lists what changed since a snapshot, or since the origin, by path.

  The origin of a mount is its state when it was added (a memory mount with its files, the lower layer of an overlay), and
  that of a forked or loaded table the state at the fork or load. The list is exact: a file that was written anew with the
  bytes it had is no change; a new directory is one change and each file in it another.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a" => "1", "b" => "2"}}])
      iex> ExMonty.Mount.write!(mounts, "/m/a", "longer")
      iex> ExMonty.Mount.rm!(mounts, "/m/b")
      iex> {:ok, changes} = ExMonty.Mount.changes(mounts)
      iex> for change <- changes, do: {change.path, change.kind, change.size, change.previous_size}
      [{"/m/a", :modified, 6, 1}, {"/m/b", :deleted, nil, 1}]
  """
  @spec changes(Mount.holder(), Snapshot.t() | :origin) :: {:ok, [Change.t()]} | {:error, Mount.file_error()}
  def changes(holder, since \\ :origin)
  def changes(holder, :origin), do: Native.mount_changes(Holder.ref!(holder), nil)
  def changes(holder, %Snapshot{ref: since}), do: Native.mount_changes(Holder.ref!(holder), since)

  @doc "As `changes/2`, but returns the list and raises `ExMonty.Error`."
  @spec changes!(Mount.holder(), Snapshot.t() | :origin) :: [Change.t()]
  def changes!(holder, since \\ :origin), do: Refusal.value!(changes(holder, since), "list the changes")

  @doc """
  Shows what changed since the origin at `path` and below it, as unified text that `patch` understands.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"list" => "milk\\n"}}])
      iex> ExMonty.Mount.append!(mounts, "/m/list", "salt\\n")
      iex> ExMonty.Mount.diff(mounts, "/m")
      {:ok, "--- /m/list\\n+++ /m/list\\n@@ -1 +1,2 @@\\n milk\\n+salt\\n"}
  """
  @spec diff(Mount.holder(), String.t()) :: {:ok, String.t()} | {:error, Mount.file_error()}
  def diff(holder, path), do: Native.mount_diff(Holder.ref!(holder), Options.virtual!(path))

  @doc "As `diff/2`, but returns the text and raises `ExMonty.Error`."
  @spec diff!(Mount.holder(), String.t()) :: String.t()
  def diff!(holder, path), do: Refusal.value!(diff(holder, path), "compare #{inspect(path)}")

  @doc """
  Applies what the overlay at `virtual` changed to its host directory.

  Everything is checked first: where the host has changed what the commit would change, the answer is
  `{:error, {:conflict, [{path, why}]}}`, `why` being `:drifted`, `:exists` or `:directory_gone`, and nothing is written. A
  commit that stops half-way is `{:error, {:incomplete, posix, report}}`; calling again goes on from there. What was
  committed leaves the overlay, what was skipped stays.

  Options, the globs being those of `:rules`, on the path inside the mount:

    * `:only` – nothing but what one of these globs matches;
    * `:except` – nothing that one of these globs matches;
    * `:include` – also what lies in dot-directories such as `.git`, or makes a file executable, where a glob matches;
    * `:dry_run` – say what would be done, and do nothing. Default: false.

  `{:error, {:not_mounted, virtual}}` where nothing is mounted, `{:error, :not_committable}` for what is no overlay of a host
  directory.
  """
  @spec commit(Mount.holder(), String.t(), keyword) ::
          {:ok, CommitReport.t()}
          | {:error, {:conflict, [{String.t(), :drifted | :exists | :directory_gone}]}}
          | {:error, {:incomplete, File.posix(), CommitReport.t()}}
          | {:error, :not_committable | {:not_mounted, String.t()} | Mount.file_error()}
  def commit(holder, virtual, opts \\ []) do
    {selection, trial} = Options.commit!(opts)
    Native.mount_commit(Holder.ref!(holder), Options.virtual!(virtual), selection, trial)
  end

  @doc "As `commit/3`, but returns the report and raises `ExMonty.Error`."
  @spec commit!(Mount.holder(), String.t(), keyword) :: CommitReport.t()
  def commit!(holder, virtual, opts \\ []),
    do: Refusal.value!(commit(holder, virtual, opts), "commit #{inspect(virtual)}")

  @doc "Drops what the overlay at `virtual` changed: it shows its lower layer again. Errors as those of `commit/3`."
  @spec discard(Mount.holder(), String.t()) ::
          :ok | {:error, :not_committable | {:not_mounted, String.t()} | Mount.file_error()}
  def discard(holder, virtual), do: Native.mount_discard(Holder.ref!(holder), Options.virtual!(virtual))

  @doc "As `discard/2`, but raises `ExMonty.Error`."
  @spec discard!(Mount.holder(), String.t()) :: :ok
  def discard!(holder, virtual),
    do: Refusal.value!(discard(holder, virtual), "discard the changes of #{inspect(virtual)}")
end
