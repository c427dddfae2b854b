defmodule ExMonty.Test.DurableAgent do
  @moduledoc false

  # A node whose only purpose is to be killed: it does steps, each of which changes a variable and files, and says on
  # its output when one begins and when it has been answered. Every fifth is suspended and resumed.
  #
  # It is a store, too, that of a directory, which says when the step has been noted, when a save begins, and when its
  # head is there: so that whoever kills it can tell where.

  alias ExMonty.Workspace
  alias ExMonty.Workspace.Store.Directory

  @behaviour ExMonty.Workspace.Store

  @name "durable"
  @step """
  n = n + 1
  with open('/work/log', 'a') as log:
      log.write(f'{n}\\n')
  open(f'/work/{n % 7}', 'w').write(str(n) * 1000)
  if n % 5 == 0:
      answers.append(ask(n))
  n
  """

  def options(directory) do
    [
      name: @name,
      store: {Directory, directory},
      mounts: [{"/work", :memory}],
      functions: %{"ask" => &__MODULE__.ask/2},
      key: "a key"
    ]
  end

  def ask([n], _kwargs), do: {:suspend, {"ask", n}}

  # What a node does from its start to its end, which is violent.
  def main(directory) do
    {:ok, _apps} = Application.ensure_all_started(:ex_monty)
    File.write!(said_in(directory), "")
    :persistent_term.put(__MODULE__, said_in(directory))

    {:ok, ws} =
      directory |> options() |> Keyword.replace!(:store, {__MODULE__, directory}) |> Workspace.start_link()

    if Workspace.info(ws).steps == 0 do
      {:ok, _, _} = Workspace.run(ws, "n = 0; answers = []")
    end

    say("up")
    finish_suspended(ws)
    loop(ws)
  end

  @impl true
  def put(directory, key, value) do
    say("saving")
    Directory.put(directory, key, value)
  end

  @impl true
  def swap(directory, "step/" <> _ = key, value, expected) do
    with :ok <- Directory.swap(directory, key, value, expected), do: say("noted")
  end

  def swap(directory, key, value, expected) do
    say("saving")
    with :ok <- Directory.swap(directory, key, value, expected), do: say("saved")
  end

  @impl true
  defdelegate get(directory, key), to: Directory
  @impl true
  defdelegate delete(directory, key), to: Directory
  @impl true
  defdelegate list(directory), to: Directory

  defp loop(ws) do
    say("begin")

    case Workspace.run(ws, @step) do
      {:ok, n, ""} ->
        say("done #{n}")

      {:suspended, {"ask", n}, ""} ->
        say("suspended #{n}")
        resume(ws, n)
        say("done #{n}")
    end

    loop(ws)
  end

  def finish_suspended(ws) do
    case Workspace.suspensions(ws) do
      [{"ask", n}] -> resume(ws, n)
      [] -> :ok
    end
  end

  defp resume(ws, n) do
    {:ok, ^n, ""} = Workspace.resume(ws, {"ask", n}, {:ok, "answer #{n}"})
    :ok
  end

  # In a file first: output that is on its way when the node is killed is lost with it, what was written to a file is not.
  defp say(text) do
    File.write!(:persistent_term.get(__MODULE__), text <> "\n", [:append])
    :ok = :file.write(:standard_io, text <> "\n")
  end

  @doc "What the last node over a directory has said, the last first."
  def said(directory),
    do: directory |> said_in() |> File.read!() |> String.split("\n", trim: true) |> Enum.reverse()

  @doc "The file that it is in."
  def said_in(directory), do: directory <> ".said"
end
