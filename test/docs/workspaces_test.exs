defmodule MyApp.Tools do
  @moduledoc false

  # The application of docs/guides/workspaces.md.

  def search([_text], _kwargs), do: {:ok, ["/project/notes.txt"]}
  def approve([question], _kwargs), do: {:suspend, {:approval, question}}
end

defmodule ExMonty.Docs.WorkspacesTest do
  use ExUnit.Case, async: true

  alias ExMonty.Test.{Guide, HostDirectory}

  @guide "docs/guides/workspaces.md"

  test "the examples of the guide run, one after the other" do
    project = HostDirectory.create!(%{"notes.txt" => "TODO\n"})
    Application.put_env(:my_app, :workspace_key, "a secret")
    on_exit(fn -> Application.delete_env(:my_app, :workspace_key) end)
    binding = Guide.run(@guide, project: project, agents: HostDirectory.create!())
    assert File.read!(Path.join(project, "notes.txt")) == "DONE\n"
    assert length(Guide.examples(@guide)) == 4
    for ws <- [binding[:fork], binding[:ws]], do: ExMonty.Workspace.stop(ws)
  end
end
