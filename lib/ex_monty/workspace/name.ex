defmodule ExMonty.Workspace.Name do
  @moduledoc false

  # How a workspace is found: by OTP's own registries, and under what name a store keeps it.

  @type t :: atom | String.t() | {:global, term} | {:via, module, term}

  @accepted "an atom, a string (known on all connected nodes), {:global, term} or {:via, module, term}"

  @doc "The name as OTP takes it. A string is a name that all connected nodes know."
  @spec registered!(t | nil) :: nil | atom | {:global, term} | {:via, module, term}
  def registered!(nil), do: nil
  def registered!(name) when is_binary(name), do: {:global, {ExMonty.Workspace, name}}
  def registered!({:global, _term} = name), do: name
  def registered!({:via, module, _term} = name) when is_atom(module), do: name
  def registered!(name) when is_atom(name) and name not in [true, false, :undefined], do: name

  def registered!(other) do
    raise ArgumentError, "invalid option :name: #{inspect(other)}; accepted: #{@accepted}"
  end

  @doc "The process that has the name now, on whichever node; nil if there is none."
  @spec whereis(t) :: pid | nil
  def whereis(name) do
    case GenServer.whereis(registered!(name)) do
      pid when is_pid(pid) -> pid
      _ -> nil
    end
  end

  @doc "Whom to call: a process, or what a name leads to."
  def server(pid) when is_pid(pid), do: pid

  def server({name, node} = server) when is_atom(name) and is_atom(node) and name not in [:global, :via],
    do: server

  def server(name), do: registered!(name)

  @doc "As `whereis/1`, for whatever a workspace may be called by."
  def whereis_or_pid(pid) when is_pid(pid), do: pid
  def whereis_or_pid(name), do: whereis(name)

  @doc """
  Makes the calling process the one that has the name, whoever had it. `former` is the process that it has the workspace
  from, if there is one.
  """
  @spec take_over(nil | atom | {:global, term} | {:via, module, term}, pid | nil) :: :ok
  def take_over(name, former \\ nil)
  def take_over(nil, _former), do: :ok

  # One step on every node: nobody finds the name without a process.
  def take_over({:global, term}, _former) do
    :global.re_register_name(term, self())
    :ok
  end

  # What is said of a local name holds for a registry of one node, too.
  def take_over({:via, module, term} = name, former) do
    holder = whereis(name)

    if holder != self() do
      release(holder, former)
      module.unregister_name(term)
      module.register_name(term, self())
    end

    :ok
  end

  # A local name is one of this node: that of the node before leads to the process there, which passes calls on. One that
  # moves back finds such a process here, and does not leave the name to it: it ends with the node that it passes on to.
  def take_over(name, former) do
    release(Process.whereis(name), former)
    if Process.whereis(name) == nil, do: Process.register(self(), name)
    :ok
  end

  # A process that is no workspace is asked nothing, nor is the one that still serves. One that ends meanwhile has no name.
  defp release(holder, former)
       when is_pid(holder) and is_pid(former) and holder not in [self(), former] and node(holder) == node() do
    if :proc_lib.translate_initial_call(holder) == {ExMonty.Workspace.Server, :init, 1} and
         GenServer.call(holder, :here, :timer.seconds(5)) == former,
       do: GenServer.call(holder, :release_name)
  catch
    :exit, _reason -> :ok
  end

  defp release(_holder, _former), do: :ok

  @doc "Makes the calling process one that does not have the name."
  @spec give_up(atom | {:via, module, term}) :: :ok
  def give_up({:via, module, term}) do
    module.unregister_name(term)
    :ok
  end

  def give_up(name) do
    Process.unregister(name)
    :ok
  end

  @doc "What a store calls the workspace."
  @spec stored!(nil | t) :: String.t()
  def stored!(name) do
    case name do
      {:global, {ExMonty.Workspace, name}} -> stored!(name)
      {:global, term} when is_binary(term) or is_atom(term) -> stored!(term)
      {:via, Registry, {_registry, term}} when is_binary(term) or is_atom(term) -> stored!(term)
      {:via, _module, term} when is_binary(term) or is_atom(term) -> stored!(term)
      name when is_atom(name) and name != nil -> Atom.to_string(name)
      name when is_binary(name) -> if String.valid?(name) and name != "", do: name, else: unnamed!(name)
      other -> unnamed!(other)
    end
  end

  defp unnamed!(name) do
    raise ArgumentError,
          "invalid option :name: #{inspect(name)}; accepted with :store: a name that is a string or an atom, " <>
            "or {:global, …} or {:via, module, …} with one of these"
  end
end
