defmodule ExMonty.Workspace.Suspension do
  @moduledoc false

  # A step that waits for its answer, as bytes: it holds no thread, no lease and no session.

  alias ExMonty.Error

  # `tag` is the tag as bytes, `run` the paused evaluation with its whole session, `before` what a rollback goes back to.
  @enforce_keys [:tag, :run, :before]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          tag: binary,
          run: binary,
          before: nil | ExMonty.Workspace.Contents.before()
        }

  @max_tag_bytes 64 * 1024

  @typedoc "What a suspended call is answered with."
  @type answer ::
          {:ok, ExMonty.Value.t()}
          | {:error, type :: atom, message :: String.t()}
          | {:error, message :: String.t()}

  @doc "Refuses what answers nothing now, such as `:pending`: nobody would answer it later."
  @spec check_answer(term) :: :ok | {:error, Error.t()}
  def check_answer({:ok, _value}), do: :ok
  def check_answer({:error, type, message}) when is_atom(type) and is_binary(message), do: :ok
  def check_answer({:error, message}) when is_binary(message), do: :ok

  def check_answer(other) do
    message =
      "a suspended call is answered with #{inspect(other, limit: 5, printable_limit: 100)}; accepted: {:ok, value}, " <>
        "{:error, type, message} or {:error, message}"

    {:error, %Error{reason: :invalid_result, message: message}}
  end

  @doc """
  A tag as bytes. Equal tags are equal bytes on every node, so that one can be compared where its atoms do not exist.
  """
  @spec pack_tag(term) :: {:ok, binary} | {:error, Error.t()}
  def pack_tag(tag) do
    with true <- plain?(tag),
         bytes = :erlang.term_to_binary(tag, [:deterministic, minor_version: 2]),
         true <- byte_size(bytes) <= @max_tag_bytes do
      {:ok, bytes}
    else
      _ ->
        message =
          "the tag of a suspension is #{inspect(tag, limit: 5, printable_limit: 100)}; accepted: strings, numbers, " <>
            "atoms, and lists, tuples and maps of these, up to 64 KiB"

        {:error, %Error{reason: :invalid_tag, message: message}}
    end
  end

  @doc "The tag of the bytes; one with atoms that this node does not know, as `{:unknown, hex}`."
  @spec unpack_tag(binary) :: term
  def unpack_tag(bytes) do
    :erlang.binary_to_term(bytes, [:safe])
  rescue
    ArgumentError -> {:unknown, Base.encode16(bytes)}
  end

  defp plain?(tag) when is_binary(tag) or is_number(tag) or is_atom(tag), do: true
  defp plain?([head | tail]) when is_list(tail), do: plain?(head) and plain?(tail)
  defp plain?([]), do: true
  defp plain?(tag) when is_tuple(tag), do: tag |> Tuple.to_list() |> plain?()
  defp plain?(tag) when is_map(tag), do: tag |> Map.to_list() |> plain?()
  defp plain?(_other), do: false
end
