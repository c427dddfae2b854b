defmodule ExMonty.Mount.Archive do
  @moduledoc """
  Tables as bytes, and directories as tar archives. Each function is called through `ExMonty.Mount`, which has it too.
  """

  alias ExMonty.{Dump, Mount, Native}
  alias ExMonty.Mount.{Holder, Options, Refusal}

  @doc """
  Writes the table down: trees, whiteouts, limits, rules and counters, each distinct content once, compressed. Host
  directories are not in it; of an overlay over one it holds what the overlay changed.

  With `:key`, a binary, the dump is sealed with HMAC-SHA256: `load/2` with the same key refuses a changed one before it
  reads it.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"a" => "1"}}])
      iex> {:ok, dump} = ExMonty.Mount.dump(mounts, key: "secret")
      iex> {:ok, loaded} = ExMonty.Mount.load(dump, key: "secret")
      iex> ExMonty.Mount.read(loaded, "/m/a")
      {:ok, "1"}
      iex> {:error, %ExMonty.Error{reason: :invalid_dump}} = ExMonty.Mount.load(dump, key: "another")
  """
  @spec dump(Mount.holder(), keyword) :: {:ok, binary} | {:error, :lease_released | ExMonty.Error.t()}
  def dump(holder, opts \\ []) do
    opts = Dump.options!(opts, [:key])

    with {:ok, body} <- Native.mount_dump(Holder.ref!(holder)) do
      {:ok, Dump.seal(body, :mounts, opts[:key])}
    end
  end

  @doc "As `dump/2`, but returns the binary and raises `ExMonty.Error`."
  @spec dump!(Mount.holder(), keyword) :: binary
  def dump!(holder, opts \\ []), do: Refusal.value!(dump(holder, opts), "dump the mount table")

  @doc """
  Makes a table of a dump.

    * `:hosts` – map of virtual path to host path, one for each mount of a host directory in the dump;
    * `:on_drift` – what is done where the host has changed what an overlay owns: `:refuse` (default), which is
      `{:error, {:drift, paths}}`, or `:keep`, which lets operations that need what is gone fail with `:estale`;
    * `:max_size` – bytes that the dump may hold, checked before it is inflated. Default: 1 GiB;
    * `:key` – of the seal. With it, only a dump that was sealed with it is loaded.

  Anything else that is wrong with a dump is `{:error, %ExMonty.Error{}}`: `:invalid_dump`, `:dump_too_large`,
  `:host_missing`, `:host_unused`, `:overlaps`, or what is wrong with a host path as in `ExMonty.Mount.add/5`.
  """
  @spec load(binary, keyword) :: {:ok, Mount.t()} | {:error, {:drift, [String.t()]} | ExMonty.Error.t()}
  def load(dump, opts \\ []) do
    opts = Dump.options!(opts, [:hosts, :on_drift, :max_size, :key])
    {hosts, on_drift, max_size} = Options.load!(opts)

    with {:ok, body} <- Dump.unseal(dump, :mounts, opts[:key]),
         {:ok, ref} <- loaded(Native.mount_load(body, hosts, on_drift, max_size)) do
      {:ok, %Mount{ref: ref}}
    end
  end

  # A virtual path in :hosts that is none.
  defp loaded({:error, reason}) when is_atom(reason) do
    {:error, Refusal.exception(reason, "load the mount table")}
  end

  defp loaded(other), do: other

  @doc "As `load/2`, but returns the table and raises `ExMonty.Error`."
  @spec load!(binary, keyword) :: Mount.t()
  def load!(dump, opts \\ []), do: Refusal.value!(load(dump, opts), "load the mount table")

  @doc """
  Makes a tar archive of what is at a path: of a directory everything in it, mounts below included, at most 1 GiB and a
  million entries. Equal trees give equal archives. It holds what a script could read; links to directories are left out.

      iex> mounts = ExMonty.Mount.new!([{"/m", :memory, files: %{"src/a" => "1"}}, {"/copy", :memory}])
      iex> {:ok, tar} = ExMonty.Mount.export_tar(mounts, "/m")
      iex> ExMonty.Mount.import_tar(mounts, "/copy", tar)
      :ok
      iex> ExMonty.Mount.read(mounts, "/copy/src/a")
      {:ok, "1"}
  """
  @spec export_tar(Mount.holder(), String.t()) :: {:ok, binary} | {:error, Mount.file_error()}
  def export_tar(holder, path), do: Native.mount_export_tar(Holder.ref!(holder), Options.virtual!(path))

  @doc "As `export_tar/2`, but returns the archive and raises `ExMonty.Error`."
  @spec export_tar!(Mount.holder(), String.t()) :: binary
  def export_tar!(holder, path), do: Refusal.value!(export_tar(holder, path), "export #{inspect(path)}")

  @doc """
  Puts the files and directories of a tar archive, which is not compressed, into a directory, which is made if missing.

  The archive is checked to its end before anything is written. One with links, devices or paths that lead out is
  `%ExMonty.Error{reason: :invalid_tar}`, one beyond 1 GiB or a million entries `:tar_too_large`.
  """
  @spec import_tar(Mount.holder(), String.t(), binary) :: :ok | {:error, Mount.file_error()}
  def import_tar(holder, path, tar) when is_binary(tar) do
    Native.mount_import_tar(Holder.ref!(holder), Options.virtual!(path), tar)
  end

  @doc "As `import_tar/3`, but raises `ExMonty.Error`."
  @spec import_tar!(Mount.holder(), String.t(), binary) :: :ok
  def import_tar!(holder, path, tar),
    do: Refusal.value!(import_tar(holder, path, tar), "import into #{inspect(path)}")
end
