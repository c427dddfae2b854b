defmodule ExMonty.Sandbox.Answer do
  @moduledoc false

  # What a callback came to, as the result that a run is resumed with. Whatever went wrong is an exception in the
  # script, which says whose fault it was and what would have been accepted.

  alias ExMonty.Error

  @typedoc "Who was asked, and by what name."
  @type question :: {:function | :os | :name | :attribute | :import, label :: String.t()}

  @failing "{:error, type, message} nor {:error, message}"
  @accepted %{
    function: "neither {:ok, value} nor {:async, fun} nor #{@failing}",
    os: "neither {:ok, value} nor :no_handler nor #{@failing}",
    name: "neither {:ok, value} nor :undefined nor #{@failing}",
    attribute: "neither {:ok, value} nor :undefined nor #{@failing}",
    import: "neither {:ok, map of attributes} nor :not_found nor #{@failing}"
  }

  # What `resume` says of an answer that it refuses, leaving the snapshot as it was.
  @refused [:invalid_result, :invalid_value, :value_too_deep, :value_too_large]

  @doc "The result of a reply, given to a question that may be answered within `timeout` milliseconds."
  @spec result(ExMonty.Sandbox.Futures.reply(), question, timeout) :: ExMonty.result() | {:suspend, term}
  def result(:slept, _question, _timeout), do: {:ok, nil}
  def result({:returned, answer}, question, _timeout), do: checked(answer, question)
  def result({:failed, reason}, question, _timeout), do: failed(question, reason)

  def result(:late, {_kind, label}, timeout) do
    {:error, :timeout_error, "#{label} did not answer within #{timeout} ms"}
  end

  @doc "An exception that says why a callback gave no answer."
  @spec failed(question, String.t()) :: ExMonty.result()
  def failed({_kind, label}, reason), do: {:error, :runtime_error, "#{label} failed: #{readable(reason)}"}

  @doc "An exception for an answer of a shape that is not accepted."
  @spec wrong(question) :: ExMonty.result()
  def wrong({kind, _label} = question), do: failed(question, "it answered #{Map.fetch!(@accepted, kind)}")

  @doc "The exception in the place of a result that a run refused, or nothing if the error is another one."
  @spec instead(Error.t() | term, ExMonty.result(), question) :: {:ok, ExMonty.result()} | :error
  def instead(%Error{reason: reason, message: message}, result, {_kind, label}) when reason in @refused do
    {:ok, {:error, :type_error, "#{label}: #{message}#{given(result)}"}}
  end

  def instead(_error, _result, _question), do: :error

  defp given({:error, type, message}) do
    if String.valid?(message), do: " (#{inspect(type)}; ExMonty.Exception.types/0 has them all)", else: ""
  end

  defp given(_result), do: ""

  # An exception of Elixir may say anything, one of Python says text.
  defp readable(reason) do
    reason
    |> String.chunk(:valid)
    |> Enum.map_join(&if String.valid?(&1), do: &1, else: "\uFFFD")
  end

  defp checked({:ok, _value} = answer, _question), do: answer

  defp checked({:error, type, message} = answer, _question) when is_atom(type) and is_binary(message),
    do: answer

  defp checked({:error, message}, _question) when is_binary(message), do: {:error, :runtime_error, message}
  defp checked(:undefined, {kind, _label}) when kind in [:function, :name, :attribute], do: :undefined
  defp checked(:no_handler, {:os, _label}), do: :no_handler
  defp checked(:not_found, {:import, _label}), do: {:ok, :not_found}
  defp checked({:suspend, _tag} = answer, {:function, _label}), do: answer
  defp checked(_answer, question), do: wrong(question)
end
