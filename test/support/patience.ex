defmodule ExMonty.Patience do
  @moduledoc false

  # Waits for what a collector of garbage and a thread that frees things will have done in a while.

  alias ExMonty.Error

  # Looks, each 10 ms or more after the one before it, but for the first few.
  @tries 60_000
  @at_once 100

  @doc "Waits until `check` is true, and fails after ten minutes or more in which it never was."
  def until(check, tries \\ @tries) do
    cond do
      check.() ->
        :ok

      tries == 0 ->
        raise ExUnit.AssertionError, message: "it did not happen in time"

      true ->
        wait(tries)
        until(check, tries - 1)
    end
  end

  @doc "What `attempt` comes to once a session is not busy any more."
  def until_free(attempt, tries \\ @tries) do
    :erlang.garbage_collect()

    case attempt.() do
      {:error, %Error{reason: :busy}} when tries > 0 ->
        wait(tries)
        until_free(attempt, tries - 1)

      result ->
        result
    end
  end

  # What happens at once is seen at once, and what takes time is left the cores.
  defp wait(tries) when tries > @tries - @at_once, do: :erlang.yield()
  defp wait(_tries), do: Process.sleep(10)
end
