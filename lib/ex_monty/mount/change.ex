defmodule ExMonty.Mount.Change do
  @moduledoc """
  An entry that changed between two states of a mount table, as `ExMonty.Mount.changes/2` lists it.

    * `path` – the virtual path;
    * `kind` – `:created`, `:modified` (a file or link with other contents) or `:deleted`;
    * `type` – what it is, or was: `:regular`, `:directory`, `:symlink` or `:other`, as in `File.Stat`;
    * `size`, `previous_size` – bytes of a file or link now and before, nil for directories and where there was none.
  """

  @enforce_keys [:path, :kind, :type]
  defstruct [:path, :kind, :type, :size, :previous_size]

  @typedoc "A change."
  @type t :: %__MODULE__{
          path: String.t(),
          kind: :created | :modified | :deleted,
          type: :regular | :directory | :symlink | :other,
          size: non_neg_integer | nil,
          previous_size: non_neg_integer | nil
        }
end
