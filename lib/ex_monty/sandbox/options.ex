defmodule ExMonty.Sandbox.Options do
  @moduledoc false

  # The options of a run, validated once. Everything behind this struct may rely on its shapes.

  alias ExMonty.{Milliseconds, OsCall, PseudoFS}
  alias ExMonty.Mount.Lease
  alias ExMonty.Sandbox.Modules

  import Milliseconds, only: [is_time: 1]
  require Modules

  @enforce_keys [
    :inputs,
    :functions,
    :handler,
    :handles,
    :os,
    :env,
    :modules,
    :mounts,
    :lease,
    :callback_timeout,
    :timeout,
    :on_output,
    :script_name,
    :compile,
    :start
  ]
  defstruct @enforce_keys ++ [suspend: :refused]

  @type t :: %__MODULE__{suspend: :refused | :allowed}

  @options [
    inputs: "map of name (atom or string) to value: variables the script finds set. Default: none.",
    functions: "map of name to `fn args, kwargs -> answer end`. Default: none.",
    handler: "a module with this behaviour, for what no function is given for. Default: none.",
    os:
      "map of OS call (`:getenv`, `:time`, `:read_text`, …; see `ExMonty.OsCall`) to `fn args, kwargs -> answer end`, " <>
        "for what no mount covers; or an `ExMonty.PseudoFS`, with mounts given as specs or not at all. Default: none.",
    mounts:
      "an `ExMonty.Mount`, leased for the run; or a list of mount specs, which makes a table for this " <>
        "run alone. Default: nothing mounted.",
    lease:
      "how the table is leased, as in `ExMonty.Mount.checkout/2`: `:exclusive`, `:shared`, or `{:wait, ms}` and " <>
        "`{:wait, :shared, ms}`, which wait their turn. Default: `:exclusive`.",
    limits: "map of limits, see `ExMonty.Limits`.",
    callback_timeout: "milliseconds a function may take, or `:infinity`. Default: 10,000.",
    timeout:
      "milliseconds of wall clock that the whole run may take, its functions and sleeps included, or `:infinity`. " <>
        "Default: `:infinity`.",
    on_output:
      "`fn text -> … end`, called with what is printed while the script runs, in a process of its own. Default: none.",
    env: "map of strings that answers `os.getenv` and `os.environ`. Default: none, and they raise.",
    modules:
      "map of module name, such as `\"shop\"` or `\"shop.tea\"`, to map of attribute to function or value, for `import`. " <>
        "Default: none.",
    cwd: "the working directory, an absolute virtual path. Default: the first mount's path, else `/`.",
    clock:
      "`:system`, a `%DateTime{}` at which time stands still, or `:host`, which asks `:os` and the handler. " <>
        "Default: `:host` where `:os` answers a clock call, else `:system`.",
    timezone: "IANA name or offset such as `\"+02:00\"`. Default: UTC.",
    seed: "integer that makes `random` and `os.urandom` repeatable.",
    script_name: "the name shown in tracebacks. Default: `\"main.py\"`.",
    max_source_bytes: "bytes of source accepted. Default: 262,144 (256 KiB).",
    dynamic_code: "`true` lets the script use `eval` and `exec`: for trusted code only. Default: `false`."
  ]

  @names Keyword.keys(@options)
  @clock_calls [:date_today, :datetime_now, :time]
  @optional [handle_os: 3, handle_name_lookup: 1, handle_attribute: 2, handle_import: 1]

  @doc "The options as a list in Markdown."
  def docs do
    Enum.map_join(@options, "\n", fn {name, text} -> "    * `:#{name}` – #{text}" end)
  end

  @doc "The names of all options."
  @spec names() :: [atom]
  def names, do: @names

  @doc "The options of a run, or `ArgumentError`."
  @spec validate!(keyword) :: t
  def validate!(opts) do
    ExMonty.Options.only!(opts, @names)
    {os, specs, variables} = os!(Keyword.get(opts, :os, %{}))
    {handler, handles} = handler!(Keyword.get(opts, :handler))

    %__MODULE__{
      inputs: ExMonty.Options.inputs!(Keyword.get(opts, :inputs, %{})),
      functions: functions!(Keyword.get(opts, :functions, %{})),
      handler: handler,
      handles: handles,
      os: os,
      env: env!(Keyword.get(opts, :env), variables),
      modules: modules!(Keyword.get(opts, :modules, %{})),
      mounts: mounts!(Keyword.get(opts, :mounts, []), specs),
      lease: Lease.request!(":lease", Keyword.get(opts, :lease, :exclusive)),
      callback_timeout: timeout!(:callback_timeout, Keyword.get(opts, :callback_timeout, 10_000)),
      timeout: timeout!(:timeout, Keyword.get(opts, :timeout, :infinity)),
      on_output: on_output!(Keyword.get(opts, :on_output)),
      script_name: Keyword.get(opts, :script_name, "main.py"),
      compile: compile!(opts),
      start: start!(opts, os)
    }
  end

  @doc "The options of `ExMonty.compile/2`."
  def compile(%__MODULE__{} = options) do
    Keyword.put(options.compile, :inputs, Map.keys(options.inputs))
  end

  defp compile!(opts) do
    compile = opts |> Keyword.take(ExMonty.Options.names(:compile)) |> Keyword.delete(:inputs)
    ExMonty.Options.compile!(compile)
    compile
  end

  # Somebody who answers one clock call means the script to see that clock; the others then follow the system's.
  defp start!(opts, os) do
    clock = if Enum.any?(@clock_calls, &is_map_key(os, &1)), do: :host, else: :system
    start = opts |> Keyword.take(ExMonty.Options.names(:run)) |> Keyword.put_new(:clock, clock)
    ExMonty.Options.run!(start)
    start
  end

  defp functions!(functions) when Modules.is_attributes(functions) do
    named!(":functions", functions, fn
      _name, fun when is_function(fun, 2) ->
        fun

      name, other ->
        wrong!(":functions[#{inspect(name)}]", other, "a function of two arguments: args and kwargs")
    end)
  end

  defp functions!(other), do: wrong!(":functions", other, "a map of names to functions")

  defp handler!(nil), do: {nil, []}

  defp handler!(handler) when is_atom(handler) do
    if Code.ensure_loaded?(handler) and function_exported?(handler, :handle_function, 3) do
      optional = for {name, arity} <- @optional, function_exported?(handler, name, arity), do: name
      {handler, [:handle_function | optional]}
    else
      refuse_handler!(handler)
    end
  end

  defp handler!(other), do: refuse_handler!(other)

  @spec refuse_handler!(term) :: no_return
  defp refuse_handler!(handler) do
    wrong!(":handler", handler, "a module with the behaviour ExMonty.Sandbox, which has handle_function/3")
  end

  # What answers calls, and the mounts and the variables that a file system of its own comes to.
  defp os!(%PseudoFS{} = fs), do: {%{}, PseudoFS.specs(fs), PseudoFS.env(fs)}

  defp os!(os) when Modules.is_attributes(os) do
    for {call, fun} <- os do
      unless call in OsCall.functions() do
        wrong!("a key of :os", call, Enum.map_join(OsCall.functions(), ", ", &inspect/1))
      end

      unless is_function(fun, 2) do
        wrong!(":os[#{inspect(call)}]", fun, "a function of two arguments: args and kwargs")
      end
    end

    {os, [], nil}
  end

  defp os!(other), do: wrong!(":os", other, "a map of OS calls to functions, or an ExMonty.PseudoFS")

  defp env!(nil, variables), do: variables
  defp env!(env, nil), do: env!(env)
  defp env!(env, variables), do: Map.merge(variables, env!(env))

  defp env!(env) when Modules.is_attributes(env) do
    named!(":env", env, fn name, value ->
      if PseudoFS.variable?(value) and (is_atom(name) or PseudoFS.variable?(name)),
        do: value,
        else: wrong!(":env[#{inspect(name)}]", value, "a string under a name, both UTF-8 without NUL bytes")
    end)
  end

  defp env!(other), do: wrong!(":env", other, "a map of strings")

  defp modules!(modules) when Modules.is_attributes(modules) do
    case modules |> named_modules!() |> Modules.nest() do
      {:ok, modules} ->
        modules

      {:error, name} ->
        raise ArgumentError, ":modules: #{name} is given twice, as a module and as an attribute"
    end
  end

  defp modules!(other), do: wrong!(":modules", other, "a map of module names to maps of attributes")

  defp named_modules!(modules) do
    named!(":modules", modules, fn
      name, attributes when Modules.is_attributes(attributes) ->
        with {attribute, got, accepted} <- Modules.flaw(attributes) do
          wrong!(":modules[#{inspect(name)}][#{inspect(attribute)}]", got, accepted)
        end

        attributes

      name, other ->
        wrong!(":modules[#{inspect(name)}]", other, "a map of attributes to functions and values")
    end)
  end

  defp mounts!(%ExMonty.Mount{} = mounts, []), do: mounts

  defp mounts!(%ExMonty.Mount{}, _specs) do
    raise ArgumentError,
          ":os: an ExMonty.PseudoFS with files is a mount of the run, and cannot be added to the table in :mounts; " <>
            "give :mounts as specs, or add ExMonty.PseudoFS.specs/1 to the table"
  end

  defp mounts!(mounts, specs) when is_list(mounts) do
    _well_formed = ExMonty.Mount.Options.specs!(mounts, ":mounts")
    mounts ++ specs
  end

  defp mounts!(other, _specs), do: wrong!(":mounts", other, "an ExMonty.Mount or a list of mount specs")

  defp timeout!(_option, timeout) when is_time(timeout) and timeout != 0, do: timeout

  defp timeout!(option, other) do
    accepted = "a positive number of milliseconds, at most #{Milliseconds.longest()}, or :infinity"
    wrong!(inspect(option), other, accepted)
  end

  # The entries of a map by their names as strings, each of which stands once.
  defp named!(option, map, check) do
    for {name, value} <- map, reduce: %{} do
      named ->
        unless Modules.name?(name), do: wrong!("#{option}[#{inspect(name)}]", name, Modules.names())
        value = check.(name, value)

        Map.update(named, to_string(name), value, fn _other ->
          raise ArgumentError, "#{option}: #{to_string(name)} is given twice, as an atom and as a string"
        end)
    end
  end

  defp on_output!(nil), do: nil
  defp on_output!(fun) when is_function(fun, 1), do: fun
  defp on_output!(other), do: wrong!(":on_output", other, "a function of one argument, the text")

  @spec wrong!(String.t(), term, String.t()) :: no_return
  defp wrong!(what, got, accepted) do
    raise ArgumentError, "#{what}: got #{inspect(got)}, accepted: #{accepted}"
  end
end
