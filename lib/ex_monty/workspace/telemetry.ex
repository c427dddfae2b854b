defmodule ExMonty.Workspace.Telemetry do
  @moduledoc false

  # The events of a workspace.

  alias ExMonty.Telemetry

  @doc "Does `work` between a `:start` and a `:stop`; the latter with what `describe` says of the result."
  @spec span(atom, map, (() -> result), (result -> map)) :: result when result: term
  def span(name, metadata, work, describe) do
    started = System.monotonic_time()
    Telemetry.execute([:ex_monty, :workspace, name, :start], %{system_time: System.system_time()}, metadata)
    result = work.()
    duration = System.monotonic_time() - started

    Telemetry.execute(
      [:ex_monty, :workspace, name, :stop],
      %{duration: duration},
      Map.merge(metadata, describe.(result))
    )

    result
  end
end
