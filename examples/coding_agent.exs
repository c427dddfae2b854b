# A coding agent at work on a copy of this project's documents, in a workspace.
#
#     mix run examples/coding_agent.exs
#
# A colleague has renamed a guide and left the links to it broken. The "model", whose steps are scripted here, reads,
# searches and writes itself a check; two forks try a fix each, and the better goes on; a person is asked, and answers
# after the workspace was stopped and started again; then the change is committed. Until then not one file of the
# project is touched.

defmodule CodingAgent do
  alias ExMonty.Workspace
  alias ExMonty.Workspace.Store

  # What a language model would answer, turn by turn. Functions and variables live on from step to step.
  @look ~S'''
  import os, re
  from pathlib import Path

  documents = sorted(str(path) for path in Path('/project').rglob('*.md'))
  print(f'{len(documents)} documents, {sum(len(open(d).read().split()) for d in documents)} words')
  '''

  @write_a_check ~S'''
  def broken_links():
      """(document, target) of every link to a file of the project that is not there."""
      broken = []
      for document in sorted(str(path) for path in Path('/project').rglob('*.md')):
          for target in re.findall(r'\]\(([^)#\s]+)', open(document).read()):
              if '://' in target or target.startswith('mailto:'):
                  continue
              if not os.path.exists(os.path.normpath(os.path.join(os.path.dirname(document), target))):
                  broken.append((document, target))
      return broken

  for document, target in broken_links():
      print(f'{document}: {target}')
  len(broken_links())
  '''

  # The obvious fix: in the one document that was open. The others keep their broken links.
  @fix_in_place ~S'''
  readme = Path('/project/README.md')
  readme.write_text(readme.read_text().replace('guides/mounts.md', 'guides/mount_tables.md'))
  len(broken_links())
  '''

  # The better one: every link by its own document's directory, whatever its form.
  @fix_everywhere ~S'''
  for document, target in broken_links():
      if os.path.basename(target) != 'mounts.md':
          continue
      fixed = os.path.join(os.path.dirname(target), 'mount_tables.md')
      path = Path(document)
      path.write_text(path.read_text().replace(f']({target}', f']({fixed}'))
  len(broken_links())
  '''

  @ask ~S'''
  left = len(broken_links())
  answer = approve(f'{left} broken links are left. May I commit?')
  answer
  '''

  @doc "Runs the whole story on a copy of the project at `root`, kept in `directory`."
  def run(root, directory) do
    copy = Path.join(directory, "project")
    store = {Store.Directory, Path.join(directory, "store")}
    copy_documents(root, copy)
    File.rename!(Path.join(copy, "docs/guides/mounts.md"), Path.join(copy, "docs/guides/mount_tables.md"))
    before = documents(copy)

    {:ok, ws} = Workspace.start_link(options("agent", copy, store))
    {:ok, _, looked} = Workspace.run(ws, @look)
    {:ok, found, listed} = Workspace.run(ws, @write_a_check)

    {kept, tried} = better_fix(ws, store)
    {:ok, diff} = Workspace.diff(kept, "/project")

    # The step stops at its question. Nothing of it is in a process any more when the question has been stored.
    {:suspended, question, ""} = Workspace.run(kept, @ask, on_error: :rollback)
    name = tried |> Enum.min_by(& &1.broken) |> Map.fetch!(:name)
    :ok = Workspace.stop(kept)
    untouched? = documents(copy) == before

    # Later, perhaps on another node: the same workspace, with its question.
    {:ok, kept} = Workspace.start_link(options(name, copy, store))
    [^question] = Workspace.suspensions(kept)
    {:ok, ^diff} = Workspace.diff(kept, "/project")
    {:ok, "go ahead", ""} = Workspace.resume(kept, question, {:ok, "go ahead"})

    {:ok, report} = Workspace.commit(kept, "/project")
    {:ok, left, ""} = Workspace.run(kept, "len(broken_links())")
    :ok = Workspace.stop(kept)

    %{
      printed: looked <> listed,
      found: found,
      tried: tried,
      kept: name,
      diff: diff,
      question: question,
      untouched?: untouched?,
      written: report.written,
      left: left,
      files: documents(copy)
    }
  end

  # Each fix in a fork of its own: they share the files and the variables of the workspace, and do not see each other.
  defp better_fix(ws, store) do
    tried =
      for {name, fix} <- [{"agent-in-place", @fix_in_place}, {"agent-everywhere", @fix_everywhere}] do
        {:ok, fork} = Workspace.fork(ws, name: name, store: store)
        {:ok, broken, ""} = Workspace.run(fork, fix)
        {:ok, changes} = Workspace.changes(fork)
        %{name: name, fork: fork, broken: broken, changed: length(changes)}
      end

    [best | others] = Enum.sort_by(tried, &{&1.broken, &1.changed})

    for %{name: name, fork: fork} <- others do
      :ok = Workspace.stop(fork)
      :ok = Workspace.delete(store, name)
    end

    :ok = Workspace.stop(ws)
    {best.fork, Enum.map(tried, &Map.delete(&1, :fork))}
  end

  defp options(name, copy, store) do
    [
      name: name,
      store: store,
      mounts: [{"/project", copy, :overlay}],
      functions: %{"approve" => &__MODULE__.approve/2},
      limits: %{max_duration_secs: 5}
    ]
  end

  @doc "What the script calls to ask a person: it waits for as long as that takes."
  def approve([question], _kwargs), do: {:suspend, question}

  defp copy_documents(root, copy) do
    File.mkdir_p!(copy)

    for what <- ~w(*.md LICENSE docs examples lib crates/mounts/examples),
        path <- Path.wildcard(Path.join(root, what)) do
      to = Path.join(copy, Path.relative_to(path, root))
      File.mkdir_p!(Path.dirname(to))
      File.cp_r!(path, to)
    end
  end

  defp documents(copy) do
    for path <- Path.wildcard(Path.join(copy, "**/*.md")), into: %{} do
      {Path.relative_to(path, copy), File.read!(path)}
    end
  end

  def print(outcome) do
    IO.puts(outcome.printed)

    for fix <- outcome.tried do
      IO.puts("#{fix.name}: #{fix.broken} broken links, #{fix.changed} files changed")
    end

    IO.puts("\n#{outcome.kept} goes on:\n\n#{outcome.diff}")
    IO.puts("asked, and answered after a restart: #{outcome.question}")
    IO.puts("the project before the commit: #{if outcome.untouched?, do: "untouched", else: "CHANGED"}")
    IO.puts("committed: #{Enum.join(outcome.written, ", ")}")
    IO.puts("broken links now: #{outcome.left}")
  end
end

# `mix test` loads the module and runs it itself.
unless Code.ensure_loaded?(ExUnit) and Process.whereis(ExUnit.Server) do
  directory = Path.join(System.tmp_dir!(), "ex_monty-coding-agent-#{System.pid()}")

  try do
    "." |> Path.expand() |> CodingAgent.run(directory) |> CodingAgent.print()
  after
    File.rm_rf!(directory)
  end
end
