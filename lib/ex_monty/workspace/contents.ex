defmodule ExMonty.Workspace.Contents do
  @moduledoc false

  # What a workspace holds: files, variables, the step that is suspended, and how many steps were begun.

  alias ExMonty.Mount
  alias ExMonty.Workspace.{Image, Suspension, Variables}

  @enforce_keys [:mounts, :variables]
  defstruct [:mounts, :variables, suspension: nil, steps: 0]

  # How long it is waited for an operation on the files that outlives its step, in milliseconds.
  @patience 30_000

  @type t :: %__MODULE__{
          mounts: Mount.t(),
          variables: Variables.t(),
          suspension: Suspension.t() | nil,
          steps: non_neg_integer
        }

  @typedoc "The parts of an image, files as `files_of` made them."
  @type image :: %{steps: non_neg_integer, variables: binary | nil, files: term, suspension: tuple | nil}

  @doc "Those that a workspace begins with."
  @spec new([Mount.spec()] | Mount.t()) :: {:ok, t} | {:error, term}
  def new(%Mount{} = mounts), do: {:ok, %__MODULE__{mounts: mounts, variables: Variables.new()}}
  def new(specs), do: with({:ok, mounts} <- Mount.new(specs), do: new(mounts))

  @doc "A copy that shares everything: files at a cost that does not depend on them, variables as bytes."
  @spec fork(t) :: {:ok, t, copied :: t} | {:error, term}
  def fork(%__MODULE__{} = contents) do
    with {:ok, variables} <- Variables.packed(contents.variables),
         {:ok, mounts} <- Mount.fork(contents.mounts) do
      contents = %{contents | variables: variables}
      copied = %{contents | mounts: mounts, variables: Variables.asleep(variables)}

      with {:ok, suspension} <- copied_suspension(contents.suspension),
           do: {:ok, contents, %{copied | suspension: suspension}}
    end
  end

  # A table to go back to is gone back to once, so each copy has its own.
  defp copied_suspension(%Suspension{before: %{files: %Mount{} = table}} = suspension) do
    with {:ok, table} <- Mount.fork(table), do: {:ok, put_in(suspension.before.files, table)}
  end

  defp copied_suspension(suspension), do: {:ok, suspension}

  @doc "Everything as plain data. `files_of` makes data of a table."
  @spec image(t, (Mount.t() -> {:ok, term} | {:error, term})) :: {:ok, image, t} | {:error, term}
  def image(%__MODULE__{} = contents, files_of) do
    with {:ok, variables} <- Variables.packed(contents.variables),
         {:ok, files} <- files_of.(contents.mounts),
         {:ok, suspension} <- suspension_image(contents, files_of) do
      image = %{
        steps: contents.steps,
        variables: variables.bytes,
        files: files,
        suspension: suspension
      }

      {:ok, image, %{contents | variables: variables}}
    end
  end

  defp suspension_image(%{suspension: nil}, _files_of), do: {:ok, nil}

  defp suspension_image(%{suspension: %{before: nil} = suspension}, _files_of),
    do: {:ok, {suspension.tag, suspension.run, nil, nil}}

  defp suspension_image(%{suspension: %{before: before} = suspension, mounts: mounts}, files_of) do
    with {:ok, table} <- table_before(before.files, mounts),
         {:ok, files} <- files_of.(table) do
      {:ok, {suspension.tag, suspension.run, files, before.variables}}
    else
      # That its files cannot go back is said when they should, there as here.
      {:error, :not_restorable} -> {:ok, {suspension.tag, suspension.run, :not_restorable, before.variables}}
      error -> error
    end
  end

  # A snapshot as a table of its own.
  defp table_before(%Mount{} = table, _mounts), do: {:ok, table}
  defp table_before(:not_restorable, _mounts), do: {:error, :not_restorable}

  defp table_before(snapshot, mounts) do
    with {:ok, table} <- Mount.fork(mounts), :ok <- Mount.restore(table, snapshot), do: {:ok, table}
  end

  @doc "What `image/2` made data of. `table_of` makes a table of that of the files."
  @spec open(term, (term -> {:ok, Mount.t()} | {:error, term})) :: {:ok, t} | {:error, term}
  def open(%{steps: steps, variables: variables, files: files, suspension: suspension}, table_of)
      when is_integer(steps) and steps >= 0 and (is_binary(variables) or is_nil(variables)) do
    with {:ok, mounts} <- table_of.(files),
         {:ok, suspension} <- open_suspension(suspension, table_of) do
      {:ok,
       %__MODULE__{
         mounts: mounts,
         variables: Variables.of_bytes(variables),
         suspension: suspension,
         steps: steps
       }}
    end
  end

  def open(_other, _table_of), do: Image.invalid("its parts are not those of a workspace")

  defp open_suspension(nil, _table_of), do: {:ok, nil}

  defp open_suspension({tag, run, nil, nil}, _table_of) when is_binary(tag) and is_binary(run),
    do: {:ok, %Suspension{tag: tag, run: run, before: nil}}

  defp open_suspension({tag, run, files, variables}, table_of)
       when is_binary(tag) and is_binary(run) and (is_binary(variables) or is_nil(variables)) do
    with {:ok, files} <- if(files == :not_restorable, do: {:ok, files}, else: table_of.(files)) do
      {:ok, %Suspension{tag: tag, run: run, before: %{files: files, variables: variables}}}
    end
  end

  defp open_suspension(_other, _table_of), do: Image.invalid("its suspended step is malformed")

  @typedoc "A state to go back to."
  @type before :: %{files: Mount.Snapshot.t() | Mount.t() | :not_restorable, variables: binary | nil}

  @doc "The state that a step begins in, for a rollback: its variables are made bytes."
  @spec before(t) :: {:ok, before, t} | {:error, term}
  def before(%__MODULE__{} = contents) do
    with {:ok, variables} <- Variables.packed(contents.variables),
         {:ok, snapshot} <- Mount.snapshot(contents.mounts) do
      {:ok, %{files: snapshot, variables: variables.bytes}, %{contents | variables: variables}}
    end
  end

  @doc "Goes back to `before`. A table that writes through to the host cannot, and keeps its files."
  @spec roll_back(t, before) :: {:ok, t} | {:error, term}
  def roll_back(%__MODULE__{} = contents, %{files: files, variables: variables}) do
    with {:ok, mounts} <- files_back(contents.mounts, files) do
      {:ok, %{contents | mounts: mounts, variables: Variables.of_bytes(variables), suspension: nil}}
    end
  end

  # A table that was loaded to be gone back to is the workspace's from now on, and compared with what it was loaded as.
  defp files_back(_mounts, %Mount{} = table), do: {:ok, table}
  defp files_back(_mounts, :not_restorable), do: {:error, :not_restorable}

  defp files_back(mounts, snapshot) do
    with {:ok, lease} <- lease(mounts) do
      restored = Mount.restore(lease, snapshot)
      Mount.release(lease)
      with :ok <- restored, do: {:ok, mounts}
    end
  end

  @doc """
  Waits until nothing that a step left behind works on the files any more.

  The turn of a step whose process was killed, or that was given up, keeps the lease of the table until the operation ends
  that it is in. Whoever has the lease after it knows that nothing more is written.
  """
  @spec calm(t) :: :ok | {:error, term}
  def calm(%__MODULE__{} = contents) do
    with {:ok, lease} <- lease(contents.mounts), do: Mount.release(lease)
  end

  @doc "The lease of the files, for what is to be done with them alone."
  @spec lease(Mount.t()) :: {:ok, Mount.Lease.t()} | {:error, :mount_in_use}
  def lease(mounts) do
    with {:error, :mount_in_use} <- Mount.checkout(mounts), do: Mount.checkout(mounts, {:wait, @patience})
  end
end
