defmodule ExMonty.Test.Telemetry do
  @moduledoc false

  # A module `:telemetry`, which the library finds as it would find that of an application. It is everybody's: who has it
  # runs alone.

  import ExUnit.Callbacks, only: [on_exit: 1]

  @doc """
  Makes the module, until the test is over.

  What is executed is sent to the test as `{:telemetry, event, measurements, metadata}`; `handlers` are attached to every
  event, as far as anybody asks.
  """
  @spec install([term]) :: :ok
  def install(handlers) do
    :persistent_term.put(__MODULE__, self())
    attach(handlers)

    Module.create(
      :telemetry,
      quote do
        def list_handlers(_event), do: :persistent_term.get({unquote(__MODULE__), :handlers})

        def execute(event, measurements, metadata) do
          send(:persistent_term.get(unquote(__MODULE__)), {:telemetry, event, measurements, metadata})
          :ok
        end
      end,
      Macro.Env.location(__ENV__)
    )

    on_exit(&uninstall/0)
  end

  @doc "Has these handlers attached, and no others."
  @spec attach([term]) :: :ok
  def attach(handlers), do: :persistent_term.put({__MODULE__, :handlers}, handlers)

  @doc "Takes the module away."
  @spec uninstall() :: :ok
  def uninstall do
    :code.purge(:telemetry)
    :code.delete(:telemetry)
    :code.purge(:telemetry)
    :ok
  end
end
