defmodule ExMonty.Workspace.Options do
  @moduledoc false

  # The options of a workspace and of its steps, validated once, in the process of whoever gives them.

  alias ExMonty.{Dump, Sandbox}
  alias ExMonty.Workspace.{Name, Store}

  @own [
    mounts:
      "a list of mount specs, or an `ExMonty.Mount` that nobody else uses: the files it begins with. Default: nothing mounted.",
    name:
      "an atom, `{:global, term}`, `{:via, module, term}`, or a string, which is a name on all connected nodes. " <>
        "Default: none.",
    store:
      "`{module, config}` of an `ExMonty.Workspace.Store`: it is saved there after each step, under its `:name`, and goes " <>
        "on from what is there. Default: none.",
    from: "a binary of `dump/1` to begin with, in the place of `:mounts`. Default: none.",
    hosts:
      "map of virtual path to host directory, for a dump or a store. Default: those of `:mounts`, when they are specs.",
    key:
      "a secret binary that seals dumps and what is stored: nobody without it can make one that is loaded. Default: none.",
    idle_timeout:
      "milliseconds without work after which the interpreter is given up for the bytes of its variables, or " <>
        "`:infinity`. Default: `:infinity`."
  ]

  @sandbox [:functions, :handler, :modules, :os, :env, :callback_timeout]
  @session [
    :limits,
    :cwd,
    :clock,
    :timezone,
    :seed,
    :script_name,
    :max_source_bytes,
    :dynamic_code
  ]
  @run [:inputs, :limits, :timeout, :on_output, :on_error, :queue]

  # There is a secret in it, and it is in messages of supervisors.
  @derive {Inspect, only: [:name]}
  @enforce_keys [:given]
  defstruct [
    :given,
    :name,
    :registered,
    :stored,
    :store,
    :from,
    :key,
    mounts: [],
    hosts: %{},
    idle_timeout: :infinity,
    sandbox: [],
    session: []
  ]

  @type t :: %__MODULE__{}

  @doc false
  def docs, do: Enum.map_join(@own, "\n", fn {name, text} -> "    * `:#{name}` – #{text}" end)

  @doc "The options of `start_link/1`."
  @spec start!(keyword) :: t
  def start!(opts) do
    ExMonty.Options.only!(opts, Keyword.keys(@own) ++ @sandbox ++ @session)
    # What a run refuses is refused here already.
    Sandbox.Options.validate!(Keyword.take(opts, @sandbox ++ @session))

    registered = Name.registered!(opts[:name])
    store = opts[:store] && Store.validate!(opts[:store])
    mounts = mounts!(Keyword.get(opts, :mounts, []))

    %__MODULE__{
      given: opts,
      name: opts[:name],
      registered: registered,
      stored: store && Name.stored!(opts[:name]),
      store: store,
      from: from!(opts[:from]),
      key: opts |> Keyword.take([:key]) |> Dump.options!([:key]) |> Keyword.get(:key),
      mounts: mounts,
      hosts: hosts!(opts[:hosts], mounts),
      idle_timeout: idle_timeout!(Keyword.get(opts, :idle_timeout, :infinity)),
      sandbox: Keyword.take(opts, @sandbox),
      session: Keyword.take(opts, @session)
    }
  end

  @doc "Those that are still needed when a workspace has begun: what it began with may be large, and is in it now."
  @spec settled(t) :: t
  def settled(%__MODULE__{} = options) do
    given = Keyword.drop(options.given, [:mounts, :from])
    %{options | given: given, mounts: [], from: nil}
  end

  @doc "Those of a fork: what its template was given, but for what names it, and `opts`."
  @spec fork!(t, keyword) :: t
  def fork!(%__MODULE__{given: given, hosts: hosts}, opts) do
    ExMonty.Options.only!(opts, @sandbox ++ (Keyword.keys(@own) -- [:mounts, :from, :hosts]))
    given = Keyword.drop(given, [:name, :store, :hosts, :mounts, :from])
    start!([hosts: hosts] ++ Keyword.merge(given, opts))
  end

  @doc "The options of `run/3`."
  @spec run!(keyword) :: map
  def run!(opts) do
    ExMonty.Options.only!(opts, @run)
    Sandbox.Options.validate!(Keyword.take(opts, [:inputs, :limits, :timeout, :on_output]))

    %{
      on_error: one_of!(opts, :on_error, [:keep, :rollback]),
      patience: if(one_of!(opts, :queue, [true, false]), do: :queue, else: :now),
      inputs: Keyword.take(opts, [:inputs]),
      limits: Keyword.take(opts, [:limits]),
      watch: Keyword.take(opts, [:timeout, :on_output])
    }
  end

  @doc "The options of `resume/4`."
  @spec resume!(keyword) :: map
  def resume!(opts) do
    ExMonty.Options.only!(opts, [:timeout, :on_output])
    run!(opts)
  end

  @doc "The options of `move/3`: the supervisor, or nil."
  @spec supervisor!(keyword) :: GenServer.server() | nil
  def supervisor!(opts) do
    ExMonty.Options.only!(opts, [:supervisor])

    case opts[:supervisor] do
      name when is_atom(name) or (is_tuple(name) and elem(name, 0) in [:global, :via]) -> name
      other -> refuse!("option :supervisor", other, "the name of a DynamicSupervisor")
    end
  end

  @doc "Everything that a step needs, as who takes it wants it."
  @spec step(t, map) :: map
  def step(%__MODULE__{} = options, run) do
    driver = Sandbox.Options.validate!(options.sandbox ++ run.watch)
    # Those of the session may be from a workspace before this one, which was given others.
    limits = if run.limits == [], do: Keyword.take(options.session, [:limits]), else: run.limits

    %{
      on_error: run.on_error,
      session: options.session,
      start: run.inputs ++ limits,
      driver: %{driver | suspend: :allowed}
    }
  end

  defp one_of!(opts, option, [default | _] = accepted) do
    value = Keyword.get(opts, option, default)

    if value in accepted,
      do: value,
      else: refuse!("option #{inspect(option)}", value, Enum.map_join(accepted, ", ", &inspect/1))
  end

  defp mounts!(%ExMonty.Mount{} = mounts), do: mounts
  defp mounts!(specs) when is_list(specs), do: specs
  defp mounts!(other), do: refuse!("option :mounts", other, "a list of mount specs or an ExMonty.Mount")

  defp hosts!(nil, specs) when is_list(specs) do
    for spec <- specs,
        is_tuple(spec) and tuple_size(spec) in 3..4,
        is_binary(elem(spec, 0)) and is_binary(elem(spec, 1)),
        into: %{},
        do: {normal(elem(spec, 0)), elem(spec, 1)}
  end

  defp hosts!(nil, _mounts), do: %{}

  defp hosts!(hosts, _mounts) when is_map(hosts) and not is_struct(hosts) do
    if Enum.all?(hosts, fn {virtual, host} -> is_binary(virtual) and is_binary(host) end),
      do: hosts,
      else: refuse!("option :hosts", hosts, "a map of virtual path to host directory")
  end

  defp hosts!(other, _mounts), do: refuse!("option :hosts", other, "a map of virtual path to host directory")

  # `/d` and `/d/` are the same mount.
  defp normal("/"), do: "/"
  defp normal(virtual), do: String.trim_trailing(virtual, "/")

  defp from!(from) when is_binary(from) or is_nil(from), do: from
  defp from!(other), do: refuse!("option :from", other, "a binary of ExMonty.Workspace.dump/1")

  defp idle_timeout!(:infinity), do: :infinity
  defp idle_timeout!(timeout) when is_integer(timeout) and timeout >= 0, do: timeout

  defp idle_timeout!(other),
    do: refuse!("option :idle_timeout", other, "a number of milliseconds, or :infinity")

  @spec refuse!(String.t(), term, String.t()) :: no_return
  defp refuse!(what, value, accepted) do
    raise ArgumentError, "invalid #{what}: #{inspect(value)}; accepted: #{accepted}"
  end
end
