defmodule ExMonty.Patience do
  @moduledoc false

  # Waits for what a collector of garbage and a thread that frees things will have done in a while.

  alias ExMonty.Error

  @doc "What `attempt` comes to once a session is not busy any more."
  def until_free(attempt, tries \\ 500) do
    :erlang.garbage_collect()

    case attempt.() do
      {:error, %Error{reason: :busy}} when tries > 0 ->
        receive do
        after
          10 -> until_free(attempt, tries - 1)
        end

      result ->
        result
    end
  end
end
