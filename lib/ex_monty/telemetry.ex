defmodule ExMonty.Telemetry do
  @moduledoc """
  The events that ExMonty reports, where the host application has `:telemetry`.

  | event | measurements | metadata |
  |---|---|---|
  | `[:ex_monty, :run, :start]` | `system_time`, `monotonic_time` | `script_name` |
  | `[:ex_monty, :run, :stop]` | `duration`, `monotonic_time` | `script_name`, `outcome`: `:ok` or `:suspended` |
  | `[:ex_monty, :run, :exception]` | `duration`, `monotonic_time` | `script_name`, `kind`, `reason`, `stacktrace` |
  | `[:ex_monty, :workspace, :step, :start]`, `:stop` | `system_time`; `duration` | `name`, `step`, and at the end `outcome` |
  | `[:ex_monty, :workspace, :save, :start]`, `:stop` | `system_time`; `duration` | `name`, and at the end `outcome` |

  Times are in native units, as `System.convert_time_unit/3` takes them. A run is what `ExMonty.Sandbox.run/2` does after
  compiling; one that a session or a workspace drives is one, too, and so is the rest of a run that was suspended.
  `:exception` is for runs that end with `{:error, reason}`, with `kind: :error`, that reason and `stacktrace: []`; and for
  those that raise in the caller, over an input that is a mistake, with what was raised.

  ExMonty does not depend on `:telemetry` and needs no configuration for it.
  """

  @doc """
  Does `work` as a run, and reports its begin and its end.
  """
  @spec run(map, (() -> outcome)) :: outcome when outcome: tuple
  def run(metadata, work) do
    if enabled?() do
      began = System.monotonic_time()
      start = %{system_time: System.system_time(), monotonic_time: began}
      execute([:ex_monty, :run, :start], start, metadata)
      outcome = work_or_report(work, began, metadata)
      report(outcome, since(began), metadata)
      outcome
    else
      work.()
    end
  end

  @doc """
  Reports an event, if there is a `:telemetry` to report it to.

      iex> ExMonty.Telemetry.execute([:ex_monty, :run, :start], %{system_time: 0}, %{})
      :ok
  """
  @spec execute([atom, ...], map, map) :: :ok
  def execute(event, measurements, metadata) do
    # The name is known only at run time, since the module may be missing when this one is compiled.
    if enabled?(), do: apply(:telemetry, :execute, [event, measurements, metadata])
    :ok
  end

  # Nobody can have attached a handler to a module that is not loaded.
  defp enabled?, do: function_exported?(:telemetry, :execute, 3)

  defp work_or_report(work, began, metadata) do
    work.()
  catch
    kind, reason ->
      failed(%{kind: kind, reason: reason, stacktrace: __STACKTRACE__}, since(began), metadata)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp since(began) do
    ended = System.monotonic_time()
    %{duration: ended - began, monotonic_time: ended}
  end

  defp report({:error, reason}, measurements, metadata) do
    failed(%{kind: :error, reason: reason, stacktrace: []}, measurements, metadata)
  end

  defp report(outcome, measurements, metadata) do
    execute([:ex_monty, :run, :stop], measurements, Map.put(metadata, :outcome, elem(outcome, 0)))
  end

  defp failed(failure, measurements, metadata) do
    execute([:ex_monty, :run, :exception], measurements, Map.merge(metadata, failure))
  end
end
