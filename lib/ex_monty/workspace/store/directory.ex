defmodule ExMonty.Workspace.Store.Directory do
  @moduledoc """
  Keeps workspaces in a directory of the host: `store: {ExMonty.Workspace.Store.Directory, "/var/lib/agents"}`, or
  with options `{ExMonty.Workspace.Store.Directory, path: "/var/lib/agents", generations: 5}`.

  Options:

    * `:path` – the directory. It is made when something is first put.
    * `:generations` – how many values of a key are kept, 1 to #{ExMonty.Workspace.Store.generations()}. Default: 3. When
      the newest is damaged, the one before it is given.

  ## What is on the disk

  A directory per key, and in it a file per generation with a growing number. A value is written to a temporary file
  beside it, flushed, linked to its number, and the directory flushed: a crash, of the node or of the machine, leaves the
  old value or the new one. A number that somebody else took in the meantime is an error of linking, never an overwritten
  file, so two writers each get a generation of their own, and the later one counts; of two who swap the same value, one
  gets the number and the other a conflict, also on two nodes that share the directory. A file begins with a checksum of
  everything in it, the key included.

  The directory of a key is named after it: letters, digits, `-` and `_` stand for themselves, every other
  byte is `%XX`, and what would be longer than a name may be is named by its hash. So a key is never a path.

      iex> directory = Path.join(System.tmp_dir!(), "ex_monty-store-\#{System.unique_integer([:positive])}")
      iex> alias ExMonty.Workspace.Store.Directory
      iex> :ok = Directory.put(directory, "head/../agent 1", "state")
      iex> Directory.get(directory, "head/../agent 1")
      {:ok, "state"}
      iex> File.ls!(directory)
      ["head%2F%2E%2E%2Fagent%201"]
      iex> Directory.delete(directory, "head/../agent 1")
      iex> Directory.get(directory, "head/../agent 1")
      {:error, :not_found}
  """

  @behaviour ExMonty.Workspace.Store

  alias ExMonty.Error
  alias ExMonty.Workspace.Store

  @magic "EXMS1\n"
  @longest_name 200
  # Losing a race for a number, or for a directory that a deletion took away, is rare; to lose so often is a fault.
  @attempts 100
  # A temporary this old, in seconds, is one that a crash left. Were it not, linking it would fail and be tried anew.
  @stale 3_600

  @impl true
  def put(config, key, value) when is_binary(key) and is_binary(value) do
    {path, generations} = config!(config)
    directory = Path.join(path, name(key))

    with :ok <- keep(directory, contents(key, value), @attempts) do
      forget_old(directory, generations)
    end
  end

  @impl true
  def swap(config, key, value, expected) when is_binary(key) and is_binary(value) do
    {path, generations} = config!(config)
    directory = Path.join(path, name(key))

    with {:ok, numbers} <- generations(directory),
         :ok <- expect(expected, directory, key, numbers),
         :ok <- keep_next(directory, contents(key, value), List.first(numbers, 0)) do
      forget_old(directory, generations)
    end
  end

  @impl true
  def get(config, key) when is_binary(key) do
    {path, _generations} = config!(config)
    get_from(Path.join(path, name(key)), key, @attempts)
  end

  defp get_from(directory, _key, 0), do: {:error, failed(:eagain, directory)}

  defp get_from(directory, key, attempts) do
    with {:ok, [_ | _] = numbers} <- generations(directory),
         {:error, :forgotten} <- newest(directory, key, numbers) do
      get_from(directory, key, attempts - 1)
    else
      {:ok, []} -> {:error, :not_found}
      found -> found
    end
  end

  @impl true
  def delete(config, key) when is_binary(key) do
    {path, _generations} = config!(config)
    directory = Path.join(path, name(key))

    with {:ok, numbers} <- generations(directory),
         # The oldest first: what is seen meanwhile is the newest value or none.
         :ok <- remove(directory, Enum.reverse(numbers)) do
      sweep(directory)
      # A value that was put meanwhile stays, and keeps the directory.
      _ = File.rmdir(directory)
      flush(path)
    end
  end

  @impl true
  def list(config) do
    {path, _generations} = config!(config)

    with {:ok, names} <- ls(path) do
      {:ok, names |> Enum.map(&key(path, &1)) |> Enum.reject(&is_nil/1) |> Enum.sort()}
    end
  end

  ## Writing

  defp keep(directory, _contents, 0), do: {:error, failed(:eagain, directory)}

  defp keep(directory, contents, attempts) do
    result =
      with_temporary(directory, contents, fn temporary ->
        with {:ok, numbers} <- generations(directory), do: link(temporary, directory, List.first(numbers, 0))
      end)

    case result do
      {:error, posix} when posix in [:eexist, :enoent] -> keep(directory, contents, attempts - 1)
      result -> told(result, directory)
    end
  end

  # Who deleted the value, or put another, was first.
  defp keep_next(directory, contents, newest) do
    result =
      with_temporary(directory, contents, fn temporary ->
        with :ok <- take(temporary, directory, newest + 1),
             :ok <- follows(directory, newest),
             do: flushed(directory, newest)
      end)

    case result do
      {:error, posix} when posix in [:eexist, :enoent] -> {:error, :conflict}
      {:error, :conflict} -> {:error, :conflict}
      result -> told(result, directory)
    end
  end

  # The number may have been free because it was taken and is forgotten already, or because the value was deleted. Then the
  # one before it is gone, too, as the oldest are removed first. That one may also be gone because others have built on this
  # value already, more of them than generations are kept: what is a conflict then was made, and never the other way round.
  defp follows(directory, newest) do
    case generations(directory) do
      {:ok, [1]} when newest == 0 ->
        :ok

      {:ok, numbers} ->
        if newest in numbers do
          :ok
        else
          _ = File.rm(Path.join(directory, file(newest + 1)))
          {:error, :conflict}
        end

      error ->
        error
    end
  end

  defp expect(nil, _directory, _key, []), do: :ok
  defp expect(_expected, _directory, _key, []), do: {:error, :conflict}

  defp expect(expected, directory, key, numbers) do
    case newest(directory, key, numbers) do
      {:ok, value} -> if Store.digest(value) == expected, do: :ok, else: {:error, :conflict}
      {:error, :forgotten} -> {:error, :conflict}
      error -> error
    end
  end

  defp with_temporary(directory, contents, use) do
    temporary =
      Path.join(directory, ".new-#{System.pid()}-#{:erlang.unique_integer([:positive])}-#{random()}")

    result = with :ok <- made(directory), :ok <- write(temporary, contents), do: use.(temporary)
    _ = File.rm(temporary)
    result
  end

  defp link(temporary, directory, newest) do
    with :ok <- take(temporary, directory, newest + 1), do: flushed(directory, newest)
  end

  defp take(temporary, directory, number), do: :file.make_link(temporary, Path.join(directory, file(number)))

  # The directory's own name is flushed with the first generation.
  defp flushed(directory, newest) do
    with :ok <- flush(directory), do: if(newest == 0, do: flush(Path.dirname(directory)), else: :ok)
  end

  defp told(:ok, _directory), do: :ok
  defp told({:error, posix}, directory) when is_atom(posix), do: {:error, failed(posix, directory)}
  defp told({:error, reason}, _directory), do: {:error, reason}

  defp made(directory) do
    case File.mkdir_p(directory) do
      # Something else has the name.
      {:error, :eexist} -> {:error, :enotdir}
      made -> made
    end
  end

  defp write(path, contents) do
    with {:ok, file} <- :file.open(path, [:write, :exclusive, :raw, :binary]) do
      result = with :ok <- :file.write(file, contents), do: :file.sync(file)

      case :file.close(file) do
        :ok -> result
        error -> error
      end
    end
  end

  # What was renamed or linked is safe from a crash of the machine when its directory has been flushed, too.
  defp flush(directory) do
    case :file.open(directory, [:read, :raw, :directory]) do
      {:ok, handle} ->
        result = :file.sync(handle)
        :file.close(handle)
        # Some file systems have nothing to flush for a directory.
        if result == {:error, :einval}, do: :ok, else: result

      {:error, :enoent} ->
        :ok

      error ->
        error
    end
  end

  defp forget_old(directory, kept) do
    with {:ok, numbers} <- generations(directory) do
      sweep(directory)
      # The oldest first: a number is free again only when the one before it is.
      numbers |> Enum.drop(kept) |> Enum.reverse() |> Enum.each(&File.rm(Path.join(directory, file(&1))))
    end
  end

  defp remove(directory, numbers) do
    Enum.reduce_while(numbers, :ok, fn number, :ok ->
      case File.rm(Path.join(directory, file(number))) do
        :ok -> {:cont, :ok}
        {:error, :enoent} -> {:cont, :ok}
        {:error, posix} -> {:halt, {:error, failed(posix, directory)}}
      end
    end)
  end

  defp sweep(directory) do
    now = System.os_time(:second)

    with {:ok, names} <- File.ls(directory) do
      for ".new-" <> _ = name <- names,
          path = Path.join(directory, name),
          stale?(path, now),
          do: File.rm(path)
    end
  end

  defp stale?(path, now) do
    case File.stat(path, time: :posix) do
      {:ok, %{mtime: mtime}} -> now - mtime > @stale
      _ -> false
    end
  end

  ## Reading

  # The newest that is whole. Those that were there a moment ago may all be forgotten by now, for newer ones.
  defp newest(directory, key, numbers, worst \\ :forgotten)
  defp newest(_directory, _key, [], :forgotten), do: {:error, :forgotten}

  defp newest(directory, _key, [], :damaged) do
    {:error, %Error{reason: :store_damaged, message: "no generation in #{Path.basename(directory)} is whole"}}
  end

  defp newest(directory, key, [number | older], worst) do
    with {:ok, file} <- File.read(Path.join(directory, file(number))),
         {:ok, ^key, value} <- value(file) do
      {:ok, value}
    else
      {:error, :enoent} -> newest(directory, key, older, worst)
      {:error, posix} when posix != :damaged -> {:error, failed(posix, directory)}
      _damaged_or_of_another_key -> newest(directory, key, older, :damaged)
    end
  end

  defp contents(key, value) do
    body = [<<byte_size(key)::32>>, key, value]
    [@magic, :crypto.hash(:sha256, body), body]
  end

  defp value(<<@magic, checksum::binary-size(32), body::binary>>) do
    with true <- :crypto.hash(:sha256, body) == checksum,
         <<size::32, key::binary-size(size), value::binary>> <- body do
      {:ok, key, value}
    else
      _ -> {:error, :damaged}
    end
  end

  defp value(_other), do: {:error, :damaged}

  # The numbers of the generations, the newest first.
  defp generations(directory) do
    with {:ok, names} <- ls(directory) do
      numbers = for name <- names, {number, ""} <- [Integer.parse(name)], number > 0, do: number
      {:ok, Enum.sort(numbers, :desc)}
    end
  end

  defp ls(directory) do
    case File.ls(directory) do
      {:ok, names} -> {:ok, names}
      {:error, :enoent} -> {:ok, []}
      {:error, posix} -> {:error, failed(posix, directory)}
    end
  end

  ## Names

  defp file(number), do: number |> Integer.to_string() |> String.pad_leading(12, "0")

  defp name(key) do
    name = escape(key, "")
    if byte_size(name) <= @longest_name, do: name, else: "~" <> Base.encode16(:crypto.hash(:sha256, key))
  end

  defp escape(<<byte, rest::binary>>, name)
       when byte in ?a..?z or byte in ?A..?Z or byte in ?0..?9 or byte in [?-, ?_],
       do: escape(rest, <<name::binary, byte>>)

  defp escape(<<byte, rest::binary>>, name), do: escape(rest, name <> "%" <> Base.encode16(<<byte>>))
  defp escape("", ""), do: "%"
  defp escape("", name), do: name

  # The key that is kept in a directory of this name; nil if there is none.
  defp key(path, name) do
    with {:ok, [_ | _] = numbers} <- generations(Path.join(path, name)) do
      case name do
        "~" <> _ -> Enum.find_value(numbers, &key_in(Path.join([path, name, file(&1)])))
        "%" -> ""
        name -> unescape(name, "")
      end
    else
      _ -> nil
    end
  end

  defp key_in(file) do
    with {:ok, contents} <- File.read(file), {:ok, key, _value} <- value(contents) do
      key
    else
      _ -> nil
    end
  end

  defp unescape("", key), do: key

  defp unescape(<<"%", hex::binary-size(2), rest::binary>>, key) do
    case Base.decode16(hex) do
      {:ok, byte} -> unescape(rest, key <> byte)
      :error -> nil
    end
  end

  defp unescape(<<byte, rest::binary>>, key), do: unescape(rest, <<key::binary, byte>>)

  ## Config

  defp config!(path) when is_binary(path), do: config!(path: path)

  defp config!(options) do
    with true <- Keyword.keyword?(options) and Keyword.keys(options) -- [:path, :generations] == [],
         path when is_binary(path) and path != "" <- options[:path],
         generations when is_integer(generations) <- Keyword.get(options, :generations, 3),
         true <- generations in 1..Store.generations() do
      {path, generations}
    else
      _ ->
        raise ArgumentError,
              "a directory store: got #{inspect(options)}, accepted: a path, or path: a path and " <>
                "generations: 1 to #{Store.generations()}"
    end
  end

  defp failed(posix, directory) do
    %Error{reason: posix, message: "#{Path.basename(directory)}: #{:file.format_error(posix)}"}
  end

  defp random, do: Base.encode16(:crypto.strong_rand_bytes(4))
end
