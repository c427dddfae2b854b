defmodule ExMonty.Mount.Telemetry do
  @moduledoc false

  # The operations of a table as events of `:telemetry`, which is no dependency: who attaches a handler has loaded it.

  alias ExMonty.Mount.Relay
  alias ExMonty.Native

  @event [:ex_monty, :fs, :op]
  @dropped [:ex_monty, :fs, :dropped]

  # Tells the handlers of what is done with the table from now on, if there are any and nobody does so yet.
  @spec watch(reference) :: :ok
  def watch(table) do
    if attached?() and Native.mount_relay(table, nil) == {:ok, nil} do
      Relay.start(table, nil, {:function, &__MODULE__.tell/1})
    else
      :ok
    end
  end

  @doc false
  def tell(events) do
    if attached?() do
      Enum.each(events, &execute/1)
    else
      :done
    end
  end

  defp execute(%{dropped: count}), do: apply(:telemetry, :execute, [@dropped, %{count: count}, %{}])

  defp execute(event) do
    {measurements, metadata} = Map.split(event, [:bytes, :duration_ns])
    apply(:telemetry, :execute, [@event, measurements, metadata])
  end

  defp attached? do
    function_exported?(:telemetry, :list_handlers, 1) and apply(:telemetry, :list_handlers, [@event]) != []
  end
end
