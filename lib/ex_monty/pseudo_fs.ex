defmodule ExMonty.PseudoFS do
  @moduledoc """
  A few files and environment variables for a script, as a plain value.

      iex> fs =
      ...>   ExMonty.PseudoFS.new()
      ...>   |> ExMonty.PseudoFS.put_file("/data/names.txt", "Ada\\nGrace\\n")
      ...>   |> ExMonty.PseudoFS.mkdir("/out")
      ...>   |> ExMonty.PseudoFS.put_env("LANG", "en")
      iex> ExMonty.PseudoFS.env(fs)
      %{"LANG" => "en"}
      iex> {:ok, mounts} = ExMonty.Mount.new(ExMonty.PseudoFS.specs(fs))
      iex> ExMonty.Mount.read(mounts, "/data/names.txt")
      {:ok, "Ada\\nGrace\\n"}

  Given to a run as `os: fs`, it is a memory mount at `/` and an environment: no file call makes a trip to Elixir, and
  what a script may do is what it may do in every memory mount. What it writes ends with the run; a
  `%ExMonty.Mount{}` keeps files beyond one.

  Paths are absolute; `.`, `..`, `//` and a trailing `/` are resolved. A path that cannot be what it is asked to be (a
  file where a directory is, or below a file) raises `ArgumentError` where it is put.
  """

  alias ExMonty.Mount.Options

  @max_path_bytes 4096

  @enforce_keys [:entries, :read_only, :env, :limits]
  defstruct entries: %{"/" => :directory}, read_only: [], env: %{}, limits: []

  @typedoc "Files and an environment. What is in it is private."
  @type t :: %__MODULE__{
          entries: %{String.t() => binary | :directory},
          read_only: [String.t()],
          env: %{String.t() => String.t()},
          limits: keyword
        }

  @doc """
  Makes an empty one.

  The options are the limits of a memory mount, for all that is put and written: `:max_bytes`, `:max_files`,
  `:max_file_size`, `:write_bytes_limit` and `:memory_limit`; see `ExMonty.Mount.add/4`.

      iex> fs = ExMonty.PseudoFS.new(max_bytes: 4) |> ExMonty.PseudoFS.put_file("/a", "12345")
      iex> ExMonty.Mount.new(ExMonty.PseudoFS.specs(fs))
      {:error, :enospc}
  """
  @spec new(keyword) :: t
  def new(opts \\ []) do
    %__MODULE__{
      entries: %{"/" => :directory},
      read_only: [],
      env: %{},
      limits: Options.limits_of_memory!(opts)
    }
  end

  @doc """
  Puts a text file, in the place of the one that may be there, and the directories above it.

  The option `:read_only` (default false) lets nobody change it: a write is `PermissionError` (`:erofs`).

      iex> fs = ExMonty.PseudoFS.put_file(ExMonty.PseudoFS.new(), "/etc/motd", "hi", read_only: true)
      iex> mounts = ExMonty.Mount.new!(ExMonty.PseudoFS.specs(fs))
      iex> {ExMonty.Mount.read(mounts, "/etc/motd"), ExMonty.Mount.write(mounts, "/etc/motd", "ho")}
      {{:ok, "hi"}, {:error, :erofs}}
      iex> ExMonty.PseudoFS.put_file(fs, "/etc", "")
      ** (ArgumentError) the path of a file: got "/etc", where a directory is
  """
  @spec put_file(t, String.t(), String.t(), keyword) :: t
  def put_file(fs, path, text, opts \\ [])

  def put_file(%__MODULE__{} = fs, path, text, opts) do
    unless is_binary(text) and String.valid?(text) do
      wrong!("the text of a file", text, "a UTF-8 string; put_bytes/4 takes any binary")
    end

    put_bytes(fs, path, text, opts)
  end

  @doc """
  Puts a file of any bytes. As `put_file/4` for the rest.

      iex> fs = ExMonty.PseudoFS.put_bytes(ExMonty.PseudoFS.new(), "/logo.bin", <<0, 255>>)
      iex> ExMonty.Mount.read(ExMonty.Mount.new!(ExMonty.PseudoFS.specs(fs)), "/logo.bin")
      {:ok, <<0, 255>>}
  """
  @spec put_bytes(t, String.t(), binary, keyword) :: t
  def put_bytes(fs, path, bytes, opts \\ [])

  def put_bytes(%__MODULE__{} = fs, path, bytes, opts) do
    unless is_binary(bytes), do: wrong!("the bytes of a file", bytes, "a binary")
    read_only = read_only!(opts)
    names = names!(path)
    path = join(names)

    if fs.entries[path] == :directory do
      raise ArgumentError, "the path of a file: got #{inspect(path)}, where a directory is"
    end

    fs = directories(fs, Enum.drop(names, -1))

    protected =
      if read_only, do: [path | List.delete(fs.read_only, path)], else: List.delete(fs.read_only, path)

    %{fs | entries: Map.put(fs.entries, path, bytes), read_only: protected}
  end

  @doc """
  Makes a directory and those above it. One that is there stays.

      iex> fs = ExMonty.PseudoFS.mkdir(ExMonty.PseudoFS.new(), "/out/logs")
      iex> ExMonty.Mount.ls(ExMonty.Mount.new!(ExMonty.PseudoFS.specs(fs)), "/out")
      {:ok, ["logs"]}
  """
  @spec mkdir(t, String.t()) :: t
  def mkdir(%__MODULE__{} = fs, path), do: directories(fs, names!(path))

  @doc """
  Sets an environment variable, for `os.getenv` and `os.environ`.

      iex> ExMonty.PseudoFS.env(ExMonty.PseudoFS.put_env(ExMonty.PseudoFS.new(), "HOME", "/"))
      %{"HOME" => "/"}
  """
  @spec put_env(t, String.t(), String.t()) :: t
  def put_env(%__MODULE__{} = fs, name, value) do
    %{
      fs
      | env: Map.put(fs.env, variable!("the name", name), variable!("the value of #{inspect(name)}", value))
    }
  end

  @doc """
  Sets several environment variables, from a map or a list of pairs.

      iex> fs = ExMonty.PseudoFS.put_envs(ExMonty.PseudoFS.new(), %{"A" => "1", "B" => "2"})
      iex> ExMonty.PseudoFS.env(fs)
      %{"A" => "1", "B" => "2"}
  """
  @spec put_envs(t, %{String.t() => String.t()} | [{String.t(), String.t()}]) :: t
  def put_envs(%__MODULE__{} = fs, variables) when is_map(variables) or is_list(variables) do
    Enum.reduce(variables, fs, fn
      {name, value}, fs -> put_env(fs, name, value)
      other, _fs -> wrong!("an environment variable", other, "a pair of strings")
    end)
  end

  @doc """
  The mount that the files are, as a list of specs for `ExMonty.Mount.new/1`: a memory mount at `/`, or none where
  there is no file and no directory.
  """
  @spec specs(t) :: [ExMonty.Mount.spec()]
  def specs(%__MODULE__{entries: entries}) when map_size(entries) == 1, do: []

  def specs(%__MODULE__{} = fs) do
    [{"/", :memory, [files: Map.delete(fs.entries, "/")] ++ rules(fs.read_only) ++ fs.limits}]
  end

  @doc "The environment, as a map of strings."
  @spec env(t) :: %{String.t() => String.t()}
  def env(%__MODULE__{env: env}), do: env

  defp rules([]), do: []
  defp rules(paths), do: [rules: [read_only: Enum.map(paths, &literal/1)]]

  # The glob that matches this path and nothing else.
  defp literal(path), do: String.replace(path, ["\\", "*", "?", "[", "]", "{", "}"], &("\\" <> &1))

  defp directories(fs, names) do
    prefixes = Enum.scan(names, "", &"#{&2}/#{&1}")

    Enum.reduce(prefixes, fs, fn path, fs ->
      case fs.entries do
        %{^path => :directory} -> fs
        %{^path => _} -> raise ArgumentError, "the path of a directory: got #{inspect(path)}, where a file is"
        entries -> %{fs | entries: Map.put(entries, path, :directory)}
      end
    end)
  end

  defp names!(path) do
    valid? =
      is_binary(path) and String.valid?(path) and String.starts_with?(path, "/") and
        byte_size(path) <= @max_path_bytes and not String.contains?(path, <<0>>)

    unless valid? do
      wrong!("a path", path, "an absolute UTF-8 path without NUL bytes, of at most #{@max_path_bytes} bytes")
    end

    path |> String.split("/") |> Enum.reduce([], &collapse/2) |> Enum.reverse()
  end

  defp collapse(name, above) when name in ["", "."], do: above
  defp collapse("..", above), do: Enum.drop(above, 1)
  defp collapse(name, above), do: [name | above]

  defp join(names), do: "/" <> Enum.join(names, "/")

  defp read_only!(opts) do
    ExMonty.Options.only!(opts, [:read_only])
    read_only = Keyword.get(opts, :read_only, false)
    if is_boolean(read_only), do: read_only, else: wrong!(":read_only", read_only, "a boolean")
  end

  defp variable!(what, text) do
    if variable?(text),
      do: text,
      else: wrong!("#{what} of an environment variable", text, "UTF-8 without NUL bytes")
  end

  @doc false
  # Whether a term can be the name or the value of an environment variable.
  @spec variable?(term) :: boolean
  def variable?(text), do: is_binary(text) and String.valid?(text) and not String.contains?(text, <<0>>)

  defp wrong!(what, got, accepted) do
    raise ArgumentError, "#{what}: got #{inspect(got)}, accepted: #{accepted}"
  end
end
