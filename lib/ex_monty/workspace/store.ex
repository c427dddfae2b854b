defmodule ExMonty.Workspace.Store do
  @moduledoc """
  Where workspaces are kept when no process holds them: keys and bytes.

  A workspace that is given `store: {module, config}` saves itself there after each step, and a workspace of the same
  name that is started later, on this node or on another that reaches the same store, goes on from there.
  `ExMonty.Workspace.Store.Directory` keeps everything in a directory. A store of your own (a database, an object store)
  is a module with this behaviour, and has to promise little:

    * **A value is there whole or not at all.** After `c:put/3` has answered `:ok`, `c:get/2` gives that value, on every
      node that uses the store, also after a crash. A `c:put/3` that fails, or is interrupted, leaves the value from
      before.
    * **Keys and values are any bytes.** Keys are UTF-8 and say what they are: `"head/NAME"`, `"step/NAME"`,
      `"pack/NAME/HASH"`. A workspace writes what the head refers to before the head, and deletes it after.
    * **Old values may be kept**, at most 8 of a key, to be given when the newest is damaged.
    * **Two workspaces of one name may be alive**, on the two sides of a split network. The one that was started last is the
      one to go on: when it starts it takes the name over, and from then on a step of the other is refused, or is
      `{:not_saved, %ExMonty.Error{reason: :superseded}, result}` if it was under way. For that a store should have `c:swap/4`,
      which puts a value only in the place of the one that is expected. Without it the workspace compares and then puts:
      it may overwrite a state that was put between the two, and whoever had put it is told with its next step.

  A function that fails answers `{:error, reason}` with any term; it may also raise or exit, which is taken as that. A
  workspace passes the reason on in `{:error, {:not_saved, reason, result}}`, loses nothing in memory, and saves all of
  it with the next step.

      defmodule MyApp.WorkspaceTable do
        @behaviour ExMonty.Workspace.Store

        @impl true
        def put(repo, key, value) do
          repo.insert!(%Saved{key: key, value: value}, on_conflict: :replace_all, conflict_target: :key)
          :ok
        end

        # get/2, delete/2, list/1 …
      end
  """

  alias ExMonty.Error

  @typedoc "What a store module needs to know: a directory, a repo, a bucket."
  @type config :: term

  @typedoc "A store as a workspace takes it."
  @type t :: {module, config}

  @type key :: String.t()

  # How many values of one key may be had again; what former heads refer to is kept as long.
  @generations 8

  @doc "Keeps `value` under `key`, in the place of what was there."
  @callback put(config, key, value :: binary) :: :ok | {:error, term}

  @typedoc "The SHA-256 of a value."
  @type digest :: binary

  @doc """
  Keeps `value` under `key` if what is there is the value with the digest `expected`, or nothing where that is nil; else it
  changes nothing and answers `{:error, :conflict}`. Nobody puts anything between the comparison and the change.

  In SQL: `UPDATE … SET value = $2 WHERE key = $1 AND sha256(value) = $3`, and `INSERT … ON CONFLICT DO NOTHING` for nil; it is
  a conflict when no row was affected.
  """
  @callback swap(config, key, value :: binary, expected :: digest | nil) ::
              :ok | {:error, :conflict} | {:error, term}

  @optional_callbacks swap: 4

  @doc "Gives what is kept under `key`."
  @callback get(config, key) :: {:ok, binary} | {:error, :not_found} | {:error, term}

  @doc "Forgets `key`. One that is not there is `:ok`."
  @callback delete(config, key) :: :ok | {:error, term}

  @doc "Lists the keys, in any order."
  @callback list(config) :: {:ok, [key]} | {:error, term}

  @doc """
  Lists the names of the workspaces that a store holds, sorted.

  After the loss of a node, another one that reaches the store starts them again.

      iex> directory = Path.join(System.tmp_dir!(), "ex_monty-names-\#{System.unique_integer([:positive])}")
      iex> ExMonty.Workspace.Store.workspaces({ExMonty.Workspace.Store.Directory, directory})
      {:ok, []}
  """
  @spec workspaces(t) :: {:ok, [String.t()]} | {:error, term}
  def workspaces(store) do
    with {:ok, keys} <- call(store, :list, []) do
      {:ok, Enum.sort(for "head/" <> name <- keys, do: name)}
    end
  end

  @doc false
  def generations, do: @generations

  @doc false
  # Whatever a store does wrong is an error of the call: a workspace outlives its store.
  @spec call(t, :put | :swap | :get | :delete | :list, [term]) :: term
  def call({module, config}, function, arguments) do
    case apply(module, function, [config | arguments]) do
      :ok when function in [:put, :swap, :delete] -> :ok
      {:ok, value} when function == :get and is_binary(value) -> {:ok, value}
      {:ok, keys} when function == :list and is_list(keys) -> {:ok, keys}
      {:error, _reason} = error -> error
      other -> failed(module, function, "answered #{inspect(other, limit: 5, printable_limit: 50)}")
    end
  rescue
    exception -> failed(module, function, "raised #{Exception.message(exception)}")
  catch
    kind, reason -> failed(module, function, "ended with #{kind} #{inspect(reason, limit: 5)}")
  end

  @doc false
  @spec digest(binary) :: digest
  def digest(value), do: :crypto.hash(:sha256, value)

  @doc false
  @spec swap(t, key, binary, digest | nil) :: :ok | {:error, :conflict} | {:error, term}
  def swap({module, _config} = store, key, value, expected) do
    if Code.ensure_loaded?(module) and function_exported?(module, :swap, 4),
      do: call(store, :swap, [key, value, expected]),
      else: compare_and_put(store, key, value, expected)
  end

  defp compare_and_put(store, key, value, expected) do
    found =
      case call(store, :get, [key]) do
        {:ok, there} -> {:ok, digest(there)}
        {:error, :not_found} -> {:ok, nil}
        error -> error
      end

    case found do
      {:ok, ^expected} -> call(store, :put, [key, value])
      {:ok, _another} -> {:error, :conflict}
      error -> error
    end
  end

  defp failed(module, function, what) do
    {:error, %Error{reason: :store_failed, message: "#{inspect(module)}.#{function} #{what}"}}
  end

  @doc false
  def validate!({module, config}) when is_atom(module) do
    missing =
      for {name, arity} <- [put: 3, get: 2, delete: 2, list: 1],
          not (Code.ensure_loaded?(module) and function_exported?(module, name, arity)),
          do: "#{name}/#{arity}"

    if missing != [] do
      raise ArgumentError,
            "invalid option :store: #{inspect(module)} lacks #{Enum.join(missing, ", ")}; " <>
              "accepted: {module, config} with a module of the behaviour ExMonty.Workspace.Store"
    end

    {module, config}
  end

  def validate!(other) do
    raise ArgumentError,
          "invalid option :store: #{inspect(other)}; " <>
            "accepted: {module, config} with a module of the behaviour ExMonty.Workspace.Store"
  end
end
