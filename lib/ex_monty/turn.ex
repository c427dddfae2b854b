defmodule ExMonty.Turn do
  @moduledoc false

  # Waits for work that the native library does on a thread of its own.

  @doc false
  # The reference is made in the function that receives with it: then the VM skips what was in the mailbox before, and
  # a process with a long queue waits no longer than one with none.
  @spec await((reference -> {:done, outcome} | :wait)) :: outcome when outcome: term
  def await(submit) do
    reference = make_ref()

    outcome =
      case submit.(reference) do
        {:done, outcome} ->
          outcome

        :wait ->
          receive do
            {:ex_monty, ^reference, outcome} -> outcome
          end
      end

    case outcome do
      {:raise, message} -> raise ArgumentError, message
      outcome -> outcome
    end
  end
end
