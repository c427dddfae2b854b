defmodule ExMonty.Sandbox.Driver do
  @moduledoc false

  # Drives a run from pause to pause until it completes, or until a function suspends it.
  #
  # Whoever drives says how the run begins, under which lease it goes on (`nil` is none), and with which options. Only
  # with `suspend: :allowed` in the options may a function answer `{:suspend, tag}`: the run then stops where it is, and
  # `resume/4` goes on from there, in any process.
  #
  # The clock of `:timeout` starts with the drive. It is looked at at every pause, and by the native library's overseer
  # while the interpreter has its turn. The overseer also hears what is printed.

  alias ExMonty.{Error, Exception, FunctionCall, Milliseconds, Native, OsCall, Telemetry, Turn}
  alias ExMonty.Mount.Lease
  alias ExMonty.Sandbox.{Answer, Callbacks, Futures, Guard, Host, Listener, Options}

  # Milliseconds that a listener has at least to hear the end of the output.
  @hearing 1_000

  @enforce_keys [:lease, :options, :host, :callbacks, :deadline]
  defstruct @enforce_keys ++ [listener: nil, overseer: nil, futures: %Futures{}, output: []]

  @type outcome ::
          {:ok, value :: term, output :: String.t()}
          | {:suspended, tag :: term, ExMonty.snapshot(), output :: String.t()}
          | {:error, ExMonty.reason() | :lease_released}

  @doc """
  Drives the run that `start` begins.

  `start` gives the first progress. It gets the overseer of the run or `nil`, which it starts the run with.
  """
  @spec run((reference | nil -> {:ok, ExMonty.progress()} | {:error, term}), Lease.t() | nil, Options.t()) ::
          outcome
  def run(start, lease, %Options{} = options) when is_function(start, 1) do
    drive(lease, options, fn drive -> loop(start.(drive.overseer), drive) end)
  end

  @doc """
  Answers the call that a run was suspended at, and drives on.

  `result` is what `ExMonty.resume/2` takes. Of one that the snapshot refuses the caller hears, and the snapshot stays as
  it was.
  """
  @spec resume(ExMonty.snapshot(), ExMonty.result(), Lease.t() | nil, Options.t()) :: outcome
  def resume(snapshot, result, lease, %Options{} = options) do
    drive(lease, options, fn drive ->
      oversee(snapshot, drive)
      loop(go_on(:resume, snapshot, result, drive), drive)
    end)
  end

  defp drive(lease, options, go) do
    Telemetry.run(%{script_name: options.script_name}, fn ->
      host = Host.new(options)

      drive = %__MODULE__{
        lease: lease,
        options: options,
        host: host,
        callbacks: Callbacks.new(host),
        deadline: deadline(options.timeout)
      }

      drive |> overseen(options) |> begun(go)
    end)
  end

  # Of a run that raises in its beginning, as over an input that is a mistake of the caller's, nothing is left either.
  defp begun(drive, go) do
    go.(drive)
  catch
    kind, reason ->
      if drive.listener, do: Guard.kill(drive.listener)
      Callbacks.stop(drive.callbacks)
      :erlang.raise(kind, reason, __STACKTRACE__)
  end

  defp overseen(drive, %Options{timeout: :infinity, on_output: nil}), do: drive

  defp overseen(drive, %Options{on_output: nil}) do
    %{drive | overseer: Native.overseer_new(nil, left(drive))}
  end

  defp overseen(drive, %Options{on_output: on_output}) do
    {guard, callbacks} = Callbacks.guard(drive.callbacks)
    listener = Listener.start(on_output, guard)
    left = if drive.deadline == :infinity, do: nil, else: left(drive)
    overseer = Native.overseer_new(listener, left)
    Listener.listen_to(listener, overseer)
    %{drive | callbacks: callbacks, listener: listener, overseer: overseer}
  end

  defp oversee(_snapshot, %__MODULE__{overseer: nil}), do: :ok
  defp oversee(snapshot, %__MODULE__{overseer: overseer}), do: Native.overseer_attach(overseer, snapshot)

  defp loop({:ok, progress}, drive), do: step(progress, drive)

  defp loop({:error, %Exception{type: :timeout_error} = exception}, %{deadline: deadline} = drive)
       when is_integer(deadline) do
    drive = printed(drive, exception.output)
    if over?(drive), do: run_over(drive), else: raised(exception, drive)
  end

  defp loop({:error, %Exception{} = exception}, drive),
    do: raised(exception, printed(drive, exception.output))

  defp loop({:error, reason}, drive), do: finish(drive, fn _output -> {:error, reason} end)

  defp step({:complete, value, output}, drive) do
    drive |> printed(output) |> finish(&{:ok, value, &1})
  end

  defp step({:resolve_futures, futures, output}, drive) do
    await(futures, printed(drive, output))
  end

  defp step({kind, asked, snapshot, output}, drive) do
    drive = printed(drive, output)

    if over?(drive),
      do: run_over(drive),
      else: follow(Host.route(drive.host, kind, asked), asked, snapshot, drive)
  end

  defp follow({:answer, result}, asked, snapshot, drive) do
    answer(snapshot, result, {:os, label(asked)}, drive)
  end

  defp follow(:sleep, %OsCall{function: :async_sleep} = call, snapshot, drive) do
    futures = Futures.sleep(drive.futures, call.call_id, milliseconds(call))
    answer(snapshot, :pending, {:os, label(call)}, %{drive | futures: futures})
  end

  defp follow(:sleep, %OsCall{function: :sleep} = call, snapshot, drive) do
    milliseconds = milliseconds(call)
    left = left(drive)
    Milliseconds.sleep(min(milliseconds, left))
    if milliseconds > left, do: run_over(drive), else: answer(snapshot, {:ok, nil}, {:os, label(call)}, drive)
  end

  # What follows a call of a function may be a later one of the run, by the time the driver hears of it.
  defp follow({:ask, request, {:function, _label} = question}, asked, snapshot, drive) do
    %{callback_timeout: timeout} = drive.options
    call = {asked, question, snapshot}

    {outcome, callbacks} =
      Callbacks.converse(drive.callbacks, request, call, lease_ref(drive), timeout, drive.deadline)

    drive = %{drive | callbacks: callbacks}

    case outcome do
      {:resumed, resumed, result, {_asked, question, snapshot}} ->
        resumed(resumed, snapshot, result, question, drive)

      {:replied, reply, {asked, question, snapshot}} ->
        replied(reply, asked, question, snapshot, timeout, drive)

      {:lost, reason} ->
        message = "the process that the functions run in was ended from outside: #{inspect(reason)}"
        finish(drive, fn _output -> {:error, %Error{reason: :interrupted, message: message}} end)
    end
  end

  defp follow({:ask, request, question}, asked, snapshot, drive) do
    timeout = min(drive.options.callback_timeout, left(drive))
    {reply, callbacks} = Callbacks.call(drive.callbacks, request, timeout)
    replied(reply, asked, question, snapshot, drive.options.callback_timeout, %{drive | callbacks: callbacks})
  end

  defp replied(reply, asked, question, snapshot, timeout, drive) do
    case reply do
      {:async, pid} ->
        defer(pid, asked, question, snapshot, drive)

      reply ->
        if reply == :late and over?(drive),
          do: run_over(drive),
          else: reply |> Answer.result(question, timeout) |> given(asked, question, snapshot, drive)
    end
  end

  # A function has answered that it will answer later.
  defp defer(pid, call, {_kind, label} = question, snapshot, drive) do
    {guard, callbacks} = Callbacks.guard(drive.callbacks)
    timeout = drive.options.callback_timeout
    futures = Futures.begin(drive.futures, call.call_id, label, pid, guard, timeout)
    answer(snapshot, :pending, question, %{drive | callbacks: callbacks, futures: futures})
  end

  # What an answer means depends on what was asked.
  defp given({:suspend, tag}, _asked, {_kind, label} = question, snapshot, drive) do
    cond do
      drive.options.suspend == :refused ->
        answer(snapshot, Answer.wrong(question), question, drive)

      Futures.any?(drive.futures) ->
        message = "#{label} cannot suspend the run while calls that are to be awaited go on"
        answer(snapshot, {:error, :runtime_error, message}, question, drive)

      true ->
        finish(drive, &{:suspended, tag, snapshot, &1})
    end
  end

  defp given(
         :undefined,
         %FunctionCall{args: [instance | _], name: name},
         {:function, label} = question,
         snapshot,
         drive
       ) do
    result = if label == "#{name}()", do: Host.undefined(name), else: Host.no_attribute(instance, name)
    answer(snapshot, result, question, drive)
  end

  defp given(:undefined, %FunctionCall{name: name}, question, snapshot, drive) do
    answer(snapshot, Host.undefined(name), question, drive)
  end

  defp given(:no_handler, %OsCall{} = call, {:os, _label}, snapshot, drive) do
    if is_map_key(drive.host.os, call.function),
      do: follow(Host.declined(drive.host, call), call, snapshot, drive),
      else: answer(snapshot, :no_handler, {:os, label(call)}, drive)
  end

  defp given({:ok, attributes}, %OsCall{args: [name | _]}, {:import, _label} = question, snapshot, drive)
       when attributes != :not_found do
    case Host.add_module(drive.host, name, attributes) do
      {value, host, functions} ->
        callbacks = Callbacks.learn(drive.callbacks, functions)
        answer(snapshot, {:ok, value}, question, %{drive | host: host, callbacks: callbacks})

      :error ->
        answer(snapshot, Answer.wrong(question), question, drive)
    end
  end

  defp given(result, _asked, question, snapshot, drive), do: answer(snapshot, result, question, drive)

  defp answer(snapshot, result, question, drive) do
    resumed(go_on(:resume, snapshot, result, drive), snapshot, result, question, drive)
  end

  # What a run came to that was answered with `result`.
  defp resumed(resumed, snapshot, result, question, drive) do
    with {:error, error} <- resumed,
         {:ok, instead} <- Answer.instead(error, result, question) do
      loop(go_on(:resume, snapshot, instead, drive), drive)
    else
      _ -> loop(resumed, drive)
    end
  end

  # The run waits for calls that go on side by side. What is done is handed over as it comes.
  defp await(futures, drive) do
    case Futures.take(drive.futures, ExMonty.pending_call_ids(futures), drive.deadline) do
      {:over, waiting} ->
        run_over(%{drive | futures: waiting})

      {:unknown, call_ids} ->
        lost = {:error, :runtime_error, "nobody answers this call any more"}
        loop(go_on(:resume_futures, futures, for(id <- call_ids, do: {id, lost}), drive), drive)

      {:done, replies, waiting} ->
        deliver(futures, Enum.map(replies, &settled(&1, drive)), %{drive | futures: waiting})
    end
  end

  defp settled({call_id, label, reply}, drive) do
    question = {:function, label}

    result =
      case Answer.result(reply, question, drive.options.callback_timeout) do
        result when elem(result, 0) in [:ok, :error] -> result
        _later_or_undefined -> Answer.wrong(question)
      end

    {call_id, question, result}
  end

  # One result that is refused must not cost the others: then they go in one by one.
  defp deliver(futures, [{call_id, question, result}], drive) do
    resumed = go_on(:resume_futures, futures, [{call_id, result}], drive)

    with {:error, error} <- resumed,
         {:ok, instead} <- Answer.instead(error, result, question) do
      loop(go_on(:resume_futures, futures, [{call_id, instead}], drive), drive)
    else
      _ -> loop(resumed, drive)
    end
  end

  defp deliver(futures, [first | others] = settled, drive) do
    results = for {call_id, _question, result} <- settled, do: {call_id, result}
    resumed = go_on(:resume_futures, futures, results, drive)

    with {:error, error} <- resumed,
         {:ok, _instead} <- Answer.instead(error, elem(first, 2), elem(first, 1)) do
      deliver(futures, [first], %{drive | futures: put_back(drive.futures, others)})
    else
      _ -> loop(resumed, drive)
    end
  end

  defp put_back(futures, settled) do
    Enum.reduce(settled, futures, fn {call_id, {_kind, label}, result}, futures ->
      Futures.put_back(futures, call_id, label, {:returned, result})
    end)
  end

  defp go_on(function, snapshot, answer, drive) do
    Turn.attempt(function, [snapshot, answer, lease_ref(drive)])
  end

  defp lease_ref(drive), do: drive.lease && drive.lease.ref

  defp raised(exception, drive), do: finish(drive, &{:error, %{exception | output: &1}})

  defp run_over(drive) do
    message = "the run did not end within its timeout of #{drive.options.timeout} ms"
    finish(drive, &{:error, %Exception{type: :timeout_error, message: message, output: &1}})
  end

  defp finish(drive, outcome) do
    Futures.stop(drive.futures)
    if drive.listener, do: Listener.finish(drive.listener, hearing(drive))
    Callbacks.stop(drive.callbacks)
    outcome.(IO.iodata_to_binary(drive.output))
  end

  # How long to wait for a listener. One that keeps up is heard out also when the time of the run is over.
  defp hearing(drive), do: min(drive.options.callback_timeout, max(left(drive), @hearing))

  defp printed(drive, output) do
    %{drive | output: [drive.output, output]}
  end

  defp milliseconds(%OsCall{args: [seconds | _]}), do: ceil(seconds * 1000)

  defp label(%FunctionCall{name: name}), do: "#{name}()"
  defp label(%OsCall{function: function}), do: "the OS call #{function}"
  defp label({:attribute, _instance, name}), do: "the attribute #{name}"
  defp label(name), do: "the name #{name}"

  defp deadline(:infinity), do: :infinity
  defp deadline(timeout), do: now() + timeout

  defp over?(drive), do: left(drive) == 0

  defp left(%__MODULE__{deadline: :infinity}), do: :infinity
  defp left(%__MODULE__{deadline: deadline}), do: max(deadline - now(), 0)

  defp now, do: System.monotonic_time(:millisecond)
end
