defmodule ExMonty.Options do
  @moduledoc false

  # The options of compiling and of running, validated once. What is behind this module may rely on their shapes.

  alias ExMonty.{Limits, Native}

  @max_source_bytes 256 * 1024
  @max_offset 86_399
  # An integer that random.seed would take a while to digest is a mistake.
  @max_seed_bits 4_096

  @compile_options [:inputs, :script_name, :max_source_bytes, :dynamic_code]
  @run_options [:limits, :cwd, :clock, :timezone, :seed]

  @doc "The names of the options of compiling, and of those of running."
  def names(:compile), do: @compile_options
  def names(:run), do: @run_options

  @doc "The options of `ExMonty.compile/2`: input names, script name, source bytes, whether `eval` and `exec` are there."
  def compile!(opts) do
    only!(opts, @compile_options)

    %{
      inputs: opts |> Keyword.get(:inputs, []) |> input_names!(),
      script_name: opts |> Keyword.get(:script_name, "main.py") |> script_name!(),
      max_source_bytes: opts |> Keyword.get(:max_source_bytes, @max_source_bytes) |> source_bytes!(),
      dynamic_code: opts |> Keyword.get(:dynamic_code, false) |> dynamic_code!()
    }
  end

  @doc "The options of a run: its limits and its policy, as the native library takes them, with who oversees it."
  def run!(opts, overseer \\ nil) do
    only!(opts, @run_options)

    cwd = opts |> Keyword.get(:cwd) |> cwd!()
    clock = opts |> Keyword.get(:clock, :system) |> clock!()
    timezone = opts |> Keyword.get(:timezone, "UTC") |> timezone!()
    seed = opts |> Keyword.get(:seed) |> seed!()
    {opts |> Keyword.get(:limits, %{}) |> Limits.encode!(), {cwd, clock, timezone, seed, overseer}}
  end

  @doc "The options of `ExMonty.eval/2` apart: inputs, the options of compiling, the options of running."
  def eval!(opts) do
    only!(opts, @compile_options ++ @run_options)
    {inputs, opts} = Keyword.pop(opts, :inputs, %{})
    inputs = inputs!(inputs)
    {compile, run} = Keyword.split(opts, @compile_options)
    {inputs, [inputs: Map.keys(inputs)] ++ compile, run}
  end

  @doc "Inputs as a map with string keys."
  def inputs!(inputs) when is_map(inputs) and not is_struct(inputs) do
    named = Map.new(inputs, fn {name, value} -> {name!(name), value} end)

    if map_size(named) < map_size(inputs) do
      refuse!(:inputs, inputs, "a map in which each name stands once, as an atom or as a string")
    end

    named
  end

  def inputs!(other), do: refuse!(:inputs, other, "a map of name (atom or string) to value")

  @doc "The values of `inputs` in the order of `names`."
  def values!(inputs, names) do
    inputs = inputs!(inputs)
    unknown = Map.keys(inputs) -- names
    missing = Enum.reject(names, &is_map_key(inputs, &1))

    if unknown != [] do
      raise ArgumentError, "unknown inputs #{list(unknown)}; the runner was compiled with #{list(names)}"
    end

    if missing != [] do
      raise ArgumentError, "missing inputs #{list(missing)}; the runner was compiled with #{list(names)}"
    end

    Enum.map(names, &Map.fetch!(inputs, &1))
  end

  @doc "Checks that `opts` is a keyword list with accepted keys, each once; `of` says in errors what they are options of."
  def only!(opts, accepted, of \\ "") do
    unless Keyword.keyword?(opts) do
      raise ArgumentError, "invalid options#{of}: #{inspect(opts)}; accepted: a keyword list"
    end

    case Keyword.keys(opts) -- accepted do
      [] ->
        :ok

      [option | _] ->
        if option in accepted do
          raise ArgumentError, "option #{inspect(option)}#{of} is given twice"
        else
          accepted = Enum.map_join(accepted, ", ", &inspect/1)
          raise ArgumentError, "unknown option #{inspect(option)}#{of}; accepted: #{accepted}"
        end
    end
  end

  defp input_names!(names) when is_list(names) do
    accepted = "a list of different names (atoms or strings)"
    # The length of an improper list is not a number.
    if List.improper?(names), do: refuse!(:inputs, names, accepted)
    named = Enum.map(names, &name!/1)
    if named != Enum.uniq(named), do: refuse!(:inputs, names, accepted)
    named
  end

  defp input_names!(other), do: refuse!(:inputs, other, "a list of different names (atoms or strings)")

  defp name!(name) when is_atom(name) and name not in [nil, true, false], do: Atom.to_string(name)

  defp name!(name) do
    if is_binary(name) and String.valid?(name),
      do: name,
      else: refuse!(:inputs, name, "names that are atoms or strings")
  end

  defp script_name!(name) do
    if is_binary(name) and name != "" and String.valid?(name),
      do: name,
      else: refuse!(:script_name, name, "a string that is not empty")
  end

  defp source_bytes!(bytes) when is_integer(bytes) and bytes > 0, do: bytes
  defp source_bytes!(other), do: refuse!(:max_source_bytes, other, "a positive integer")

  defp dynamic_code!(allowed) when is_boolean(allowed), do: allowed
  defp dynamic_code!(other), do: refuse!(:dynamic_code, other, "true or false")

  defp cwd!(nil), do: nil

  defp cwd!("/" <> _ = cwd) do
    if String.valid?(cwd) and not String.contains?(cwd, <<0>>), do: cwd, else: refuse_cwd!(cwd)
  end

  defp cwd!(other), do: refuse_cwd!(other)

  @spec refuse_cwd!(term) :: no_return
  defp refuse_cwd!(cwd), do: refuse!(:cwd, cwd, "an absolute path, such as \"/work\"")

  defp clock!(clock) when clock in [:system, :host], do: clock

  # The years are those of Python.
  defp clock!(%DateTime{year: year, microsecond: {microsecond, _precision}} = fixed)
       when year in 1..9999 and microsecond in 0..999_999 do
    {DateTime.to_unix(fixed), microsecond}
  rescue
    # A struct that was made by hand, and is no time.
    _error -> refuse_clock!(fixed)
  end

  defp clock!(other), do: refuse_clock!(other)

  @spec refuse_clock!(term) :: no_return
  defp refuse_clock!(clock),
    do: refuse!(:clock, clock, ":system, :host or a %DateTime{} of the years 1 to 9999")

  defp timezone!("UTC"), do: {0, "UTC"}

  defp timezone!(seconds) when is_integer(seconds) and abs(seconds) <= @max_offset, do: {seconds, nil}

  defp timezone!(zone) when is_binary(zone) do
    cond do
      offset = offset(zone) -> {offset, nil}
      Native.time_zone?(zone) -> zone
      true -> refuse_timezone!(zone)
    end
  end

  defp timezone!(other), do: refuse_timezone!(other)

  @spec refuse_timezone!(term) :: no_return
  defp refuse_timezone!(zone) do
    accepted = "an IANA name such as \"Europe/Zurich\", an offset such as \"+02:00\", or an offset in seconds"
    refuse!(:timezone, zone, accepted)
  end

  defp offset(zone) do
    with [_, sign, hours, minutes] <- Regex.run(~r/\A([+-])([01][0-9]|2[0-3]):([0-5][0-9])\z/, zone) do
      seconds = String.to_integer(hours) * 3600 + String.to_integer(minutes) * 60
      if sign == "-", do: -seconds, else: seconds
    end
  end

  defp seed!(nil), do: nil

  defp seed!(seed) when is_integer(seed) and abs(seed) < Bitwise.bsl(1, @max_seed_bits),
    do: Integer.to_string(seed)

  defp seed!(other), do: refuse!(:seed, other, "an integer of at most #{@max_seed_bits} bits")

  defp list([]), do: "no inputs"
  defp list(names), do: Enum.map_join(names, ", ", &inspect/1)

  @spec refuse!(atom, term, String.t()) :: no_return
  defp refuse!(option, value, accepted) do
    raise ArgumentError, "invalid option #{inspect(option)}: #{inspect(value)}; accepted: #{accepted}"
  end
end
