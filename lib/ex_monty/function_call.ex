defmodule ExMonty.FunctionCall do
  @moduledoc """
  A call of a host function that a script waits for.

  `args` is the list of positional arguments and `kwargs` a map of the named ones; both hold values as `ExMonty.Value`
  describes them. In a `:method_call`, `args` starts with the instance. `call_id` tells calls of one run apart: it is
  what `ExMonty.resume_futures/2` is given for a call that was answered `:pending`.
  """

  @typedoc "A call that waits for its result."
  @type t :: %__MODULE__{
          name: String.t(),
          args: [ExMonty.Value.t()],
          kwargs: %{optional(String.t()) => ExMonty.Value.t()},
          call_id: non_neg_integer()
        }

  defstruct [:name, :call_id, args: [], kwargs: %{}]
end
