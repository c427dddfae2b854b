defmodule ExMonty.Test.Peers do
  @moduledoc false

  # Real nodes beside this one, on this machine.

  import ExUnit.Callbacks, only: [on_exit: 1]

  @doc "Makes this node one that others can connect to."
  def distribute! do
    unless Node.alive?() do
      {_, 0} = System.cmd("epmd", ["-daemon"])
      {:ok, _} = :net_kernel.start([:"ex_monty-#{System.pid()}@127.0.0.1", :longnames])
    end

    :ok
  end

  @doc "Starts a node with the code of this one. It ends with the test."
  def start! do
    name = :"ex_monty-peer-#{System.pid()}-#{System.unique_integer([:positive])}"
    paths = Enum.flat_map(:code.get_path(), &['-pa', &1])

    {:ok, peer, node} =
      :peer.start(%{
        name: name,
        host: '127.0.0.1',
        longnames: true,
        wait_boot: 300_000,
        args: paths ++ ['-setcookie', Atom.to_charlist(Node.get_cookie())]
      })

    on_exit(fn -> stop(peer) end)
    {:ok, _apps} = :erpc.call(node, Application, :ensure_all_started, [:elixir])
    {:ok, _apps} = :erpc.call(node, Application, :ensure_all_started, [:ex_monty])
    :global.sync()
    {peer, node}
  end

  @doc "Kills a node as a power cut would."
  def kill!(node) do
    pid = :erpc.call(node, System, :pid, [])
    :erlang.monitor_node(node, true)
    {_, 0} = System.cmd("kill", ["-9", pid])

    receive do
      {:nodedown, ^node} -> :ok
    end
  end

  # What follows is called on the other nodes, which have the code of this file, and not that of a test.

  @doc "A function for scripts that suspends their step."
  def suspend([tag], _kwargs), do: {:suspend, tag}

  @doc "A function for scripts that holds their step until the process that is globally `name` lets it go."
  def hold([name], _kwargs) do
    {:global, name} |> GenServer.whereis() |> send({:held, self()})

    receive do
      :go -> {:ok, Atom.to_string(node())}
    end
  end

  @doc "Starts a workspace on a node, linked to nobody."
  def start_workspace(node, options) do
    :erpc.call(node, __MODULE__, :unlinked, [ExMonty.Workspace, options])
  end

  @doc "Starts a supervisor of workspaces on a node, linked to nobody."
  def start_supervisor(node, name) do
    :erpc.call(node, __MODULE__, :unlinked, [DynamicSupervisor, [strategy: :one_for_one, name: name]])
  end

  def unlinked(module, options) do
    {:ok, pid} = module.start_link(options)
    Process.unlink(pid)
    {:ok, pid}
  end

  @doc "Starts a process that stands where a supervisor is looked for, tells `test` when it is asked, and never answers."
  def start_gate(node, name, test) do
    gate = :erlang.spawn(node, __MODULE__, :gate, [test])
    :yes = :global.register_name(name, gate)
    gate
  end

  def gate(test) do
    receive do
      {:"$gen_call", _from, {:start_child, _spec}} -> send(test, {:asked, self()})
    end

    Process.sleep(:infinity)
  end

  defp stop(peer) do
    :peer.stop(peer)
  catch
    :exit, _already_gone -> :ok
  end
end
