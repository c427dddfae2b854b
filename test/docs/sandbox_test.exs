defmodule MyShop do
  @moduledoc false

  # The application of docs/guides/sandbox.md.

  def price("tea"), do: 3
  def price("milk"), do: 2

  def notify(channel, text) do
    send(self_of_test(), {:notified, channel, text})
    nil
  end

  # The functions of a run are called in a process that has the run's among its callers.
  defp self_of_test, do: List.last(Process.get(:"$callers"))
end

defmodule MyHTTP do
  @moduledoc false

  def get!(url), do: %{body: "the page at " <> url}
end

defmodule ExMonty.Docs.SandboxTest do
  use ExUnit.Case, async: true

  alias ExMonty.Test.{Guide, HostDirectory}

  @guide "docs/guides/sandbox.md"

  test "the examples of the guide run, one after the other" do
    templates = HostDirectory.create!(%{"bill.txt" => "Order {id}: {total}", "bill.bak" => ""})
    Guide.run(@guide, templates: templates)
    assert_received {:notified, "kitchen", "Order 17: 5"}
    assert length(Guide.examples(@guide)) == 15
  end

  test "the functions of shutil and glob are those that the guide lists" do
    listed =
      for [_, module, functions] <- Regex.scan(~r/^\| `(shutil|glob)` \| (.+) \|$/m, File.read!(@guide)),
          do: {module, for([_, function] <- Regex.scan(~r/`(\w+)`/, functions), do: function)}

    {:ok, modules, ""} = ExMonty.Sandbox.run("import shutil, glob\n[shutil, glob]", mounts: [{"/m", :memory}])
    there = for {:module, name, attributes} <- modules, do: {name, attributes |> Map.keys() |> Enum.sort()}
    assert Enum.map(listed, fn {module, functions} -> {module, Enum.sort(functions)} end) == there
  end
end
