defmodule ExMonty.Mount.CommitReport do
  @moduledoc """
  What a commit did, or with `dry_run: true` would do, by virtual path. See `ExMonty.Mount.commit/3`.

    * `written` – created, replaced, extended or moved to;
    * `removed` – removed, or moved away. A directory that was moved or removed stands for everything in it;
    * `skipped` – what stays in the overlay, with the reason: `:not_selected` (by `:only` or `:except`),
      `:dot_directory`, `:executable`, `:rule` (of the mount), `:name` (one that the mount keeps for itself), `:depends` (on
      something else that stays);
    * `pending` – what a commit that stopped half-way has not come to.
  """

  defstruct written: [], removed: [], skipped: [], pending: []

  @typedoc "Why something was not committed."
  @type reason :: :not_selected | :dot_directory | :executable | :rule | :name | :depends

  @typedoc "A report."
  @type t :: %__MODULE__{
          written: [String.t()],
          removed: [String.t()],
          skipped: [{String.t(), reason}],
          pending: [String.t()]
        }
end
