defmodule ExMonty.Test.Attack do
  @moduledoc false

  # One script that means harm, what it is given, and what it must come to. It is data, apart from `run`, so that it can
  # be sent to another node: the one that is attacked.

  @enforce_keys [:name, :expect]
  defstruct [:name, :expect, :code, :run, opts: [], memory: nil, way: :alone]

  # `run` is `{module, function, args}` for what is more than one script. `memory` is how many MiB the process of the
  # node may hold more at the peak than before; nil where nothing is said about it. `way` says with whom the node is
  # shared: with nobody; with all others that only wait for their time to be over, `:together`; or not at all, `:apart`, by
  # what leaves a thread behind that computes on.
  @type t :: %__MODULE__{
          name: String.t(),
          code: String.t() | nil,
          run: {module, atom, list} | nil,
          opts: keyword,
          expect: outcome,
          memory: pos_integer | nil,
          way: :alone | :together | :apart
        }

  @type outcome :: {:ok, term} | {:raised, atom} | {:refused, atom} | {:other, term}

  @spec new(String.t(), String.t() | {module, atom, list}, outcome, keyword) :: t
  def new(name, script, expect, opts \\ []) do
    {ours, opts} = Keyword.split(opts, [:memory, :way])
    attack = struct!(%__MODULE__{name: name, expect: expect, opts: opts}, ours)
    if is_binary(script), do: %{attack | code: script}, else: %{attack | run: script}
  end

  # Runs the attack here: its outcome, and a line about it for whoever reads of a failure.
  @spec execute(t) :: {outcome, String.t()}
  def execute(%__MODULE__{run: {module, function, args}}), do: outcome(apply(module, function, args))
  def execute(%__MODULE__{} = attack), do: outcome(ExMonty.Sandbox.run(attack.code, attack.opts))

  # How many MiB more than before the node may hold when all is over: what the allocators of the VM and of the native
  # library keep for the next time.
  @spec remainder() :: pos_integer
  def remainder, do: 128

  @spec expected?(t, outcome) :: boolean
  def expected?(%__MODULE__{expect: expected}, outcome), do: expected === outcome

  @spec late?(outcome) :: boolean
  def late?(outcome), do: outcome == {:raised, :timeout_error}

  # The same attack with so many seconds, whatever it had.
  @spec with_time(t, pos_integer) :: t
  def with_time(attack, seconds) do
    limits = attack.opts |> Keyword.get(:limits, %{}) |> Map.put(:max_duration_secs, seconds)
    %{attack | opts: Keyword.put(attack.opts, :limits, limits)}
  end

  @doc false
  @spec outcome(term) :: {outcome, String.t()}
  def outcome({:ok, value, output}) do
    # What is large is nothing that an attack expects.
    value = if :erlang.external_size(value) > 100_000, do: :large, else: value
    {{:ok, value}, "#{byte_size(output)} bytes printed"}
  end

  def outcome({:error, %ExMonty.Exception{} = exception}) do
    {{:raised, exception.type}, String.slice(Exception.message(exception), 0, 200)}
  end

  def outcome({:error, %ExMonty.Error{} = error}) do
    {{:refused, error.reason}, String.slice(Exception.message(error), 0, 200)}
  end

  def outcome(other), do: {{:other, other}, ""}
end
