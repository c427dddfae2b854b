defmodule ExMonty.Sandbox.Driver do
  @moduledoc false

  # Drives a run from pause to pause until it completes.

  alias ExMonty.{Error, Exception, FunctionCall, OsCall}
  alias ExMonty.Sandbox.{Callbacks, Options}

  # What `resume` says of an answer that it refuses, leaving the snapshot as it was.
  @refused [:invalid_result, :invalid_value, :value_too_deep, :value_too_large]

  @doc false
  def run(runner, lease, %Options{} = options) do
    callbacks = Callbacks.new(callables(options), options.callback_timeout)
    run = %{lease: lease, functions: options.functions, os: options.os, output: []}

    runner
    |> ExMonty.start_with_mounts(lease, options.inputs, options.start)
    |> loop(run, callbacks)
  end

  defp callables(options) do
    functions = Map.new(options.functions, fn {name, fun} -> {{:function, name}, fun} end)
    Enum.into(options.os, functions, fn {call, fun} -> {{:os, call}, fun} end)
  end

  defp loop({:ok, progress}, run, callbacks), do: step(progress, run, callbacks)

  defp loop({:error, %Exception{} = exception}, run, callbacks) do
    Callbacks.stop(callbacks)
    {:error, %{exception | output: IO.iodata_to_binary([run.output, exception.output])}}
  end

  defp loop({:error, reason}, _run, callbacks) do
    Callbacks.stop(callbacks)
    {:error, reason}
  end

  defp step({:complete, value, output}, run, callbacks) do
    Callbacks.stop(callbacks)
    {:ok, value, IO.iodata_to_binary([run.output, output])}
  end

  defp step({:name_lookup, name, snapshot, output}, run, callbacks) when is_binary(name) do
    answer = if is_map_key(run.functions, name), do: {:ok, {:function, name}}, else: :undefined
    resume(snapshot, answer, printed(run, output), callbacks)
  end

  # An attribute of a host object: nobody answers for those here.
  defp step({:name_lookup, {:attribute, _instance, _name}, snapshot, output}, run, callbacks) do
    resume(snapshot, :undefined, printed(run, output), callbacks)
  end

  defp step({:function_call, %FunctionCall{} = call, snapshot, output}, run, callbacks) do
    {answer, callbacks} =
      if is_map_key(run.functions, call.name) do
        key = {:function, call.name}
        Callbacks.call(callbacks, key, "#{call.name}()", call.args, call.kwargs)
      else
        {{:error, :name_error, "name '#{call.name}' is not defined"}, callbacks}
      end

    resume(snapshot, answer, printed(run, output), callbacks)
  end

  defp step({:method_call, %FunctionCall{} = call, snapshot, output}, run, callbacks) do
    answer = {:error, :attribute_error, "no host method '#{call.name}'"}
    resume(snapshot, answer, printed(run, output), callbacks)
  end

  defp step({:os_call, %OsCall{} = call, snapshot, output}, run, callbacks) do
    {answer, callbacks} = answer_os(call, run, callbacks)
    resume(snapshot, answer, printed(run, output), callbacks)
  end

  defp answer_os(%OsCall{function: function} = call, run, callbacks) do
    cond do
      is_map_key(run.os, function) ->
        Callbacks.call(callbacks, {:os, function}, "the OS call #{function}", call.args, call.kwargs)

      function in [:sleep, :async_sleep] ->
        {slept(call), callbacks}

      true ->
        {:no_handler, callbacks}
    end
  end

  defp slept(%OsCall{args: [seconds]}) do
    Process.sleep(ceil(seconds * 1000))
    {:ok, nil}
  end

  defp resume(snapshot, answer, run, callbacks) do
    case ExMonty.resume_with_mounts(snapshot, answer, run.lease) do
      {:error, %Error{reason: reason, message: message}} when reason in @refused ->
        snapshot
        |> ExMonty.resume_with_mounts({:error, :type_error, message}, run.lease)
        |> loop(run, callbacks)

      resumed ->
        loop(resumed, run, callbacks)
    end
  end

  defp printed(run, output), do: %{run | output: [run.output, output]}
end
