defmodule ExMonty.Mount.Snapshot do
  @moduledoc """
  A state of a mount table, from `ExMonty.Mount.snapshot/1`. It is opaque, and never changes.

  It can be put back (`ExMonty.Mount.restore/2`), compared with (`ExMonty.Mount.changes/2`), and mounted, read-only or
  under an overlay (`ExMonty.Mount.add/5`). It costs memory only for what the table changes later.
  """

  @enforce_keys [:ref]
  defstruct [:ref]

  @typedoc "A state. What is in it is private."
  @type t :: %__MODULE__{ref: reference()}

  defimpl Inspect do
    def inspect(_snapshot, _opts), do: "#ExMonty.Mount.Snapshot<>"
  end
end
