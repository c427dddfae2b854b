defmodule ExMonty.Limits do
  @moduledoc """
  What one run may use: the map given as `:limits`.

  | key | unit | default | what it bounds |
  |---|---|---|---|
  | `:max_duration_secs` | seconds, a number above 0 | 10 | execution, and the answering of calls in Rust; waiting for Elixir is free |
  | `:max_memory` | bytes | 268,435,456 (256 MiB) | what the run holds at any time, and compiling what is evaluated takes |
  | `:max_allocations` | count | `:unlimited` | allocations of the run, over all its life |
  | `:gc_interval` | allocations | `:unlimited` | how often cycles are looked for; the interpreter chooses when unlimited |
  | `:max_recursion_depth` | levels, up to 10,000 | 1,000 | calls inside calls, and nesting of what is compared, shown or hashed |
  | `:max_output` | bytes | 16,777,216 (16 MiB) | text printed |
  | `:max_host_calls` | count | 100,000 | pauses that reach Elixir |
  | `:max_sleep_secs` | seconds, a number | 60 | sleep asked for, summed |

  A key that is given overrides its default; `:unlimited` lifts any limit but the recursion depth, and in the place of the
  map it lifts all of those. A run that goes beyond
  a limit ends with a Python exception that it cannot catch: `TimeoutError` for time and sleep, `MemoryError` for memory,
  allocations and output, `RuntimeError` for host calls. `RecursionError` alone is the script's to catch.
  """

  # A level takes up to 1.1 KiB of the 256 MiB of stack, which hold 25 times as many (`bench/stack.exs` measures it: 1,060 bytes
  # for lists that are compared, 740 for a repr, 680 for JSON and copies, 470 for a hash; functions and methods, comprehensions,
  # keys and `__eq__` take next to none). What sets this bound is time: the interpreter looks at its clock nowhere while it
  # builds the traceback of a RecursionError, which takes the square of the depth.
  @max_recursion_depth 10_000

  @defaults %{
    max_duration_secs: 10,
    max_memory: 256 * 1024 * 1024,
    max_allocations: :unlimited,
    gc_interval: :unlimited,
    max_recursion_depth: 1_000,
    max_output: 16 * 1024 * 1024,
    max_host_calls: 100_000,
    max_sleep_secs: 60
  }

  # Beyond these a limit is none, and the native library's integers would overflow.
  @most 1_000_000_000_000_000
  @most_seconds 1_000_000_000

  @type t :: %{optional(atom) => number | :unlimited} | :unlimited

  @doc """
  The limits of a run that is given none.

      iex> ExMonty.Limits.defaults().max_duration_secs
      10
  """
  @spec defaults() :: %{atom => number | :unlimited}
  def defaults, do: @defaults

  @doc """
  Checks `limits`, and gives them as the native library takes them.

  Raises `ArgumentError` for an unknown key or a malformed value.

      iex> ExMonty.Limits.encode!(%{max_memory: "lots"})
      ** (ArgumentError) invalid limit max_memory: "lots"; accepted: a positive integer (bytes), or :unlimited

      iex> ExMonty.eval("len('x' * 300_000_000)", limits: :unlimited)
      {:ok, 300_000_000, ""}
  """
  @spec encode!(t) :: tuple
  def encode!(:unlimited), do: encode!(unlimited())

  def encode!(limits) when is_map(limits) and not is_struct(limits) do
    Enum.each(limits, &check!/1)
    limits = Map.merge(@defaults, limits)

    # A time limit that rounds to nothing is still a limit.
    {{limits.max_duration_secs |> microseconds() |> at_least_one(), microseconds(limits.max_sleep_secs),
      limits.max_recursion_depth, count(limits.gc_interval)},
     {count(limits.max_memory), count(limits.max_allocations), count(limits.max_output),
      count(limits.max_host_calls)}}
  end

  def encode!(other) do
    raise ArgumentError,
          "invalid option :limits: #{inspect(other)}; accepted: a map with #{keys()}, or :unlimited"
  end

  @doc false
  # The bytes that a run with these limits may hold, or nil where there is no bound.
  @spec memory!(t) :: pos_integer | nil
  def memory!(limits) do
    {_times_and_depths, {memory, _allocations, _output, _host_calls}} = encode!(limits)
    memory
  end

  @doc """
  Checks `limits` that are a ceiling for the limits of something else, and gives them as the native library takes them.

  A key that is not given is no ceiling. Raises as `encode!/1` does.

      iex> {{_duration, _sleep, 10_000, nil}, {1_000_000, nil, nil, nil}} = ExMonty.Limits.ceiling!(%{max_memory: 1_000_000})
  """
  @spec ceiling!(t) :: tuple
  def ceiling!(limits) when is_map(limits) and not is_struct(limits) do
    unlimited()
    |> Map.put(:max_recursion_depth, @max_recursion_depth)
    |> Map.merge(limits)
    |> encode!()
  end

  def ceiling!(:unlimited), do: ceiling!(%{})
  def ceiling!(other), do: encode!(other)

  defp unlimited do
    @defaults
    |> Map.delete(:max_recursion_depth)
    |> Map.new(fn {key, _} -> {key, :unlimited} end)
  end

  defp check!({key, value}) when is_map_key(@defaults, key) do
    unless valid?(key, value) do
      raise ArgumentError, "invalid limit #{key}: #{inspect(value)}; accepted: #{accepted(key)}"
    end
  end

  defp check!({key, _value}) do
    raise ArgumentError, "unknown limit #{inspect(key)}; accepted: #{keys()}"
  end

  defp valid?(:max_recursion_depth, value), do: is_integer(value) and value in 1..@max_recursion_depth
  defp valid?(_key, :unlimited), do: true
  defp valid?(:max_duration_secs, value), do: is_number(value) and value > 0 and value <= @most_seconds
  defp valid?(:max_sleep_secs, value), do: is_number(value) and value >= 0 and value <= @most_seconds

  defp valid?(key, value) when key in [:max_output, :max_host_calls],
    do: is_integer(value) and value in 0..@most

  defp valid?(_key, value), do: is_integer(value) and value in 1..@most

  defp accepted(:max_recursion_depth), do: "an integer from 1 to #{@max_recursion_depth}"
  defp accepted(:max_duration_secs), do: "a positive number of seconds, or :unlimited"
  defp accepted(:max_sleep_secs), do: "a number of seconds, or :unlimited"
  defp accepted(:max_memory), do: "a positive integer (bytes), or :unlimited"
  defp accepted(:max_output), do: "a non-negative integer (bytes), or :unlimited"
  defp accepted(:max_host_calls), do: "a non-negative integer, or :unlimited"
  defp accepted(_key), do: "a positive integer, or :unlimited"

  defp keys, do: @defaults |> Map.keys() |> Enum.map_join(", ", &inspect/1)

  defp microseconds(:unlimited), do: nil
  defp microseconds(seconds), do: round(seconds * 1_000_000)

  defp at_least_one(nil), do: nil
  defp at_least_one(microseconds), do: max(microseconds, 1)

  defp count(:unlimited), do: nil
  defp count(count), do: count
end
