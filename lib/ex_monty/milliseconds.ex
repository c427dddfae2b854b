defmodule ExMonty.Milliseconds do
  @moduledoc false

  # Times to wait. A `receive` refuses to wait for more than `longest/0`, which is some 49 days: an option beyond that is
  # refused where it is given, and what a script asks for beyond that is waited for bit by bit.

  @longest 4_294_967_295

  @doc "The longest time that can be waited for at once, `:infinity` aside."
  @spec longest() :: pos_integer
  def longest, do: @longest

  @doc "Whether a term is a time that can be waited for at once."
  defguard is_time(term) when term == :infinity or (is_integer(term) and term in 0..@longest)

  @doc "What can be waited for at once of a time."
  @spec at_once(timeout) :: timeout
  def at_once(:infinity), do: :infinity
  def at_once(milliseconds), do: min(milliseconds, @longest)

  @doc "Waits, for however long."
  @spec sleep(timeout) :: :ok
  def sleep(0), do: :ok

  def sleep(milliseconds) do
    part = at_once(milliseconds)

    receive do
    after
      part -> sleep(milliseconds - part)
    end
  end
end
