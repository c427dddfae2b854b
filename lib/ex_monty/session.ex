defmodule ExMonty.Session do
  @moduledoc """
  An interpreter whose variables live on from one evaluation to the next.

      iex> {:ok, session} = ExMonty.Session.new()
      iex> {:ok, nil, "", session} = ExMonty.Session.eval(session, "prices = [3, 4]\\ndef total():\\n    return sum(prices)")
      iex> {:ok, nil, "", session} = ExMonty.Session.eval(session, "prices.append(5)")
      iex> {:ok, value, "", _session} = ExMonty.Session.eval(session, "total()")
      iex> value
      12

  Variables, functions, classes, imports, open files, the working directory and the state of `random` are those that the
  last evaluation left. So is what an evaluation did before an exception ended it:

      iex> {:ok, session} = ExMonty.Session.new()
      iex> {:error, %ExMonty.Exception{type: :zero_division_error}} = ExMonty.Session.eval(session, "x = 1\\nx / 0")
      iex> {:ok, 1, "", _session} = ExMonty.Session.eval(session, "x")

  A session is a handle, like a file: whoever has it shares it, and `eval/3` gives back the same one. It evaluates one thing
  at a time; while an evaluation is running or paused, everything else is `%ExMonty.Error{reason: :busy}`, or `:mount_in_use`
  from an `eval/3` that would have to share the files with it.

  ## Pauses

  `eval/3` answers what a script asks with the functions, handlers and mounts of the session, as `ExMonty.Sandbox` does.
  `start/3` goes to the first pause instead, and `ExMonty.resume/2` and its kin go on from there. The session is free again
  when the evaluation completes or raises, and also when nobody refers to its snapshot any more: then it goes on with the
  variables as they were at the pause.

  ## Limits

  `:limits` hold for each evaluation, which begins with all of its time, output, host calls, sleep and allocations. Memory
  belongs to the session: what its variables hold counts in every evaluation. When an evaluation goes beyond its limits, it
  ends with an exception that the script cannot catch, and the session stays usable with the variables as they were then.
  Where those are what takes the memory, every further evaluation ends likewise, until one with a larger `:max_memory` of
  its own lets go of them. When the engine has to answer for an evaluation because a single operation computes on, or when
  the caller of one dies, the session is busy until that operation has ended, and has the variables as they were then.
  Tracebacks need the text of every evaluation, which the session keeps, with some 250 bytes beside it.

  A session ends, and answers `%ExMonty.Error{reason: :session_ended}` from then on, when its state cannot come back from an
  evaluation: because that was dumped while it was paused, panicked in the native library, or is stranded
  (`ExMonty.Counters`).

  ## Dumps

  `dump/2` and `load/2` move a session that is free. A paused evaluation is dumped by `ExMonty.dump_snapshot/2`, its whole
  session included; after `ExMonty.load_snapshot/2`, `of/2` is the session. What `ExMonty.Dump` says of dumps holds for both.
  Functions and mounts are not dumped; give them again.
  """

  alias ExMonty.{Dump, Error, Limits, Mount, Native, Options, Turn, Value}
  alias ExMonty.Mount.Lease
  alias ExMonty.Sandbox.Driver
  alias ExMonty.Sandbox.Options, as: Host

  # Who answers, and how long that may take.
  @host_options Host.names() -- [:inputs | Options.names(:compile) ++ Options.names(:run)]
  @new_options Host.names() -- [:inputs]
  # What one evaluation may have of its own.
  @start_options [:inputs, :limits]
  @eval_options @start_options ++ [:functions, :lease, :callback_timeout, :timeout, :on_output]

  @enforce_keys [:ref, :host]
  defstruct @enforce_keys

  @typedoc "A session."
  @opaque t :: %__MODULE__{ref: reference, host: Host.t()}

  @doc """
  A session in which nothing has been evaluated.

  Options:

    * `:limits` – of each evaluation, see `ExMonty.Limits`.
    * `:cwd` – where the session begins, an absolute virtual path. Default: the first mount's path in its first evaluation,
      else `"/"`.
    * `:clock`, `:timezone`, `:seed` – as for `ExMonty.run/3`, for all of the session.
    * `:script_name` – what `__file__` is. Default: `"main.py"`. Tracebacks name the evaluations, `<python-input-0>` and on.
    * `:max_source_bytes`, `:dynamic_code` – as for `ExMonty.compile/2`, for each evaluation.
    * the options of `ExMonty.Sandbox.run/2` that say who answers, `:functions`, `:handler` and `:mounts` among them: for
      `eval/3`. Mounts given as specs are made once, and live as long as the session.

  Raises `ArgumentError` for an option that does not exist or has the wrong shape. Errors are those of
  `ExMonty.Mount.new/1`.

      iex> {:ok, session} = ExMonty.Session.new(mounts: [{"/work", :memory}])
      iex> {:ok, 5, "", session} = ExMonty.Session.eval(session, "open('n.txt', 'w').write('hello')")
      iex> {:ok, value, "", _session} = ExMonty.Session.eval(session, "open('n.txt').read()")
      iex> value
      "hello"
  """
  @spec new(keyword) :: {:ok, t} | {:error, Error.t() | Mount.error()}
  def new(opts \\ []) do
    if Keyword.keyword?(opts) and Keyword.has_key?(opts, :inputs) do
      raise ArgumentError, "option :inputs is for an evaluation; accepted by eval/3 and start/3"
    end

    Options.only!(opts, @new_options)
    options = Host.validate!(opts)
    {limits, policy} = Options.run!(options.start)
    compile = Options.compile!(options.compile)

    with {:ok, host} <- with_table(options) do
      ref =
        Native.session_new(
          compile.script_name,
          limits,
          policy,
          compile.dynamic_code,
          compile.max_source_bytes
        )

      {:ok, %__MODULE__{ref: ref, host: host}}
    end
  end

  @doc "As `new/1`, but raises the error."
  @spec new!(keyword) :: t
  def new!(opts \\ []) do
    case new(opts) do
      {:ok, session} -> session
      {:error, %{__exception__: true} = error} -> raise error
      {:error, reason} -> raise ArgumentError, "the mounts of a session: #{inspect(reason)}"
    end
  end

  @doc """
  Evaluates `code` to its end, answering what it asks.

  The value is that of the last statement if that is an expression, else `nil`. After an error, `session` is as usable as
  before; `ExMonty.Error` with reason `:busy` or `:session_ended` aside, it has the variables as the evaluation left them.

  Options:

    * `:inputs` – a map of names (atoms or strings) to values: variables that are set first, and live on.
    * `:limits` – of this evaluation, in the place of the session's.
    * `:functions`, `:lease`, `:callback_timeout`, `:timeout`, `:on_output` – in the place of the session's.

  Errors are those of `ExMonty.Sandbox.run/2`, and `:busy` and `:session_ended`.

      iex> {:ok, session} = ExMonty.Session.new(functions: %{"double" => fn [x], _ -> {:ok, 2 * x} end})
      iex> {:ok, 10, "", session} = ExMonty.Session.eval(session, "double(x)", inputs: %{x: 5})
      iex> {:error, exception} = ExMonty.Session.eval(session, "print('so far'); y = x; missing")
      iex> {Exception.message(exception), exception.output}
      {"NameError: name 'missing' is not defined", "so far\\n"}
      iex> {:ok, 5, "", _session} = ExMonty.Session.eval(session, "y")
  """
  @spec eval(t, String.t(), keyword) ::
          {:ok, Value.t(), output :: String.t(), t} | {:error, ExMonty.reason() | Mount.error()}
  def eval(%__MODULE__{host: host} = session, code, opts \\ []) when is_binary(code) do
    Options.only!(opts, @eval_options)
    own = opts |> Keyword.drop(@start_options) |> Host.validate!()
    host = struct!(host, own |> Map.take(Keyword.keys(opts)) |> Map.delete(:inputs))

    with {:ok, lease} <- Mount.checkout(host.mounts, host.lease) do
      try do
        Driver.run(&begin(session, code, opts, lease.ref, &1), lease, host)
      after
        Mount.release(lease)
      end
    end
    |> case do
      {:ok, value, output} -> {:ok, value, output, session}
      {:error, reason} -> {:error, reason}
    end
  end

  @doc """
  Starts an evaluation, up to the first thing that it asks; `ExMonty.resume/2` and its kin go on.

  Options: `:inputs` and `:limits`, as for `eval/3`. Errors are those of `ExMonty.start/3`, and `:busy` and `:session_ended`.

      iex> {:ok, session} = ExMonty.Session.new()
      iex> {:ok, {:function_call, call, snapshot, ""}} = ExMonty.Session.start(session, "x = fetch('a')")
      iex> {call.name, call.args}
      {"fetch", ["a"]}
      iex> {:error, %ExMonty.Error{reason: :busy}} = ExMonty.Session.start(session, "x")
      iex> ExMonty.resume(snapshot, {:ok, 42})
      {:ok, {:complete, nil, ""}}
      iex> ExMonty.Session.start(session, "x")
      {:ok, {:complete, 42, ""}}
  """
  @spec start(t, String.t(), keyword) :: {:ok, ExMonty.progress()} | {:error, ExMonty.reason()}
  def start(%__MODULE__{} = session, code, opts \\ []) when is_binary(code) do
    Options.only!(opts, @start_options)
    begin(session, code, opts, nil, nil)
  end

  @doc """
  Starts an evaluation whose file calls are answered in Rust where a mount of the leased table covers them.

  As `start/3`, and as `ExMonty.start_with_mounts/4`. A lease that has ended is `{:error, :lease_released}`.
  """
  @spec start_with_mounts(t, String.t(), Lease.t(), keyword) ::
          {:ok, ExMonty.progress()} | {:error, ExMonty.reason() | :lease_released}
  def start_with_mounts(%__MODULE__{} = session, code, %Lease{ref: lease}, opts \\ []) when is_binary(code) do
    Options.only!(opts, @start_options)
    begin(session, code, opts, lease, nil)
  end

  @doc """
  Writes a session that is free as bytes. It stays as it is.

  Options: `:key`, as for `ExMonty.Dump`. Errors: `:busy`, `:session_ended`.

      iex> {:ok, session} = ExMonty.Session.new()
      iex> {:ok, nil, "", session} = ExMonty.Session.eval(session, "x = 41")
      iex> {:ok, dump} = ExMonty.Session.dump(session)
      iex> {:ok, copy} = ExMonty.Session.load(dump)
      iex> {:ok, 42, "", _copy} = ExMonty.Session.eval(copy, "x + 1")
  """
  @spec dump(t, keyword) :: {:ok, binary} | {:error, Error.t()}
  def dump(%__MODULE__{ref: ref}, opts \\ []), do: Dump.dump_session(ref, opts)

  @doc """
  Reads a session that `dump/2` wrote.

  Options: `:key` and `:limits`, a ceiling for those of the session, as for `ExMonty.Dump`; and who answers, as for `new/1`.
  Errors: `:invalid_dump`, `:limit_exceeded`, and those of `ExMonty.Mount.new/1`.
  """
  @spec load(binary, keyword) :: {:ok, t} | {:error, Error.t() | Mount.error()}
  def load(dump, opts \\ []) do
    Options.only!(opts, [:key, :limits | @host_options])
    {host, opts} = Keyword.split(opts, @host_options)

    with {:ok, host} <- host |> Host.validate!() |> with_table(),
         {:ok, ref} <- Dump.load_session(dump, opts) do
      {:ok, %__MODULE__{ref: ref, host: host}}
    end
  end

  @doc """
  The session that the run of `snapshot` is an evaluation of. It is busy until that ends.

  Options: who answers, as for `new/1`. A run of another origin is `%ExMonty.Error{reason: :no_session}`.

      iex> {:ok, session} = ExMonty.Session.new()
      iex> {:ok, {:function_call, _, snapshot, _}} = ExMonty.Session.start(session, "x = fetch()")
      iex> {:ok, dump} = ExMonty.dump_snapshot(snapshot)
      iex> {:ok, loaded} = ExMonty.load_snapshot(dump)
      iex> {:ok, continued} = ExMonty.Session.of(loaded)
      iex> {:ok, {:complete, nil, ""}} = ExMonty.resume(loaded, {:ok, 42})
      iex> {:ok, 42, "", _session} = ExMonty.Session.eval(continued, "x")
      iex> {:error, %ExMonty.Error{reason: :session_ended}} = ExMonty.Session.eval(session, "x")
  """
  @spec of(ExMonty.snapshot() | ExMonty.future_snapshot(), keyword) ::
          {:ok, t} | {:error, Error.t() | Mount.error()}
  def of(snapshot, opts \\ []) do
    Options.only!(opts, @host_options)

    with {:ok, host} <- opts |> Host.validate!() |> with_table(),
         {:ok, ref} <- Native.session_of(snapshot) do
      {:ok, %__MODULE__{ref: ref, host: host}}
    end
  end

  @doc false
  # Any start: `lease` is a reference or `nil`, and so is the `overseer`, as for `ExMonty.begin/5`.
  @spec begin(t, String.t(), keyword, reference | nil, overseer :: reference | nil) :: term
  def begin(session, code, opts, lease, overseer) do
    {names, values} = opts |> Keyword.get(:inputs, %{}) |> Options.inputs!() |> Enum.unzip()

    limits =
      case Keyword.fetch(opts, :limits) do
        {:ok, limits} -> Limits.encode!(limits)
        :error -> nil
      end

    Turn.take(:session_start, [session.ref, code, names, values, limits, lease, overseer])
  end

  # Mounts given as specs are a table that lives as long as the session.
  defp with_table(%Host{mounts: %Mount{}} = host), do: {:ok, host}

  defp with_table(%Host{mounts: specs} = host) do
    with {:ok, mounts} <- Mount.new(specs), do: {:ok, %{host | mounts: mounts}}
  end
end
