defmodule ExMonty.Test.Workspaces do
  @moduledoc false

  # Workspaces whose scripts can wait for the test, and be suspended.

  import ExUnit.Assertions
  import ExUnit.Callbacks

  alias ExMonty.Workspace

  @doc "Starts a workspace that lives as long as the test, with `gate(name)` and `suspend(tag)` for its scripts."
  def start(opts \\ []) do
    defaults = [
      mounts: [{"/work", :memory}],
      functions: %{"gate" => gate(self()), "suspend" => fn [tag], _ -> {:suspend, tag} end},
      # What waits for the test waits for as long as it takes, and what is to be killed does not end before.
      callback_timeout: :infinity,
      limits: %{max_duration_secs: 1_000}
    ]

    start_supervised!({Workspace, Keyword.merge(defaults, opts)}, id: make_ref(), restart: :temporary)
  end

  # Waits until the test lets it go on.
  defp gate(test) do
    fn [name], _kwargs ->
      send(test, {:at, name, self()})

      receive do
        :go -> {:ok, name}
      end
    end
  end

  @doc "Waits until a script is at the gate `name`; gives whom to send `:go`."
  def at(name) do
    assert_receive {:at, ^name, pid}
    pid
  end

  @doc "Waits until so many callers wait."
  def queued(ws, count), do: until(fn -> Workspace.info(ws).queued == count end)

  @doc "What `work` comes to in a process of its own, to be awaited; `:died` when the workspace did."
  def caller(work) do
    Task.async(fn ->
      try do
        work.()
      catch
        :exit, _reason -> :died
      end
    end)
  end

  @doc "Lets so many microseconds pass: the moment of a fault, not a wait for anything."
  def spin(microseconds), do: spin_until(System.monotonic_time(:microsecond) + microseconds)
  defp spin_until(until), do: if(System.monotonic_time(:microsecond) < until, do: spin_until(until))

  defdelegate until(condition), to: ExMonty.Patience
end
