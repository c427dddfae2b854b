defmodule ExMonty.Patience do
  @moduledoc false

  # Waits for what a collector of garbage and a thread that frees things will have done in a while.

  alias ExMonty.Error

  @doc "Waits until `check` is true, and fails after a minute or more in which it never was."
  def until(check, tries \\ 6_000) do
    cond do
      check.() ->
        :ok

      tries == 0 ->
        raise ExUnit.AssertionError, message: "it did not happen in time"

      true ->
        wait()
        until(check, tries - 1)
    end
  end

  @doc "What `attempt` comes to once a session is not busy any more."
  def until_free(attempt, tries \\ 500) do
    :erlang.garbage_collect()

    case attempt.() do
      {:error, %Error{reason: :busy}} when tries > 0 ->
        wait()
        until_free(attempt, tries - 1)

      result ->
        result
    end
  end

  defp wait do
    receive do
    after
      10 -> true
    end
  end
end
