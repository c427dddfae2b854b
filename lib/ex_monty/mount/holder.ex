defmodule ExMonty.Mount.Holder do
  @moduledoc false

  # What files and states are asked of: a table, or a lease of it.

  alias ExMonty.Mount
  alias ExMonty.Mount.Lease

  @spec ref!(term) :: reference
  def ref!(%Mount{ref: ref}), do: ref
  def ref!(%Lease{ref: ref}), do: ref

  def ref!(other),
    do: raise(ArgumentError, "expected an ExMonty.Mount or a lease of one, got: #{inspect(other)}")
end
