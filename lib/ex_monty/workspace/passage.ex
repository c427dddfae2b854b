defmodule ExMonty.Workspace.Passage do
  @moduledoc false

  # How a workspace gets to another node.
  #
  #     here                                    there
  #     offers itself, under a token
  #     asks for a process ───────────────────▶ starts, and asks for what is offered
  #     hands it over      ◀───────────────────
  #                        ───────────────────▶ holds it, and waits
  #     tells it to take over ────────────────▶ has the name, and serves
  #     passes on what it is asked
  #
  # Until the last step the workspace is here: whatever goes wrong before, it goes on here. One that waits there ends when
  # whoever moves it does, or the one here; with a store it is then in the store.

  alias ExMonty.Error
  alias ExMonty.Workspace.{Options, Server}

  @doc "Makes the workspace of `server` one of `node`; gives the process there."
  @spec pass(pid, binary, Options.t(), node, GenServer.server() | nil) :: {:ok, pid} | {:error, term}
  def pass(server, image, options, node, supervisor) do
    token = make_ref()

    with :ok <- GenServer.call(server, {:offer, token, image}, :infinity),
         {:ok, pid} <- settled(server, token, options, node, supervisor) do
      case take_over(pid, token) do
        :ok ->
          {:ok, pid}

        error ->
          # Its supervisor takes this for an end that was wanted.
          Process.exit(pid, :shutdown)
          error
      end
    end
  end

  defp settled(server, token, options, node, supervisor) do
    :erpc.call(node, __MODULE__, :settle_in, [server, token, options, supervisor], :timer.minutes(5))
  catch
    :error, {:erpc, reason} ->
      {:error, unreachable(node, reason)}

    kind, reason ->
      {:error, %Error{reason: :move_failed, message: "on #{node}: #{Exception.format_banner(kind, reason)}"}}
  end

  @doc "The error for a node that cannot be asked."
  @spec unreachable(node, term) :: Error.t()
  def unreachable(node, reason) do
    %Error{reason: :node_unreachable, message: "the node #{node} cannot be reached: #{inspect(reason)}"}
  end

  @doc false
  def settle_in(former, token, options, nil), do: Server.start(:nolink, options, {:adopted, former, token})

  def settle_in(former, token, options, supervisor) do
    start = {Server, :start, [:link, options, {:adopted, former, token}]}
    spec = %{id: Server, start: start, restart: :transient}

    case DynamicSupervisor.start_child(supervisor, spec) do
      :ignore -> {:error, %Error{reason: :move_failed, message: "the workspace was not handed over"}}
      started -> started
    end
  end

  defp take_over(server, token) do
    GenServer.call(server, {:take_over, token}, :timer.seconds(30))
  catch
    :exit, reason ->
      {:error,
       %Error{reason: :move_failed, message: "it was not taken over: #{Exception.format_exit(reason)}"}}
  end
end
