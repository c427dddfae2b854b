defmodule ExMonty.Test.HostDirectory do
  @moduledoc false

  import ExUnit.Callbacks, only: [on_exit: 1]

  # A directory of the host with these files (path to contents), which lives as long as the test.
  def create!(files \\ %{}) do
    name = "ex_monty-#{System.pid()}-#{System.unique_integer([:positive])}"
    directory = Path.join(System.tmp_dir!(), name)
    File.mkdir_p!(directory)
    on_exit(fn -> File.rm_rf!(directory) end)

    for {path, contents} <- files do
      path = Path.join(directory, path)
      File.mkdir_p!(Path.dirname(path))
      File.write!(path, contents)
    end

    directory
  end
end
