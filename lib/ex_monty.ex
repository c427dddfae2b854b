defmodule ExMonty do
  @moduledoc """
  Runs Python that you did not write, inside the VM, without giving it anything that you did not hand over.

      iex> ExMonty.eval("sum(range(n)) / n", inputs: %{n: 5})
      {:ok, 2.0, ""}

  The interpreter is Monty. It has no files, no network and no clock of its own: when a script wants something, its run
  *pauses* and asks. This module drives runs pause by pause. `ExMonty.Sandbox` does that for you, with your functions
  and mounts, and is what most applications want.

  ## Driving a run

      iex> {:ok, runner} = ExMonty.compile("greet(name) + '!'", inputs: [:name])
      iex> {:ok, {:function_call, call, snapshot, ""}} = ExMonty.start(runner, %{name: "Ada"})
      iex> {call.name, call.args}
      {"greet", ["Ada"]}
      iex> ExMonty.resume(snapshot, {:ok, "Hello Ada"})
      {:ok, {:complete, "Hello Ada!", ""}}

  A snapshot is a whole paused run and lives once: resuming consumes it. A run that is not resumed any more costs
  nothing but memory, and is freed when its snapshot is garbage. Values cross as `ExMonty.Value` describes.

  ## What goes wrong

  `{:error, %ExMonty.Exception{}}` is what Python raised and nobody caught, syntax errors and breached limits included.
  `{:error, %ExMonty.Error{}}` is everything else that depends on data. Mistakes of the calling program (an option that
  does not exist, an input that is missing) raise `ArgumentError`.

  ## Where Python runs

  On threads of the native library, never on the VM's schedulers: a script that loops forever takes its share of a core
  until its limits end it, and the VM goes on. A paused run holds no thread. When the process that waits for a run dies, the
  run ends; a snapshot lives as long as any process has it.

  What all runs take together is bounded:

      config :ex_monty,
        # threads that run Python; default 32 for each scheduler
        max_threads: 64,
        # operations that compute on and on after their callers have been answered; default the number of cores, and at least 2
        max_abandoned_turns: 2,
        # bytes that all runs hold, paused ones included; default half of the machine's memory
        max_metered_bytes: 4_000_000_000

  At the second and the third bound new runs are `{:error, %ExMonty.Error{reason: :overloaded}}` at once, and paused ones go
  on. The configuration is read when the native library is loaded.
  """

  alias ExMonty.{Compiler, Counters, Dump, Error, Exception, FunctionCall}
  alias ExMonty.{Limits, Native, Options, OsCall, Turn, Value}
  alias ExMonty.Mount.Lease

  @typedoc "A compiled program. It may be run any number of times, by any process."
  @opaque runner :: reference

  @typedoc "A run that waits for one answer, until it is resumed."
  @opaque snapshot :: reference

  @typedoc "A run that waits for futures, until it is resumed."
  @opaque future_snapshot :: reference

  @typedoc "Limits of a run; see `ExMonty.Limits`."
  @type limits :: Limits.t()

  @typedoc "What a run has come to. `output` is the text printed since the previous pause."
  @type progress ::
          {:function_call, FunctionCall.t(), snapshot, output :: String.t()}
          | {:method_call, FunctionCall.t(), snapshot, output :: String.t()}
          | {:os_call, OsCall.t(), snapshot, output :: String.t()}
          | {:name_lookup, name :: String.t() | {:attribute, Value.t(), name :: String.t()}, snapshot,
             output :: String.t()}
          | {:resolve_futures, future_snapshot, output :: String.t()}
          | {:complete, Value.t(), output :: String.t()}

  @typedoc """
  The answer to what a run waits for.

    * to a function or method call: `{:ok, value}`, `{:error, type, message}`, or `:pending`, which makes the call a
      future that Python can `await`;
    * to an OS call: `{:ok, value}` with what `ExMonty.OsCall` says of the function, `{:error, type, message}`,
      `:no_handler` for Monty's own answer, and to `:async_sleep` also `:pending`;
    * to a name lookup: `{:ok, value}`, `{:ok, {:function, name}}`, `:undefined` or `{:error, type, message}`.
  """
  @type result ::
          {:ok, term}
          | {:error, type :: atom, message :: String.t()}
          | :pending
          | :no_handler
          | :undefined

  @typedoc "The results of some of the calls that a run waits for."
  @type future_results :: [{call_id :: non_neg_integer, {:ok, term} | {:error, atom, String.t()}}]

  @typedoc "Why there is no result."
  @type reason :: Exception.t() | Error.t()

  @doc """
  Compiles `code`.

  Options:

    * `:inputs` – the names (atoms or strings) of the variables that a run gets from outside. Default: none.
    * `:script_name` – the name in tracebacks. Default: `"main.py"`.
    * `:max_source_bytes` – bytes of source accepted. Default: 262,144 (256 KiB).
    * `:dynamic_code` – whether the script may use `eval` and `exec`. Default: `false`, and a source that reads either
      name is a `SyntaxError`. What they compile at run time is bounded by no limit, so `true` is for code that you
      trust.

  Errors: `%ExMonty.Exception{type: :syntax_error}`; `%ExMonty.Error{}` with reason `:source_too_large` or
  `:invalid_source`.

      iex> {:ok, _runner} = ExMonty.compile("x * 2", inputs: [:x])
      iex> {:error, exception} = ExMonty.compile("x *")
      iex> exception.type
      :syntax_error
      iex> {:error, exception} = ExMonty.compile("eval('1 + 1')")
      iex> hd(exception.traceback).line
      1
  """
  @spec compile(String.t(), keyword) :: {:ok, runner} | {:error, reason}
  def compile(code, opts \\ []) when is_binary(code), do: Compiler.compile(code, opts)

  @doc """
  Runs `runner` to its end, without a host.

  `inputs` has a value for each name that the runner was compiled with. What the script asks of a host is answered as if
  nobody handled it: an unknown name is a `NameError`, no file exists, file calls raise `PermissionError`. The value is
  that of the last statement if that is an expression, else `nil`.

  Options:

    * `:limits` – see `ExMonty.Limits`.
    * `:cwd` – the working directory, an absolute virtual path. Default: `"/"`.
    * `:clock` – `:system` (default), `:host`, for pauses at clock calls, or a `%DateTime{}` at which time stands still.
    * `:timezone` – an IANA name, an offset such as `"+02:00"`, or an offset in seconds. Default: UTC.
    * `:seed` – an integer that makes `random` and `os.urandom` repeatable.

  Raises `ArgumentError` for inputs that are missing or unknown, and for malformed options.

      iex> {:ok, runner} = ExMonty.compile("print(x); x + 1", inputs: [:x])
      iex> ExMonty.run(runner, %{x: 1})
      {:ok, 2, "1\\n"}
  """
  @spec run(runner, map, keyword) :: {:ok, Value.t(), output :: String.t()} | {:error, reason}
  def run(runner, inputs \\ %{}, opts \\ []) do
    begin(runner, inputs, opts, :nobody, nil)
  end

  @doc """
  Compiles `code` and runs it to its end, without a host.

  Takes the options of `compile/2` and of `run/3`; `:inputs` is a map of names to values. `:max_memory` holds for compiling,
  too: a source that would take more is a `MemoryError`.

      iex> ExMonty.eval("a + b", inputs: %{a: 1, b: 2})
      {:ok, 3, ""}

      iex> {:error, exception} = ExMonty.eval("print('so far'); 1 / 0")
      iex> {exception.type, exception.output}
      {:zero_division_error, "so far\\n"}
  """
  @spec eval(String.t(), keyword) :: {:ok, Value.t(), output :: String.t()} | {:error, reason}
  def eval(code, opts \\ []) when is_binary(code) do
    {inputs, compile, run} = Options.eval!(opts)

    with {:ok, runner} <- Compiler.compile_for(code, compile, run) do
      run(runner, inputs, run)
    end
  end

  @doc """
  Starts a run of `runner`, up to the first thing that it asks.

  Takes what `run/3` takes. Files are asked for like everything else.

      iex> {:ok, runner} = ExMonty.compile("open('/greeting').read()")
      iex> {:ok, {:os_call, call, _snapshot, ""}} = ExMonty.start(runner)
      iex> {call.function, call.args}
      {:open, [{:path, "/greeting"}, "r"]}
  """
  @spec start(runner, map, keyword) :: {:ok, progress} | {:error, reason}
  def start(runner, inputs \\ %{}, opts \\ []) do
    begin(runner, inputs, opts, nil, nil)
  end

  @doc """
  Starts a run of `runner` whose file calls are answered in Rust where a mount of the leased table covers them.

  Takes what `run/3` takes; `:cwd` is the first mount's path by default. Uncovered file calls and all other questions are
  pauses, as in `start/3`. A lease that has ended is `{:error, :lease_released}`.

      iex> mounts = ExMonty.Mount.new!([{"/work", :memory, files: %{"n.txt" => "41"}}])
      iex> {:ok, lease} = ExMonty.Mount.checkout(mounts)
      iex> {:ok, runner} = ExMonty.compile("int(open('n.txt').read()) + 1")
      iex> ExMonty.start_with_mounts(runner, lease)
      {:ok, {:complete, 42, ""}}
  """
  @spec start_with_mounts(runner, Lease.t(), map, keyword) ::
          {:ok, progress} | {:error, reason | :lease_released}
  def start_with_mounts(runner, %Lease{ref: lease}, inputs \\ %{}, opts \\ []) do
    begin(runner, inputs, opts, lease, nil)
  end

  @doc false
  # Any start: `host` is who answers, a lease's reference, `nil` for the caller or `:nobody`; the native library's
  # `overseer` looks at the run while it goes on, or is `nil`.
  @spec begin(runner, map, keyword, reference | nil | :nobody, reference | nil) :: term
  def begin(runner, inputs, opts, host, overseer) do
    {limits, policy} = Options.run!(opts, overseer)
    values = Options.values!(inputs, Native.input_names(runner))
    Turn.take(:start, [runner, values, limits, policy, host])
  end

  @doc """
  Answers what the run of `snapshot` waits for, as `resume/2` does, and goes on with mounts.

  A lease that has ended is `{:error, :lease_released}`, and the snapshot stays as it is.

      iex> mounts = ExMonty.Mount.new!([{"/work", :memory}])
      iex> {:ok, lease} = ExMonty.Mount.checkout(mounts)
      iex> {:ok, runner} = ExMonty.compile("open('n.txt', 'w').write(fetch())")
      iex> {:ok, {:function_call, _call, snapshot, ""}} = ExMonty.start_with_mounts(runner, lease)
      iex> ExMonty.resume_with_mounts(snapshot, {:ok, "forty-two"}, lease)
      {:ok, {:complete, 9, ""}}
      iex> ExMonty.Mount.read(lease, "/work/n.txt")
      {:ok, "forty-two"}
  """
  @spec resume_with_mounts(snapshot, result, Lease.t()) ::
          {:ok, progress} | {:error, reason | :lease_released}
  def resume_with_mounts(snapshot, result, %Lease{ref: lease}) do
    Turn.take(:resume, [snapshot, result, lease])
  end

  @doc """
  Answers futures, as `resume_futures/2` does, and goes on with mounts.

  A lease that has ended is `{:error, :lease_released}`, and the snapshot stays as it is.
  """
  @spec resume_futures_with_mounts(future_snapshot, future_results, Lease.t()) ::
          {:ok, progress} | {:error, reason | :lease_released}
  def resume_futures_with_mounts(futures, results, %Lease{ref: lease}) do
    Turn.take(:resume_futures, [futures, results, lease])
  end

  @doc """
  Answers what the run of `snapshot` waits for, up to the next thing that it asks.

  The snapshot is consumed, unless `result` is refused: a result of another shape, an exception type that Python does not
  have, a value that cannot cross. Then the error is `%ExMonty.Error{}` with reason `:invalid_result`,
  `:invalid_value`, `:value_too_deep` or `:value_too_large`, and the snapshot can be resumed with a better one.
  Resuming a consumed snapshot is `%ExMonty.Error{reason: :snapshot_consumed}`.

      iex> {:ok, runner} = ExMonty.compile("fetch('a')")
      iex> {:ok, {:function_call, _call, snapshot, _output}} = ExMonty.start(runner)
      iex> {:error, %ExMonty.Error{reason: :invalid_value}} = ExMonty.resume(snapshot, {:ok, self()})
      iex> ExMonty.resume(snapshot, {:ok, 42})
      {:ok, {:complete, 42, ""}}
      iex> {:error, %ExMonty.Error{reason: reason}} = ExMonty.resume(snapshot, {:ok, 42})
      iex> reason
      :snapshot_consumed
  """
  @spec resume(snapshot, result) :: {:ok, progress} | {:error, reason}
  def resume(snapshot, result) do
    Turn.take(:resume, [snapshot, result, nil])
  end

  @doc """
  Answers some or all of the calls that the run of `futures` waits for, as `{call_id, result}` with a result of
  `{:ok, value}` or `{:error, type, message}`.

  With some of them answered, the run goes on as far as it can, and may wait again. Errors as for `resume/2`; a call
  that is not pending, or answered twice, is `:invalid_result`.

      iex> code = \"""
      ...> import asyncio
      ...> async def both():
      ...>     return await asyncio.gather(fetch('a'), fetch('b'))
      ...> await both()
      ...> \"""
      iex> {:ok, runner} = ExMonty.compile(code)
      iex> {:ok, {:function_call, a, snapshot, _}} = ExMonty.start(runner)
      iex> {:ok, {:function_call, b, snapshot, _}} = ExMonty.resume(snapshot, :pending)
      iex> {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(snapshot, :pending)
      iex> ExMonty.resume_futures(futures, [{b.call_id, {:ok, 2}}, {a.call_id, {:ok, 1}}])
      {:ok, {:complete, [1, 2], ""}}
  """
  @spec resume_futures(future_snapshot, future_results) :: {:ok, progress} | {:error, reason}
  def resume_futures(futures, results) do
    Turn.take(:resume_futures, [futures, results, nil])
  end

  @doc """
  Lists the calls that the run of `futures` waits for.

      iex> code = "import asyncio\\nawait asyncio.gather(fetch('a'))"
      iex> {:ok, runner} = ExMonty.compile(code)
      iex> {:ok, {:function_call, call, snapshot, _}} = ExMonty.start(runner)
      iex> {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(snapshot, :pending)
      iex> ExMonty.pending_call_ids(futures) == [call.call_id]
      true
  """
  @spec pending_call_ids(future_snapshot) :: [non_neg_integer] | {:error, Error.t()}
  def pending_call_ids(futures), do: Native.pending_call_ids(futures)

  @doc """
  Tells once more what the run of a snapshot waits for, without consuming it.

      iex> {:ok, runner} = ExMonty.compile("fetch('a')")
      iex> {:ok, {:function_call, call, snapshot, _output}} = ExMonty.start(runner)
      iex> {:ok, {:function_call, ^call, ^snapshot, ""}} = ExMonty.progress(snapshot)
      iex> ExMonty.resume(snapshot, {:ok, nil})
      {:ok, {:complete, nil, ""}}
  """
  @spec progress(snapshot | future_snapshot) :: {:ok, progress} | {:error, Error.t()}
  def progress(snapshot), do: Turn.take(:progress, [snapshot])

  @doc """
  Writes a runner as bytes: its source, its options, and what was compiled from them. `ExMonty.Dump` has the options.

      iex> {:ok, runner} = ExMonty.compile("x * 2", inputs: [:x])
      iex> {:ok, dump} = ExMonty.dump(runner)
      iex> {:ok, loaded} = ExMonty.load_runner(dump)
      iex> ExMonty.run(loaded, %{x: 21})
      {:ok, 42, ""}
  """
  @spec dump(runner, keyword) :: {:ok, binary} | {:error, Error.t()}
  defdelegate dump(runner, opts \\ []), to: Dump

  @doc "Reads a runner that `dump/2` wrote. A source that another version of Monty compiled is compiled anew."
  @spec load_runner(binary, keyword) :: {:ok, runner} | {:error, reason}
  defdelegate load_runner(dump, opts \\ []), to: Dump

  @doc """
  Writes a paused run as bytes, and consumes its snapshot. `ExMonty.Dump` tells what is in it, and has the options.

      iex> {:ok, runner} = ExMonty.compile("fetch('a') + 1")
      iex> {:ok, {:function_call, _call, snapshot, _output}} = ExMonty.start(runner)
      iex> {:ok, dump} = ExMonty.dump_snapshot(snapshot)
      iex> {:ok, loaded} = ExMonty.load_snapshot(dump)
      iex> ExMonty.resume(loaded, {:ok, 41})
      {:ok, {:complete, 42, ""}}
  """
  @spec dump_snapshot(snapshot, keyword) :: {:ok, binary} | {:error, Error.t()}
  defdelegate dump_snapshot(snapshot, opts \\ []), to: Dump

  @doc "Reads a paused run that `dump_snapshot/2` wrote. `progress/1` tells what it waits for."
  @spec load_snapshot(binary, keyword) :: {:ok, snapshot} | {:error, Error.t()}
  defdelegate load_snapshot(dump, opts \\ []), to: Dump

  @doc "As `dump_snapshot/2`, for a run that waits for futures."
  @spec dump_future_snapshot(future_snapshot, keyword) :: {:ok, binary} | {:error, Error.t()}
  defdelegate dump_future_snapshot(futures, opts \\ []), to: Dump

  @doc "As `load_snapshot/2`, for a run that waits for futures."
  @spec load_future_snapshot(binary, keyword) :: {:ok, future_snapshot} | {:error, Error.t()}
  defdelegate load_future_snapshot(dump, opts \\ []), to: Dump

  for name <- [
        :compile,
        :dump,
        :load_runner,
        :dump_snapshot,
        :load_snapshot,
        :dump_future_snapshot,
        :load_future_snapshot
      ] do
    @doc "As `#{name}/2`, but raises the error."
    @spec unquote(:"#{name}!")(term, keyword) :: term
    def unquote(:"#{name}!")(subject, opts \\ []), do: subject |> unquote(name)(opts) |> Turn.value!()
  end

  @doc """
  The limits of a run that is given none; see `ExMonty.Limits`.

      iex> ExMonty.default_limits().max_memory
      268_435_456
  """
  @spec default_limits() :: limits
  def default_limits, do: Limits.defaults()

  @doc """
  Counts what the engine is doing, for operators; `t:ExMonty.Counters.t/0` says what each counter is.

      iex> ExMonty.info().threads >= 0
      true
  """
  @spec info() :: Counters.t()
  def info, do: Native.info()
end
