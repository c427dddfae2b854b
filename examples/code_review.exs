# A code review, written in Python by "a language model", run by Elixir, over this project's own sources.
#
#     mix run examples/code_review.exs
#
# The script sees two directories: /src, the project, read-only, and /scratch, in memory. It asks one Elixir function
# for its opinion. It also tries two things that it must not be able to do.

defmodule CodeReview do
  @script ~S'''
  import json
  import os
  from pathlib import Path

  LANGUAGES = {'.rs': 'Rust', '.ex': 'Elixir', '.exs': 'Elixir', '.md': 'Markdown', '.toml': 'TOML', '.py': 'Python'}
  NOT_SOURCE = {'target', '_build', 'deps', 'priv', 'doc', 'tmp', '.git'}

  def source_files():
      found = []
      for entry in sorted(Path('/src').iterdir(), key=str):
          if entry.name in NOT_SOURCE:
              continue
          if entry.is_file():
              found.append(entry)
          else:
              for directory, below, names in os.walk(entry):
                  below[:] = [name for name in below if name not in NOT_SOURCE]
                  found += [Path(directory) / name for name in sorted(names)]
      return found

  def functions(path, lines):
      """Finds (number of lines, name, place) of each function, by indentation."""
      found = []
      closing = {'.rs': '}', '.ex': 'end', '.exs': 'end'}.get(path.suffix)
      opened = None
      for number, line in enumerate(lines, 1):
          text = line.strip()
          indent = len(line) - len(line.lstrip())
          if opened is None:
              words = text.split('(')[0].split()
              if closing == '}' and 'fn' in words and text.endswith('{'):
                  opened = (words[-1].split('<')[0], number, indent)
              elif closing == 'end' and words[:1] in (['def'], ['defp']) and text.endswith(' do'):
                  opened = (words[1], number, indent)
          elif text == closing and indent == opened[2]:
              found.append((number - opened[1] + 1, opened[0], f'{path}:{opened[1]}'))
              opened = None
      return found

  languages = {}
  files = []
  longest = []
  for path in source_files():
      language = LANGUAGES.get(path.suffix)
      if language is None:
          continue
      text = path.read_text()
      lines = text.splitlines()
      files.append((len(lines), str(path), text))
      counted = languages.setdefault(language, {'files': 0, 'lines': 0})
      counted['files'] += 1
      counted['lines'] += len(lines)
      longest += functions(path, lines)

  files.sort(reverse=True)
  longest.sort(reverse=True)

  reviews = []
  for count, path, text in files[:3]:
      excerpt = '\n'.join(text.splitlines()[:40])
      reviews.append({'path': path, 'lines': count, 'review': ask_reviewer(path, excerpt)})

  refusals = []
  for attempt in (
      lambda: Path('/src/README.md').write_text('overwritten'),
      lambda: open('/etc/passwd').read(),
  ):
      try:
          attempt()
          refusals.append('NOT REFUSED')
      except OSError as error:
          refusals.append(f'{type(error).__name__}: {error}')

  report = ['# Code review', '']
  report += ['| language | files | lines |', '|---|---:|---:|']
  for language, counted in sorted(languages.items(), key=lambda item: -item[1]['lines']):
      report.append(f"| {language} | {counted['files']} | {counted['lines']} |")
  report += ['', '## Longest functions', '']
  report += [f'- {length} lines: `{name}` at {place}' for length, name, place in longest[:5]]
  report += ['', '## Longest files, reviewed', '']
  report += [f"- {review['path']} ({review['lines']} lines): {review['review']}" for review in reviews]
  report += ['', '## What was refused', '']
  report += [f'- {refusal}' for refusal in refusals]

  Path('/scratch/report.md').write_text('\n'.join(report) + '\n')
  summary = {'languages': languages, 'reviews': reviews, 'refusals': refusals}
  Path('/scratch/report.json').write_text(json.dumps(summary, indent=2))
  len(files)
  '''

  @not_source ~w(target _build deps priv doc tmp .git)

  def script, do: @script

  def mounts(project) do
    ExMonty.Mount.new!([{"/src", project, :read_only}, {"/scratch", :memory}])
  end

  @doc "The one function the script may call: an opinion about a file, from its first lines."
  def ask_reviewer([path, excerpt], _kwargs) do
    lines = String.split(excerpt, "\n")
    widest = lines |> Enum.map(&String.length/1) |> Enum.max()
    comments = Enum.count(lines, &(String.trim(&1) =~ ~r{^(//|#|\*|@moduledoc|@doc)}))

    verdict =
      cond do
        comments == 0 -> "opens without a word about why it exists"
        widest > 120 -> "lines of #{widest} characters are hard to read side by side"
        true -> "#{comments} of its first #{length(lines)} lines explain themselves"
      end

    {:ok, "#{Path.basename(path)} #{verdict}"}
  end

  def run(project) do
    mounts = mounts(project)
    reached = :counters.new(1, [])

    reviewer = fn args, kwargs ->
      :counters.add(reached, 1, 1)
      ask_reviewer(args, kwargs)
    end

    before = {fingerprint(project), ExMonty.info()}

    {microseconds, result} =
      :timer.tc(fn ->
        ExMonty.Sandbox.run(@script, mounts: mounts, functions: %{"ask_reviewer" => reviewer})
      end)

    {fingerprint, info} = before

    %{
      result: result,
      mounts: mounts,
      microseconds: microseconds,
      calls_in_rust: ExMonty.info().calls_answered - info.calls_answered,
      calls_in_elixir: :counters.get(reached, 1),
      untouched?: fingerprint(project) == fingerprint
    }
  end

  # Every source file by path, size, modification time and contents.
  defp fingerprint(project) do
    project
    |> fingerprint_of()
    |> :erlang.term_to_binary()
    |> then(&:crypto.hash(:sha256, &1))
    |> Base.encode16(case: :lower)
  end

  defp fingerprint_of(path) do
    case File.lstat!(path, time: :posix) do
      %{type: :directory} ->
        names = Enum.sort(File.ls!(path)) -- @not_source
        {path, for(name <- names, do: fingerprint_of(Path.join(path, name)))}

      %{type: :regular} = stat ->
        {path, stat.size, stat.mtime, :crypto.hash(:sha256, File.read!(path))}

      stat ->
        {path, stat.type}
    end
  end

  def print(%{result: {:ok, files, _output}} = outcome) do
    IO.puts(ExMonty.Mount.read!(outcome.mounts, "/scratch/report.md"))
    IO.puts(String.duplicate("─", 78))

    for {label, value} <- [
          {"source files read", files},
          {"whole run", "#{Float.round(outcome.microseconds / 1000, 1)} ms"},
          {"file calls answered in Rust", outcome.calls_in_rust},
          {"calls that reached Elixir", outcome.calls_in_elixir},
          {"report.json", "#{byte_size(ExMonty.Mount.read!(outcome.mounts, "/scratch/report.json"))} bytes"},
          {"source tree",
           if(outcome.untouched?, do: "untouched (same SHA-256 before and after)", else: "CHANGED")}
        ] do
      IO.puts("#{String.pad_trailing(label, 30)} #{value}")
    end
  end

  def print(%{result: {:error, error}}) do
    IO.puts(:stderr, Exception.message(error))
    System.halt(1)
  end
end

# `mix test` loads the module and runs it itself.
unless Code.ensure_loaded?(ExUnit) and Process.whereis(ExUnit.Server) do
  [__DIR__, ".."] |> Path.join() |> Path.expand() |> CodeReview.run() |> CodeReview.print()
end
