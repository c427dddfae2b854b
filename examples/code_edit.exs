# Python edits code in an overlay; the host reviews what came of it, and commits the part that it wants.
#
#     mix run examples/code_edit.exs
#
# The script believes that it writes to /repo. What it writes is kept in memory, over a directory that stays as it is until
# `ExMonty.Mount.commit/3`. Here the directory is a temporary copy of a few files of this project.

defmodule CodeEdit do
  alias ExMonty.{Mount, Sandbox}

  @files ~w(LICENSE mix.exs lib/ex_monty/error.ex lib/ex_monty/os_call.ex lib/ex_monty/stack_frame.ex)

  # Puts a licence line over each source, and goes further than it was asked to.
  @script ~S'''
  import re
  from pathlib import Path

  HEADER = '# SPDX-License-Identifier: MIT\n\n'

  for path in sorted(Path('/repo/lib').rglob('*.ex'), key=str):
      text = path.read_text()
      if not text.startswith(HEADER):
          path.write_text(HEADER + text)

  mix = Path('/repo/mix.exs')
  mix.write_text(re.sub(r'@version "[^"]*"', '@version "9.9.9"', mix.read_text()))

  try:
      Path('/repo/LICENSE').write_text('All rights reserved.')
  except OSError as error:
      print(f'{type(error).__name__}: {error}')
  '''

  @doc "Runs the whole story on a copy of files of the project at `root`, made in `directory`."
  def run(root, directory) do
    copy(root, directory)
    before = contents(directory)

    # What must never change is said before the run, as a rule: the script is told at once, and cannot write it at all.
    mounts = Mount.new!([{"/repo", directory, :overlay, rules: [read_only: ["LICENSE"]]}])
    {:ok, _value, refused} = Sandbox.run(@script, mounts: mounts)

    # The review. Nothing has happened to the directory.
    changes = Mount.changes!(mounts)
    diff = Mount.diff!(mounts, "/repo")

    # What the review does not want is left out of the commit. The plan says what would be done, and does nothing.
    options = [except: ["mix.exs"]]
    plan = Mount.commit!(mounts, "/repo", options ++ [dry_run: true])
    untouched? = contents(directory) == before

    # Meanwhile a colleague saves one of the files. Their work is not overwritten, and no other file is written either:
    # a commit is checked whole before its first write.
    colleague = Path.join(directory, "lib/ex_monty/error.ex")
    File.write!(colleague, File.read!(colleague) <> "\n# A colleague was here.\n")
    theirs = contents(directory)
    {:error, {:conflict, conflicts}} = Mount.commit(mounts, "/repo", options)
    nothing_written? = contents(directory) == theirs

    # The edit is dropped and made again over what the directory has now. That works as the script looks before it writes.
    :ok = Mount.discard(mounts, "/repo")
    {:ok, _value, ^refused} = Sandbox.run(@script, mounts: mounts)
    report = Mount.commit!(mounts, "/repo", options)

    %{
      refused: refused,
      changes: changes,
      diff: diff,
      plan: plan,
      untouched?: untouched?,
      conflicts: conflicts,
      nothing_written?: nothing_written?,
      report: report,
      # What was skipped is still in the overlay: it can be committed later, or discarded.
      left: Mount.changes!(mounts),
      before: before,
      files: contents(directory)
    }
  end

  defp copy(root, directory) do
    for file <- @files do
      to = Path.join(directory, file)
      File.mkdir_p!(Path.dirname(to))
      File.cp!(Path.join(root, file), to)
    end
  end

  defp contents(directory), do: Map.new(@files, &{&1, File.read!(Path.join(directory, &1))})

  def print(outcome) do
    IO.puts("the script was refused: #{outcome.refused}")
    for change <- outcome.changes, do: IO.puts("#{change.kind} #{change.path}")
    IO.puts("\n#{outcome.diff}")
    print_report("the plan", outcome.plan)
    IO.puts("the directory before the commit: #{if outcome.untouched?, do: "untouched", else: "CHANGED"}")
    for {path, why} <- outcome.conflicts, do: IO.puts("conflict: #{path} (#{why})")
    IO.puts("the refused commit wrote: #{if outcome.nothing_written?, do: "nothing", else: "SOMETHING"}")
    print_report("the commit", outcome.report)
    for change <- outcome.left, do: IO.puts("still in the overlay: #{change.path}")
  end

  defp print_report(title, report) do
    for path <- report.written, do: IO.puts("#{title}: writes #{path}")
    for {path, why} <- report.skipped, do: IO.puts("#{title}: skips #{path} (#{why})")
  end
end

# `mix test` loads the module and runs it itself.
unless Code.ensure_loaded?(ExUnit) and Process.whereis(ExUnit.Server) do
  directory = Path.join(System.tmp_dir!(), "ex_monty-code-edit-#{System.pid()}")

  try do
    [__DIR__, ".."] |> Path.join() |> Path.expand() |> CodeEdit.run(directory) |> CodeEdit.print()
  after
    File.rm_rf!(directory)
  end
end
