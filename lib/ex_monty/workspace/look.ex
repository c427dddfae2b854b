defmodule ExMonty.Workspace.Look do
  @moduledoc false

  # Looking at files, which is done while a step runs. What is looked for may be large, so the workspace's process does not
  # do it.

  alias ExMonty.Mount

  @type question :: :files | :changes | {:read | :diff, path :: String.t()}

  @doc "Answers the caller `from`, in a process of its own."
  @spec answer(question, GenServer.from(), Mount.t()) :: pid
  def answer(question, from, mounts), do: spawn(fn -> GenServer.reply(from, seen(question, mounts)) end)

  defp seen(:files, mounts), do: Mount.walk(mounts, "/")
  defp seen({:read, path}, mounts), do: Mount.read(mounts, path)
  defp seen(:changes, mounts), do: Mount.changes(mounts)
  defp seen({:diff, path}, mounts), do: Mount.diff(mounts, path)
end
