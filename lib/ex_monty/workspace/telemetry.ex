defmodule ExMonty.Workspace.Telemetry do
  @moduledoc false

  # `:telemetry` is used where the application has it, and is no dependency.

  @spec execute([atom], map, map) :: :ok
  def execute(event, measurements, metadata) do
    if Code.ensure_loaded?(:telemetry) do
      apply(:telemetry, :execute, [[:ex_monty, :workspace | event], measurements, metadata])
    end

    :ok
  end

  @doc "Does `work` between a `:start` and a `:stop`; the latter with what `describe` says of the result."
  @spec span(atom, map, (() -> result), (result -> map)) :: result when result: term
  def span(name, metadata, work, describe) do
    started = System.monotonic_time()
    execute([name, :start], %{system_time: System.system_time()}, metadata)
    result = work.()
    duration = System.monotonic_time() - started
    execute([name, :stop], %{duration: duration}, Map.merge(metadata, describe.(result)))
    result
  end
end
