defmodule ExMonty.Workspace.Image do
  @moduledoc false

  # A workspace as bytes, for a dump and for a store: a term of integers, strings, atoms of ours, lists, tuples and maps, in the
  # envelope that every dump has.
  #
  # With it goes its place, the key of the store that the bytes are for: a sealed value cannot stand in for another.

  alias ExMonty.{Dump, Error}

  @doc "The bytes of `term`, which is plain data."
  @spec seal(term, binary | nil, String.t()) :: binary
  def seal(term, key, place \\ "") do
    {place, term} |> :erlang.term_to_binary([:deterministic, minor_version: 2]) |> Dump.seal(:workspace, key)
  end

  @doc "The term that `seal/3` was given."
  @spec open(binary, binary | nil, String.t()) :: {:ok, term} | {:error, Error.t()}
  def open(bytes, key, place \\ "") do
    with {:ok, body} <- Dump.unseal(bytes, :workspace, key),
         {:ok, content} <- content(body) do
      case content do
        {^place, term} -> {:ok, term}
        _other -> invalid("it was made for another place")
      end
    end
  end

  @doc "The error for bytes that are whole and of the right kind, and make no sense."
  @spec invalid(String.t()) :: {:error, Error.t()}
  def invalid(why) do
    {:error, %Error{reason: :invalid_dump, message: "this is no dump of a workspace: #{why}"}}
  end

  # A compressed term could be any number of times as large as its bytes, so none is accepted.
  defp content(<<131, 80, _rest::binary>>), do: invalid("its body is compressed")

  defp content(body) do
    {:ok, :erlang.binary_to_term(body, [:safe])}
  rescue
    ArgumentError -> invalid("its body is malformed")
  end
end
