defmodule ExMonty.Workspace.Packs do
  @moduledoc false

  # Which contents of files are in which pack of a store: decisions only, nothing is read or written here.

  alias ExMonty.Mount.Parts

  @typedoc "Name of a pack to its bytes in all, and where in it the contents are that are still needed."
  @type t :: %{
          binary =>
            {bytes :: non_neg_integer,
             %{Parts.digest() => {offset :: non_neg_integer, size :: non_neg_integer}}}
        }

  # That of contents that no pack has yet, each as `[digest, bytes]`.
  @type fresh :: [nonempty_list(binary)]

  @max_packs 32

  @doc "Whether what was read from a store is a pack with its name."
  @spec pack?(term) :: boolean
  def pack?({name, {bytes, index}}) when is_binary(name) and is_integer(bytes) and is_map(index) do
    Enum.all?(index, fn
      {digest, {from, size}} ->
        is_binary(digest) and is_integer(from) and from >= 0 and is_integer(size) and size >= 0

      _other ->
        false
    end)
  end

  def pack?(_other), do: false

  @doc "The contents that the packs have."
  @spec digests(t) :: [Parts.digest()]
  def digests(packs), do: for({_name, {_bytes, index}} <- packs, digest <- Map.keys(index), do: digest)

  @doc """
  The packs that a state needs beside its fresh contents; `:repack` where one new pack is better than these: most of what
  is in them is no longer needed, or they are many.
  """
  @spec choose(t, needed :: MapSet.t(), fresh) :: {t, fresh} | :repack
  def choose(packs, needed, fresh) do
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

    if map_size(kept) >= @max_packs or used * 2 < bytes, do: :repack, else: {kept, fresh}
  end

  @doc "With a pack of the fresh contents, if there are any, and that pack as it is to be written."
  @spec add(t, fresh, writer :: binary) :: {t, nil | {name :: binary, body :: binary}}
  def add(packs, [], _writer), do: {packs, nil}

  def add(packs, fresh, writer) do
    {index, size} =
      Enum.reduce(fresh, {%{}, 0}, fn [digest, bytes], {index, offset} ->
        {Map.put(index, digest, {offset, byte_size(bytes)}), offset + byte_size(bytes)}
      end)

    body = IO.iodata_to_binary(for [_digest, bytes] <- fresh, do: bytes)
    # Nobody else has a pack of this name, so that whoever wrote it can forget it.
    name = :crypto.hash(:sha256, [writer, body])
    {Map.put(packs, name, {size, index}), {name, body}}
  end
end
