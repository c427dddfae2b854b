defmodule ExMonty.Sandbox.Driver do
  @moduledoc false

  # Drives a run from pause to pause until it completes, or until a function suspends it.
  #
  # Whoever drives says how the run begins, under which lease it goes on (`nil` is none), and with which options. Only
  # with `suspend: :allowed` in the options may a function answer `{:suspend, tag}`: the run then stops where it is, and
  # `resume/4` goes on from there, in any process.

  alias ExMonty.{Error, Exception, FunctionCall, OsCall}
  alias ExMonty.Mount.Lease
  alias ExMonty.Sandbox.{Callbacks, Options}

  # What `resume` says of an answer that it refuses, leaving the snapshot as it was.
  @refused [:invalid_result, :invalid_value, :value_too_deep, :value_too_large]

  @typedoc "What is handed to the start of a run: the process that hears its output, and the milliseconds it has left."
  @type watch :: {listener :: pid | nil, remaining :: non_neg_integer | nil}

  @type outcome ::
          {:ok, value :: term, output :: String.t()}
          | {:suspended, tag :: term, ExMonty.snapshot(), output :: String.t()}
          | {:error, ExMonty.reason() | :lease_released}

  @doc "Drives the run that `start` begins. `start` gets a `t:watch/0` and gives the first progress."
  @spec run((watch -> {:ok, ExMonty.progress()} | {:error, term}), Lease.t() | nil, Options.t()) :: outcome
  def run(start, lease, %Options{} = options) when is_function(start, 1) do
    drive(lease, options, fn _run, _callbacks -> start.({nil, nil}) end)
  end

  @doc """
  Answers the call that a run was suspended at, and drives on.

  `result` is what a function of the host may answer, beside `{:suspend, tag}`. Of a result that the snapshot refuses
  the caller hears, and the snapshot stays as it was.
  """
  @spec resume(ExMonty.snapshot(), term, Lease.t() | nil, Options.t()) :: outcome
  def resume(snapshot, result, lease, %Options{} = options) do
    drive(lease, options, fn run, _callbacks -> go_on(snapshot, result, run.lease) end)
  end

  defp drive(lease, options, begin) do
    callbacks = Callbacks.new(callables(options), options.callback_timeout)

    run = %{
      lease: lease,
      functions: options.functions,
      os: options.os,
      suspend: options.suspend,
      output: []
    }

    run |> begin.(callbacks) |> loop(run, callbacks)
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
    answer(snapshot, answer, printed(run, output), callbacks)
  end

  # An attribute of a host object: nobody answers for those here.
  defp step({:name_lookup, {:attribute, _instance, _name}, snapshot, output}, run, callbacks) do
    answer(snapshot, :undefined, printed(run, output), callbacks)
  end

  defp step({:function_call, %FunctionCall{} = call, snapshot, output}, run, callbacks) do
    {answer, callbacks} =
      if is_map_key(run.functions, call.name) do
        key = {:function, call.name}
        Callbacks.call(callbacks, key, "#{call.name}()", call.args, call.kwargs)
      else
        {{:error, :name_error, "name '#{call.name}' is not defined"}, callbacks}
      end

    run = printed(run, output)

    case {answer, run.suspend} do
      {{:suspend, tag}, :allowed} ->
        Callbacks.stop(callbacks)
        {:suspended, tag, snapshot, IO.iodata_to_binary(run.output)}

      {{:suspend, _tag}, :refused} ->
        answer(
          snapshot,
          {:error, :runtime_error, "#{call.name}() failed: #{Callbacks.accepted()}"},
          run,
          callbacks
        )

      {answer, _} ->
        answer(snapshot, answer, run, callbacks)
    end
  end

  defp step({:method_call, %FunctionCall{} = call, snapshot, output}, run, callbacks) do
    answer = {:error, :attribute_error, "no host method '#{call.name}'"}
    answer(snapshot, answer, printed(run, output), callbacks)
  end

  defp step({:os_call, %OsCall{} = call, snapshot, output}, run, callbacks) do
    {answer, callbacks} = answer_os(call, run, callbacks)
    answer(snapshot, answer, printed(run, output), callbacks)
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

  defp answer(snapshot, answer, run, callbacks) do
    case go_on(snapshot, answer, run.lease) do
      {:error, %Error{reason: reason, message: message}} when reason in @refused ->
        snapshot
        |> go_on({:error, :type_error, message}, run.lease)
        |> loop(run, callbacks)

      resumed ->
        loop(resumed, run, callbacks)
    end
  end

  defp go_on(snapshot, answer, nil), do: ExMonty.resume(snapshot, answer)
  defp go_on(snapshot, answer, lease), do: ExMonty.resume_with_mounts(snapshot, answer, lease)

  defp printed(run, output), do: %{run | output: [run.output, output]}
end
