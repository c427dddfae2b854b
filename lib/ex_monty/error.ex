defmodule ExMonty.Error do
  @moduledoc """
  What went wrong that Python did not raise.

  `reason` is an atom to match on, `message` a sentence for people. What Python raised, a breached limit included, is an
  `ExMonty.Exception`.

      iex> Exception.message(%ExMonty.Error{reason: :snapshot_consumed, message: "resumed before"})
      "resumed before (snapshot_consumed)"
  """

  @typedoc "The reason, such as `:invalid_value`, and a sentence about it."
  @type t :: %__MODULE__{reason: atom(), message: String.t()}

  defexception [:reason, message: ""]

  @doc """
  The sentence, with the reason in brackets.
  """
  @impl true
  @spec message(t()) :: String.t()
  def message(%__MODULE__{reason: reason, message: message}), do: "#{message} (#{reason})"
end
