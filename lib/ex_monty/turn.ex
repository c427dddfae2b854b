defmodule ExMonty.Turn do
  @moduledoc false

  # Waits for work that the native library does on a thread of its own.

  alias ExMonty.{Error, Native}

  # What does not fit into a normal scheduler's share is handed over on a dirty one.
  @large %{
    start: :start_large,
    resume: :resume_large,
    resume_futures: :resume_futures_large,
    session_start: :session_start_large
  }

  @doc false
  @spec take(atom, [term]) :: term
  def take(function, args) do
    case outcome(function, args) do
      {:raise, message} -> raise ArgumentError, message
      outcome -> outcome
    end
  end

  @doc false
  # The same for a script's answer that somebody else gave: what is a mistake of that one's is no reason to raise here.
  @spec attempt(atom, [term]) :: term
  def attempt(function, args) do
    case outcome(function, args) do
      {:raise, message} -> {:error, %Error{reason: :invalid_value, message: message}}
      outcome -> outcome
    end
  end

  # The reference is made in the function that receives with it: then the VM skips what was in the mailbox before, and
  # a process with a long queue waits no longer than one with none.
  defp outcome(function, args) do
    reference = make_ref()

    outcome =
      case apply(Native, function, [reference | args]) do
        {:done, outcome} -> {:ok, outcome}
        :wait -> :wait
        :large -> large(apply(Native, Map.fetch!(@large, function), [reference | args]))
      end

    case outcome do
      {:ok, outcome} ->
        outcome

      :wait ->
        receive do
          {:ex_monty, ^reference, outcome} -> outcome
        end
    end
  end

  @doc false
  # What a function with an exclamation mark answers.
  @spec value!({:ok, term} | {:error, Exception.t()}) :: term
  def value!({:ok, value}), do: value
  def value!({:error, error}), do: raise(error)

  defp large({:done, outcome}), do: {:ok, outcome}
  defp large(:wait), do: :wait
end
