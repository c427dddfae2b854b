defmodule ExMonty.Test.FlakyStore do
  @moduledoc false

  # A store in memory that fails when it is told to, before or after it has done what it was asked.

  @behaviour ExMonty.Workspace.Store

  use Agent

  def start_link(_ \\ []), do: Agent.start_link(fn -> %{values: %{}, fail: nil, puts: []} end)

  @doc "Lets everything fail for whose function and key this is true, or `:afterwards`, when it has been done; nil ends it."
  def fail(store, predicate), do: Agent.update(store, &%{&1 | fail: predicate}, :infinity)

  @doc "Lets a put under a key that begins so stand still, as `held/0` tells the caller of this, until it is let go."
  def hold(store, beginning) do
    test = self()

    fail(store, fn function, key ->
      if function == :put and String.starts_with?(key, beginning) do
        send(test, {__MODULE__, self()})
        receive(do: ({__MODULE__, put} -> put == :not_made))
      end
    end)
  end

  @doc "Waits until a put stands still."
  def held do
    receive(do: ({__MODULE__, store} -> store))
  end

  @doc "Lets the put be made, or not."
  def let_go(store, put) when put in [:made, :not_made], do: send(store, {__MODULE__, put})

  @doc "The keys and sizes that were put since this was asked last, in order."
  def puts(store), do: Agent.get_and_update(store, &{Enum.reverse(&1.puts), %{&1 | puts: []}}, :infinity)

  @impl true
  def put(store, key, value) do
    act(store, :put, key, fn state ->
      {:ok,
       %{state | values: Map.put(state.values, key, value), puts: [{key, byte_size(value)} | state.puts]}}
    end)
  end

  @impl true
  def get(store, key) do
    act(store, :get, key, fn state ->
      case state.values do
        %{^key => value} -> {{:ok, value}, state}
        _ -> {{:error, :not_found}, state}
      end
    end)
  end

  @impl true
  def delete(store, key) do
    act(store, :delete, key, &{:ok, %{&1 | values: Map.delete(&1.values, key)}})
  end

  @impl true
  def list(store), do: act(store, :list, nil, &{{:ok, Map.keys(&1.values)}, &1})

  defp act(store, function, key, work) do
    acted = fn state ->
      case state.fail && state.fail.(function, key) do
        true -> {{:error, :disk_full}, state}
        :afterwards -> {{:error, :disk_full}, state |> work.() |> elem(1)}
        _ -> work.(state)
      end
    end

    # A put that is held stands still for as long as the test wants.
    Agent.get_and_update(store, acted, :infinity)
  end
end
