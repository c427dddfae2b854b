defmodule ExMonty.Sandbox.Options do
  @moduledoc false

  # The options of a run, validated once. Everything behind this struct may rely on its shapes.

  alias ExMonty.OsCall

  @enforce_keys [:inputs, :functions, :os, :mounts, :callback_timeout, :compile, :start]
  defstruct @enforce_keys ++ [suspend: :refused]

  @type t :: %__MODULE__{suspend: :refused | :allowed}

  @options [
    inputs: "map of name (atom or string) to value: variables the script finds set. Default: none.",
    functions: "map of name to `fn args, kwargs -> answer end`. Default: none.",
    os:
      "map of OS call (`:getenv`, `:time`, `:read_text`, …; see `ExMonty.OsCall`) to `fn args, kwargs -> answer end`, " <>
        "for what no mount covers. Default: none.",
    mounts:
      "an `ExMonty.Mount`, leased exclusively for the run; or a list of mount specs, which makes a table for this " <>
        "run alone. Default: nothing mounted.",
    callback_timeout: "milliseconds a function may take, or `:infinity`. Default: 10,000.",
    limits: "map of limits, see `ExMonty.default_limits/0`.",
    script_name: "the name shown in tracebacks. Default: `\"main.py\"`.",
    max_source_bytes: "bytes of source accepted. Default: 256 KiB.",
    cwd: "the working directory, an absolute virtual path. Default: the first mount's path, else `/`.",
    timezone: "IANA name or offset such as `\"+02:00\"`. Default: UTC.",
    seed: "integer that makes `random` repeatable."
  ]

  @compile_options [:script_name, :max_source_bytes]
  @start_options [:limits, :cwd, :timezone, :seed]
  @clock_calls [:date_today, :datetime_now, :time]

  @doc false
  def docs do
    Enum.map_join(@options, "\n", fn {name, text} -> "    * `:#{name}` – #{text}" end)
  end

  @doc false
  def validate!(opts) do
    unless Keyword.keyword?(opts), do: wrong!("the options", opts, "a keyword list")

    for {name, _} <- opts, not Keyword.has_key?(@options, name) do
      raise ArgumentError,
            "unknown option #{inspect(name)}; accepted: #{Enum.map_join(@options, ", ", &inspect(elem(&1, 0)))}"
    end

    os = os!(Keyword.get(opts, :os, %{}))

    %__MODULE__{
      inputs: inputs!(Keyword.get(opts, :inputs, %{})),
      functions: functions!(Keyword.get(opts, :functions, %{})),
      os: os,
      mounts: mounts!(Keyword.get(opts, :mounts, [])),
      callback_timeout: timeout!(Keyword.get(opts, :callback_timeout, 10_000)),
      compile: Keyword.take(opts, @compile_options),
      start: [clock: clock(os)] ++ Keyword.take(opts, @start_options)
    }
  end

  @doc false
  def compile(%__MODULE__{} = options) do
    Keyword.put(options.compile, :inputs, Map.keys(options.inputs))
  end

  defp inputs!(inputs) when is_map(inputs) and not is_struct(inputs) do
    Map.new(inputs, fn
      {name, value} when is_binary(name) or is_atom(name) -> {to_string(name), value}
      {name, _} -> wrong!("a name in :inputs", name, "an atom or a string")
    end)
  end

  defp inputs!(other), do: wrong!(":inputs", other, "a map of names to values")

  defp functions!(functions) when is_map(functions) and not is_struct(functions) do
    Map.new(functions, fn
      {name, fun} when (is_binary(name) or is_atom(name)) and is_function(fun, 2) ->
        {to_string(name), fun}

      {name, other} ->
        wrong!(":functions[#{inspect(name)}]", other, "a function of two arguments: args and kwargs")
    end)
  end

  defp functions!(other), do: wrong!(":functions", other, "a map of names to functions")

  defp os!(os) when is_map(os) and not is_struct(os) do
    for {call, fun} <- os do
      unless call in OsCall.functions() do
        wrong!("a key of :os", call, Enum.map_join(OsCall.functions(), ", ", &inspect/1))
      end

      unless is_function(fun, 2) do
        wrong!(":os[#{inspect(call)}]", fun, "a function of two arguments: args and kwargs")
      end
    end

    os
  end

  defp os!(other), do: wrong!(":os", other, "a map of OS calls to functions")

  defp mounts!(%ExMonty.Mount{} = mounts), do: mounts
  defp mounts!(specs) when is_list(specs), do: specs
  defp mounts!(other), do: wrong!(":mounts", other, "an ExMonty.Mount or a list of mount specs")

  defp timeout!(:infinity), do: :infinity
  defp timeout!(timeout) when is_integer(timeout) and timeout > 0, do: timeout

  defp timeout!(other),
    do: wrong!(":callback_timeout", other, "a positive number of milliseconds or :infinity")

  # Somebody who answers one clock call means the script to see that clock; the others then follow the system's.
  defp clock(os), do: if(Enum.any?(@clock_calls, &is_map_key(os, &1)), do: :host, else: :system)

  defp wrong!(what, got, accepted) do
    raise ArgumentError, "#{what}: got #{inspect(got)}, accepted: #{accepted}"
  end
end
