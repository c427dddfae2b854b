defmodule ExMonty.Workspace.Checkpoint do
  @moduledoc false

  # A workspace in its store: saved after each step, loaded when it is started.
  #
  #     head/NAME         variables whole, the frame of the files, the suspended step, and which packs have the contents
  #     pack/NAME/HASH    contents of files, one behind the other
  #     step/NAME         the step that was begun last, and whose workspace it is
  #
  # A save writes the contents that no pack has yet as one new pack, then the head, and then forgets packs that no head
  # needs which may still be had. So what it costs to write follows what changed, and it is the one put of the head that
  # makes the new state the one to go on from. The contents of the packs are written anew as one when most of what is in
  # them is no longer needed, or when there are many.
  #
  # The step is noted before it begins: if the head is not as far when the workspace is started again, that step was
  # lost, and its name is known.
  #
  # Nothing keeps two workspaces of one name from being alive, on two nodes that do not see each other. So head and step are
  # only ever swapped for what this workspace knows to be there, and the one that starts swaps both for the same with its
  # own mark: from then on the former can begin no step, and what it has in flight it cannot save. What is in the store has
  # one history, and whoever is not of it is told.

  alias ExMonty.{Error, Mount}
  alias ExMonty.Workspace.{Contents, Image, Packs, Store}

  # There is a secret in it, and it is in reports of crashes.
  @derive {Inspect, only: [:name, :saved]}
  @enforce_keys [:store, :name, :key, :writer]
  defstruct @enforce_keys ++ [saved: nil, packs: %{}, recent: [], known: %{}]

  # `recent`: the packs of the last heads. `known`: what is
  # there, of head and step, as a digest. `writer`: the mark of this workspace, as opposed to one before or beside it.
  @type t :: %__MODULE__{
          store: Store.t(),
          name: String.t(),
          key: binary | nil,
          writer: binary,
          saved: non_neg_integer | nil,
          packs: Packs.t(),
          recent: [[binary]],
          known: %{String.t() => Store.digest()}
        }

  @typedoc "A step that was begun and of which nothing is known."
  @type lost :: %{step: pos_integer, code: String.t()}

  @max_noted_bytes 4_096
  # To lose so often against others that start or save is a fault.
  @attempts 20

  @doc "That of a workspace which the store does not have."
  def new(store, name, key),
    do: %__MODULE__{store: store, name: name, key: key, writer: :crypto.strong_rand_bytes(16)}

  @doc """
  What the store has of this name, which is this workspace's from now on. `options` are those of `ExMonty.Mount.load/2`.
  """
  @spec load(t, keyword) :: {:ok, Contents.t(), t, lost | nil} | {:error, :not_found} | {:error, term}
  def load(%__MODULE__{} = checkpoint, options), do: load(checkpoint, options, @attempts)

  defp load(checkpoint, options, attempts) do
    with {:ok, head, checkpoint} <- look(checkpoint, head(checkpoint)),
         {:ok, packs, recent} <- packs_of(head),
         {:ok, found} <- contents_of(checkpoint, packs),
         {:ok, contents} <- Contents.open(head, &table(&1, found, options)),
         {:ok, noted, checkpoint} <- take_note_over(checkpoint),
         # Last, because a workspace that cannot be started takes nothing over.
         {:ok, checkpoint} <- swap(checkpoint, head(checkpoint), %{head | writer: checkpoint.writer}) do
      checkpoint = %{checkpoint | saved: contents.steps, packs: packs, recent: recent}
      {:ok, contents, checkpoint, lost(noted, checkpoint)}
    else
      {:error, :conflict} when attempts > 1 -> load(checkpoint, options, attempts - 1)
      {:error, :conflict} -> {:error, contended(checkpoint)}
      error -> error
    end
  end

  @doc "That of a workspace of which everything but the contents is at hand: what is in the store is taken as known."
  @spec known(t) :: {:ok, t} | {:error, term}
  def known(%__MODULE__{} = checkpoint) do
    with {:ok, _noted, checkpoint} <- look_or(checkpoint, step(checkpoint), nil),
         {:ok, head, checkpoint} <- look(checkpoint, head(checkpoint)),
         {:ok, packs, recent} <- packs_of(head) do
      {:ok, %{checkpoint | saved: head.steps, packs: packs, recent: recent}}
    else
      {:error, :not_found} -> {:ok, checkpoint}
      error -> error
    end
  end

  @doc "Saves what the store does not have yet. `:already_stored` when it has something of this name after all."
  @spec create(t, Contents.t()) :: {:ok, t, Contents.t()} | {:error, :already_stored} | {:error, term}
  def create(%__MODULE__{} = checkpoint, contents) do
    with {:ok, false} <- stored?(checkpoint),
         {:ok, _noted, checkpoint} <- look_or(checkpoint, step(checkpoint), nil),
         {:ok, checkpoint} <- swap(checkpoint, step(checkpoint), {0, "", checkpoint.writer}),
         {:ok, checkpoint, contents} <- save_once(checkpoint, contents) do
      {:ok, checkpoint, contents}
    else
      {:ok, true} -> {:error, :already_stored}
      {:error, :conflict} -> {:error, :already_stored}
      error -> error
    end
  end

  defp stored?(checkpoint) do
    case Store.call(checkpoint.store, :get, [head(checkpoint)]) do
      {:ok, _bytes} -> {:ok, true}
      {:error, :not_found} -> {:ok, false}
      error -> error
    end
  end

  defp packs_of(%{packs: packs, recent: recent, writer: _}) when is_map(packs) and is_list(recent) do
    names? = fn names -> is_list(names) and Enum.all?(names, &is_binary/1) end

    if Enum.all?(packs, &Packs.pack?/1) and Enum.all?(recent, names?),
      do: {:ok, packs, recent},
      else: Image.invalid("its packs are malformed")
  end

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
          {:halt, {:error, missing_pack(checkpoint)}}

        error ->
          {:halt, error}
      end
    end)
  end

  # The head that refers to it may be one of the past by now.
  defp missing_pack(checkpoint) do
    if as_known?(checkpoint, head(checkpoint)),
      do: %Error{reason: :store_damaged, message: "a pack of #{checkpoint.name} is missing"},
      else: :conflict
  end

  # What the loader is given in its place has another digest, which is an error there.
  defp part(body, {offset, size}) when offset + size <= byte_size(body), do: binary_part(body, offset, size)
  defp part(_body, _at), do: ""

  defp take_note_over(checkpoint) do
    with {:ok, noted, checkpoint} <- look_or(checkpoint, step(checkpoint), {0, "", ""}) do
      noted =
        if match?({number, code, _} when is_integer(number) and is_binary(code), noted),
          do: noted,
          else: {0, "", ""}

      with {:ok, checkpoint} <- swap(checkpoint, step(checkpoint), put_elem(noted, 2, checkpoint.writer)),
           do: {:ok, noted, checkpoint}
    end
  end

  defp lost({number, code, _writer}, %{saved: saved}) when number > saved, do: %{step: number, code: code}
  defp lost(_noted, _checkpoint), do: nil

  @doc """
  Notes that a step begins; `:superseded` when a workspace that was started later has the name. A store that fails is no
  reason not to run it: what comes of it will be said to be not saved.
  """
  @spec note(t | nil, pos_integer, String.t()) :: {:ok, t | nil} | {:error, Error.t()}
  def note(nil, _number, _code), do: {:ok, nil}

  def note(%__MODULE__{} = checkpoint, number, code) do
    noted = {number, String.slice(code, 0, @max_noted_bytes), checkpoint.writer}

    with {:error, :conflict} <- swap(checkpoint, step(checkpoint), noted),
         {:mine, _former, checkpoint} <- conflict(checkpoint, step(checkpoint)),
         {:error, :conflict} <- swap(checkpoint, step(checkpoint), noted) do
      {:error, superseded(checkpoint)}
    else
      {:ok, checkpoint} -> {:ok, checkpoint}
      {:error, %Error{reason: :superseded} = error} -> {:error, error}
      {:error, _store_failed} -> {:ok, checkpoint}
    end
  end

  @doc "Whether the name is still this workspace's, for what is to be saved and is no new step. Errors as `note/3`."
  @spec check(t | nil) :: :ok | {:error, Error.t()}
  def check(nil), do: :ok

  def check(%__MODULE__{} = checkpoint) do
    with false <- as_known?(checkpoint, step(checkpoint)),
         {:error, %Error{reason: :superseded} = error} <- conflict(checkpoint, step(checkpoint)) do
      {:error, error}
    else
      _known_or_mine_or_unreachable -> :ok
    end
  end

  defp as_known?(checkpoint, place) do
    case Store.call(checkpoint.store, :get, [place]) do
      {:ok, bytes} -> Store.digest(bytes) == checkpoint.known[place]
      _ -> false
    end
  end

  @doc """
  Saves `contents`. After an error everything is as it was, and the next save has it all to do; but with `:superseded`, a
  workspace that was started later has the name, and this one saves nothing any more.
  """
  @spec save(t, Contents.t()) :: {:ok, t, Contents.t()} | {:error, term, Contents.t()}
  def save(%__MODULE__{} = checkpoint, %Contents{} = contents) do
    with {:error, :conflict} <- save_once(checkpoint, contents),
         {:mine, head, checkpoint} <- conflict(checkpoint, head(checkpoint)),
         {:ok, packs, recent} <- packs_of(head),
         {:error, :conflict} <- save_once(%{checkpoint | packs: packs, recent: recent}, contents) do
      {:error, superseded(checkpoint), contents}
    else
      {:ok, _checkpoint, _contents} = saved -> saved
      {:error, reason} -> {:error, reason, contents}
    end
  end

  defp save_once(checkpoint, contents), do: attempt(checkpoint, contents, Packs.digests(checkpoint.packs))

  # Something else is there than this workspace knows of. What it put itself, though the store said that it failed, is as
  # good as known.
  defp conflict(checkpoint, place) do
    case look(checkpoint, place) do
      {:ok, there, checkpoint} ->
        if writer(there) == checkpoint.writer,
          do: {:mine, there, checkpoint},
          else: {:error, superseded(checkpoint)}

      {:error, reason}
      when reason == :not_found or (is_struct(reason, Error) and reason.reason == :invalid_dump) ->
        {:error, superseded(checkpoint)}

      error ->
        error
    end
  end

  defp writer({_number, _code, writer}), do: writer
  defp writer(%{writer: writer}), do: writer
  defp writer(_malformed), do: nil

  defp superseded(checkpoint) do
    message =
      "the store has given the name #{inspect(checkpoint.name)} to a workspace that was started later, or it was deleted; " <>
        "this one saves nothing any more"

    %Error{reason: :superseded, message: message}
  end

  defp contended(checkpoint) do
    message = "others start or save a workspace named #{inspect(checkpoint.name)} all the time"
    %Error{reason: :store_contended, message: message}
  end

  defp attempt(checkpoint, contents, known) do
    # The contents that are new are gathered beside the image.
    gathered = :ets.new(:gathered, [:private])

    try do
      with {:ok, image, contents} <- Contents.image(contents, &frame(&1, known, gathered)) do
        needed = gathered |> :ets.match({{:needed, :"$1"}}) |> List.flatten() |> MapSet.new()
        fresh = :ets.match(gathered, {{:fresh, :"$1"}, :"$2"})

        case Packs.choose(checkpoint.packs, needed, fresh) do
          :repack when known != [] -> attempt(checkpoint, contents, [])
          {packs, fresh} -> write(checkpoint, image, contents, Packs.add(packs, fresh, checkpoint.writer))
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

  defp write(checkpoint, image, contents, {packs, new}) do
    recent = Enum.take([Map.keys(packs) | checkpoint.recent], Store.generations())
    head = Map.merge(image, %{packs: packs, recent: recent, writer: checkpoint.writer})

    with :ok <- write_pack(checkpoint, new),
         {:ok, swapped} <- swap(checkpoint, head(checkpoint), head) do
      saved = %{swapped | saved: contents.steps, packs: packs, recent: recent}
      forget(checkpoint, saved)
      {:ok, saved, contents}
    else
      {:error, :conflict} ->
        if new, do: forget_unneeded(checkpoint, elem(new, 0))
        {:error, :conflict}

      error ->
        error
    end
  end

  defp write_pack(_checkpoint, nil), do: :ok

  defp write_pack(checkpoint, {name, body}) do
    place = pack(checkpoint, name)
    Store.call(checkpoint.store, :put, [place, Image.seal(body, checkpoint.key, place)])
  end

  # What the packs of the last heads are not among is needed by nobody, whoever goes on from any of these.
  defp forget(before, now) do
    needed = now.recent |> Enum.concat() |> MapSet.new()
    former = before.recent |> Enum.concat() |> Enum.uniq()
    delete_packs(now, Enum.reject(former, &MapSet.member?(needed, &1)))
  end

  # The head that is there may refer to this pack all the same: it may be of a save that this workspace does not know was
  # made, or of a workspace that went on from that. What cannot be told is kept.
  defp forget_unneeded(checkpoint, name) do
    needed =
      with {:ok, head, _checkpoint} <- look(checkpoint, head(checkpoint)),
           {:ok, packs, recent} <- packs_of(head),
           do: Map.keys(packs) ++ Enum.concat(recent)

    if needed == {:error, :not_found} or (is_list(needed) and name not in needed),
      do: delete_packs(checkpoint, [name])
  end

  # What cannot be deleted costs room and nothing else.
  defp delete_packs(checkpoint, packs),
    do: Enum.each(packs, &Store.call(checkpoint.store, :delete, [pack(checkpoint, &1)]))

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

  # What is there, which is known from now on.
  defp look(checkpoint, place) do
    with {:ok, bytes} <- Store.call(checkpoint.store, :get, [place]),
         {:ok, term} <- Image.open(bytes, checkpoint.key, place) do
      {:ok, term, put_in(checkpoint.known[place], Store.digest(bytes))}
    end
  end

  defp look_or(checkpoint, place, default) do
    with {:error, :not_found} <- look(checkpoint, place),
         do: {:ok, default, %{checkpoint | known: Map.delete(checkpoint.known, place)}}
  end

  # Puts `term` in the place of what is known to be there.
  defp swap(checkpoint, place, term) do
    bytes = Image.seal(term, checkpoint.key, place)

    with :ok <- Store.swap(checkpoint.store, place, bytes, checkpoint.known[place]),
         do: {:ok, put_in(checkpoint.known[place], Store.digest(bytes))}
  end

  defp head(checkpoint), do: "head/" <> checkpoint.name
  defp step(checkpoint), do: "step/" <> checkpoint.name
  defp pack(checkpoint, name), do: "pack/" <> checkpoint.name <> "/" <> Base.encode16(name, case: :lower)
end
