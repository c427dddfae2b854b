defmodule ExMonty.Mount.Lease do
  @moduledoc """
  The right to use a mount table, from `ExMonty.Mount.checkout/2`.

  A lease is handed to `ExMonty.start_with_mounts/4` and its kin, and every file function of `ExMonty.Mount` takes it
  in the place of the table. It is opaque.

  The process that checked out owns the lease; others may use it while it lasts. It ends when

    * `ExMonty.Mount.release/1` is called, by whichever process;
    * its owner dies, however it dies;
    * nothing refers to it any more and the garbage collector notices. A paused run refers to it.

  A native call that is in flight, such as a turn of a run, keeps the lease until it returns: a killed owner never
  leaves a change half made for the next one to find.

  With no call in flight, whoever has heard of the owner's death, by a link or a monitor, can check out: a supervisor's
  restarted child never meets the lease of its predecessor.
  """

  alias ExMonty.Milliseconds
  import Milliseconds, only: [is_time: 1]

  @enforce_keys [:ref, :mode]
  defstruct [:ref, :mode]

  @typedoc "How a lease shares the table."
  @type mode :: :exclusive | :shared

  @typedoc "How a lease is asked for: at once, or waiting for at most so many milliseconds."
  @type request ::
          mode | {:wait, milliseconds :: timeout} | {:wait, mode, milliseconds :: timeout}

  @typedoc "A lease. What is in it is private."
  @type t :: %__MODULE__{ref: reference(), mode: mode()}

  @modes [:exclusive, :shared]
  @accepted ":exclusive, :shared, {:wait, milliseconds} and {:wait, :exclusive | :shared, milliseconds}, " <>
              "of at most #{Milliseconds.longest()} or :infinity"

  @doc false
  # The request with its mode in it, or `ArgumentError` that calls it `name`.
  @spec request!(String.t(), term) :: mode | {:wait, mode, timeout}
  def request!(name, request) do
    case request do
      mode when mode in @modes -> mode
      {:wait, timeout} when is_time(timeout) -> {:wait, :exclusive, timeout}
      {:wait, mode, timeout} when mode in @modes and is_time(timeout) -> request
      _ -> raise ArgumentError, "#{name}: got #{inspect(request)}, accepted: #{@accepted}"
    end
  end

  defimpl Inspect do
    def inspect(lease, _opts), do: "#ExMonty.Mount.Lease<#{lease.mode}>"
  end
end
