defmodule ExMonty.Workspace.Checkpoint do
  @moduledoc false

  # A workspace in its store: saved after each step, loaded when it is started.
  #
  #     head/NAME         variables whole, the frame of the files, the suspended step, and which packs have the contents
  #     pack/NAME/HASH    contents of files, one behind the other
  #     step/NAME         the step that was begun last
  #
  # A save writes the contents that no pack has yet as one new pack, then the head, and then forgets packs that no head
  # needs which may still be had. So what it costs to write follows what changed, and it is the one put of the head that
  # makes the new state the one to go on from. The contents of the packs are written anew as one when most of what is in
  # them is no longer needed, or when there are many.
  #
  # The step is noted before it begins: if the head is not as far when the workspace is started again, that step was
  # lost, and its name is known.

  alias ExMonty.{Error, Mount}
  alias ExMonty.Workspace.{Contents, Image, Store}

  @enforce_keys [:store, :name, :key]
  defstruct @enforce_keys ++ [saved: nil, packs: %{}, recent: [], writer: nil]

  # `packs`: name of a pack to {bytes, %{digest => {offset, size}}}. `recent`: the packs of the last heads.
  @type t :: %__MODULE__{
          store: Store.t(),
          name: String.t(),
          key: binary | nil,
          saved: non_neg_integer | nil,
          packs: %{binary => {non_neg_integer, map}},
          recent: [[binary]],
          writer: binary | nil
        }

  @typedoc "A step that was begun and of which nothing is known."
  @type lost :: %{step: pos_integer, code: String.t()}

  @max_packs 32
  @max_noted_bytes 4_096

  @doc "That of a workspace which the store does not have."
  def new(store, name, key), do: %__MODULE__{store: store, name: name, key: key, writer: random()}

  @doc "What the store has of this name. `options` are those of `ExMonty.Mount.load/2`."
  @spec load(t, keyword) :: {:ok, Contents.t(), t, lost | nil} | {:error, :not_found} | {:error, term}
  def load(%__MODULE__{} = checkpoint, options) do
    with {:ok, head} <- get(checkpoint, head(checkpoint)),
         {:ok, packs, recent} <- packs_of(head),
         {:ok, found} <- contents_of(checkpoint, packs),
         {:ok, contents} <- Contents.open(head, &table(&1, found, options)) do
      checkpoint = %{checkpoint | saved: contents.steps, packs: packs, recent: recent}
      {:ok, contents, checkpoint, lost(checkpoint)}
    end
  end

  @doc "That of a workspace of which everything but the contents is at hand: what is in the store is taken as known."
  @spec known(t) :: {:ok, t} | {:error, term}
  def known(%__MODULE__{} = checkpoint) do
    with {:ok, head} <- get(checkpoint, head(checkpoint)),
         {:ok, packs, recent} <- packs_of(head) do
      {:ok, %{checkpoint | saved: head.steps, packs: packs, recent: recent}}
    else
      {:error, :not_found} -> {:ok, checkpoint}
      error -> error
    end
  end

  @doc "Whether the store has a workspace of this name."
  @spec stored?(t) :: {:ok, boolean} | {:error, term}
  def stored?(%__MODULE__{} = checkpoint) do
    case Store.call(checkpoint.store, :get, [head(checkpoint)]) do
      {:ok, _bytes} -> {:ok, true}
      {:error, :not_found} -> {:ok, false}
      error -> error
    end
  end

  defp packs_of(%{packs: packs, recent: recent}) when is_map(packs) and is_list(recent),
    do: {:ok, packs, recent}

  defp packs_of(_head), do: Image.invalid("its parts are not those of a workspace")

  defp table({frame, digests}, found, options) when is_binary(frame) and is_list(digests) do
    case Enum.find(digests, &(not is_map_key(found, &1))) do
      nil -> Mount.Parts.load(frame, Map.take(found, digests), options)
      _missing -> Image.invalid("no pack has the contents of one of its files")
    end
  end

  defp table(_other, _found, _options), do: Image.invalid("its files are malformed")

  defp contents_of(checkpoint, packs) do
    Enum.reduce_while(packs, {:ok, %{}}, fn {name, {_bytes, index}}, {:ok, found} ->
      case get(checkpoint, pack(checkpoint, name)) do
        {:ok, body} ->
          {:cont, {:ok, Map.merge(found, Map.new(index, fn {digest, at} -> {digest, part(body, at)} end))}}

        {:error, :not_found} ->
          {:halt,
           {:error, %Error{reason: :store_damaged, message: "a pack of #{checkpoint.name} is missing"}}}

        error ->
          {:halt, error}
      end
    end)
  end

  # What the loader is given in its place has another digest, which is an error there.
  defp part(body, {offset, size}) when offset + size <= byte_size(body), do: binary_part(body, offset, size)
  defp part(_body, _at), do: ""

  defp lost(checkpoint) do
    case get(checkpoint, step(checkpoint)) do
      {:ok, {number, code}} when is_integer(number) and number > checkpoint.saved ->
        %{step: number, code: code}

      _ ->
        nil
    end
  end

  @doc """
  Notes that a step begins. A store that fails is no reason not to run it: what comes of it will be said to be not saved.
  """
  @spec note(t | nil, pos_integer, String.t()) :: :ok
  def note(nil, _number, _code), do: :ok

  def note(%__MODULE__{} = checkpoint, number, code) do
    noted = String.slice(code, 0, @max_noted_bytes)
    _ = put(checkpoint, step(checkpoint), {number, noted})
    :ok
  end

  @doc "Saves `contents`. After an error everything is as it was, and the next save has it all to do."
  @spec save(t, Contents.t()) :: {:ok, t, Contents.t()} | {:error, term, Contents.t()}
  def save(%__MODULE__{} = checkpoint, %Contents{} = contents) do
    case attempt(checkpoint, contents, digests(checkpoint)) do
      {:ok, _checkpoint, _contents} = saved -> saved
      {:error, reason} -> {:error, reason, contents}
    end
  end

  defp attempt(checkpoint, contents, known) do
    # The contents that are new are gathered beside the image.
    gathered = :ets.new(:gathered, [:private])

    try do
      with {:ok, image, contents} <- Contents.image(contents, &frame(&1, known, gathered)) do
        needed = gathered |> :ets.match({{:needed, :"$1"}}) |> List.flatten() |> MapSet.new()
        fresh = :ets.match(gathered, {{:fresh, :"$1"}, :"$2"})

        case packs(checkpoint.packs, needed, fresh) do
          :repack when known != [] -> attempt(checkpoint, contents, [])
          {packs, new} -> write(checkpoint, image, contents, packs, new)
        end
      end
    after
      :ets.delete(gathered)
    end
  end

  defp frame(mounts, known, gathered) do
    with {:ok, frame, digests, fresh} <- Mount.Parts.dump(mounts, known) do
      for digest <- digests, do: :ets.insert(gathered, {{:needed, digest}})
      for {digest, bytes} <- fresh, do: :ets.insert(gathered, {{:fresh, digest}, bytes})
      {:ok, {frame, digests}}
    end
  end

  defp digests(checkpoint),
    do: for({_name, {_bytes, index}} <- checkpoint.packs, digest <- Map.keys(index), do: digest)

  # The packs that the new state needs, and the one to be written, if any.
  defp packs(packs, needed, fresh) do
    kept =
      for {name, {bytes, index}} <- packs,
          index = Map.filter(index, fn {digest, _at} -> MapSet.member?(needed, digest) end),
          index != %{} and not Enum.any?(fresh, fn [digest, _] -> is_map_key(index, digest) end),
          into: %{},
          do: {name, {bytes, index}}

    {bytes, used} =
      Enum.reduce(kept, {0, 0}, fn {_name, {bytes, index}}, {total, used} ->
        {total + bytes, used + Enum.sum(for {_digest, {_offset, size}} <- index, do: size)}
      end)

    cond do
      map_size(kept) >= @max_packs or used * 2 < bytes -> :repack
      fresh == [] -> {kept, nil}
      true -> with_new(kept, fresh)
    end
  end

  defp with_new(kept, fresh) do
    {index, size} =
      Enum.reduce(fresh, {%{}, 0}, fn [digest, bytes], {index, offset} ->
        {Map.put(index, digest, {offset, byte_size(bytes)}), offset + byte_size(bytes)}
      end)

    body = IO.iodata_to_binary(for [_digest, bytes] <- fresh, do: bytes)
    name = :crypto.hash(:sha256, body)
    {Map.put(kept, name, {size, index}), {name, body}}
  end

  defp write(checkpoint, image, contents, packs, new) do
    recent = Enum.take([Map.keys(packs) | checkpoint.recent], Store.generations())
    head = Map.merge(image, %{packs: packs, recent: recent, writer: checkpoint.writer})

    with :ok <- write_pack(checkpoint, new),
         :ok <- put(checkpoint, head(checkpoint), head) do
      saved = %{checkpoint | saved: contents.steps, packs: packs, recent: recent}
      forget(checkpoint, saved)
      {:ok, saved, contents}
    end
  end

  defp write_pack(_checkpoint, nil), do: :ok
  defp write_pack(checkpoint, {name, body}), do: put(checkpoint, pack(checkpoint, name), body)

  # What cannot be deleted costs room and nothing else.
  defp forget(before, now) do
    needed = now.recent |> Enum.concat() |> MapSet.new()
    former = before.recent |> Enum.concat() |> Enum.uniq()

    case Enum.reject(former, &MapSet.member?(needed, &1)) do
      [] -> :ok
      packs -> if mine?(now), do: Enum.each(packs, &Store.call(now.store, :delete, [pack(now, &1)]))
    end
  end

  # Somebody else who saves under this name may need what this one does not.
  defp mine?(checkpoint) do
    match?({:ok, %{writer: writer}} when writer == checkpoint.writer, get(checkpoint, head(checkpoint)))
  end

  @doc "Removes everything of this name."
  @spec delete(Store.t(), String.t()) :: :ok | {:error, term}
  def delete({_module, _config} = store, name) when is_binary(name) do
    with :ok <- Store.call(store, :delete, ["head/" <> name]),
         :ok <- Store.call(store, :delete, ["step/" <> name]),
         {:ok, keys} <- Store.call(store, :list, []) do
      prefix = "pack/" <> name <> "/"

      packs =
        Enum.filter(keys, &(String.starts_with?(&1, prefix) and byte_size(&1) == byte_size(prefix) + 64))

      Enum.reduce_while(packs, :ok, fn key, :ok ->
        case Store.call(store, :delete, [key]) do
          :ok -> {:cont, :ok}
          error -> {:halt, error}
        end
      end)
    end
  end

  defp get(checkpoint, place) do
    with {:ok, bytes} <- Store.call(checkpoint.store, :get, [place]),
         do: Image.open(bytes, checkpoint.key, place)
  end

  defp put(checkpoint, place, term) do
    Store.call(checkpoint.store, :put, [place, Image.seal(term, checkpoint.key, place)])
  end

  defp head(checkpoint), do: "head/" <> checkpoint.name
  defp step(checkpoint), do: "step/" <> checkpoint.name
  defp pack(checkpoint, name), do: "pack/" <> checkpoint.name <> "/" <> Base.encode16(name, case: :lower)

  defp random, do: :crypto.strong_rand_bytes(16)
end
