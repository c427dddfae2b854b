defmodule ExMonty.Test.AttackedNode do
  @moduledoc false

  # Another VM, in an operating system process of its own, on which attacks are run: one that dies is a failed test and
  # not a dead suite. It is started from the compiled code, without Mix, and told what to do by its file descriptors 3
  # and 4, so that it needs no distribution and whatever is printed there stays visible.
  #
  # The node is started when it is first needed and again after it died. One process uses one node.

  use GenServer

  alias ExMonty.Test.Attack
  alias ExMonty.Test.AttackedNode.Peer

  @type report :: %{
          outcome: Attack.outcome(),
          detail: String.t(),
          milliseconds: non_neg_integer,
          start: integer,
          peak: integer,
          rest: integer,
          ping: non_neg_integer,
          stranded: non_neg_integer
        }

  @type result :: {:ok, report} | {:died, non_neg_integer | :afterwards} | :silent

  # Long enough for the slowest attack on a busy machine: what is not answered by then is not answered at all.
  @patience 120_000

  def start_link(options \\ []), do: GenServer.start_link(__MODULE__, options)

  @doc false
  # Runs attacks, all at once, and answers a report for each; or the status the node exited with.
  @spec attack(pid, [Attack.t()]) :: {:ok, [report]} | {:died, non_neg_integer} | :silent
  def attack(node, attacks), do: GenServer.call(node, {:attack, attacks}, :infinity)

  @doc false
  # Whether the node answers, and a script on it is answered rightly.
  @spec alive?(pid) :: boolean
  def alive?(node), do: GenServer.call(node, :alive?, :infinity)

  @impl true
  def init(options) do
    Process.flag(:trap_exit, true)
    {:ok, %{port: nil, options: options}}
  end

  @impl true
  def handle_call({:attack, attacks}, _from, state) do
    {answer, state} = ask(state, {:attack, attacks})
    {:reply, answer, state}
  end

  def handle_call(:alive?, _from, state) do
    {answer, state} = ask(state, :ping)
    {:reply, answer == {:ok, :pong}, state}
  end

  # The port of a node that died.
  @impl true
  def handle_info({:EXIT, port, _reason}, state) when is_port(port), do: {:noreply, state}

  @impl true
  def terminate(_reason, %{port: port}), do: if(port, do: kill(port))

  defp ask(%{port: nil} = state, question), do: ask(%{state | port: open(state.options)}, question)

  defp ask(%{port: port} = state, question) do
    Port.command(port, :erlang.term_to_binary(question))
    patience = Keyword.get(state.options, :patience, @patience)

    receive do
      {^port, {:data, answer}} ->
        {{:ok, :erlang.binary_to_term(answer)}, state}

      {^port, {:exit_status, status}} ->
        {{:died, status}, %{state | port: nil}}
    after
      patience ->
        kill(port)
        {:silent, %{state | port: nil}}
    end
  end

  defp open(options) do
    # Absolute ones: "." is there as well.
    paths = for [?/ | _] = path <- :code.get_path(), argument <- ["-pa", List.to_string(path)], do: argument

    arguments =
      ["-noinput", "-noshell", "-start_epmd", "false"] ++
        Keyword.get(options, :arguments, []) ++
        paths ++ ["-s", Atom.to_string(Peer), "main"]

    Port.open({:spawn_executable, System.find_executable("erl")}, [
      :binary,
      :nouse_stdio,
      :exit_status,
      packet: 4,
      args: arguments,
      # A crash dump of a node that was made to crash is of no use to anybody.
      env: [{'ERL_CRASH_DUMP_BYTES', '0'}]
    ])
  end

  # The process that was started here, by its own number.
  defp kill(port) do
    with {:os_pid, pid} <- Port.info(port, :os_pid) do
      System.cmd("kill", ["-KILL", Integer.to_string(pid)], stderr_to_stdout: true)
    end

    # It closes by itself when the process is gone, which may be at any moment.
    try do
      Port.close(port)
    rescue
      ArgumentError -> true
    end
  end
end
