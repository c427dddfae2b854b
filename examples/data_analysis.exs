# Data analysis over a folder that the script can read and cannot change.
#
#     mix run examples/data_analysis.exs
#
# /data is a directory of the host, read-only. /out is memory: the report is there when the run has ended, and no file of
# the host was written for it.

defmodule DataAnalysis do
  alias ExMonty.{Mount, Sandbox}

  @script ~S'''
  import csv
  import json
  from pathlib import Path

  customers = json.loads(Path('/data/customers.json').read_text())
  revenue = {}
  rejected = []

  with open('/data/orders.csv', newline='') as orders:
      for row in csv.DictReader(orders):
          # Data is never as clean as its description: what cannot be used is reported, and not guessed.
          try:
              country = customers[row['customer']]['country']
              amount = int(row['quantity']) * float(row['price'])
          except (KeyError, ValueError) as error:
              rejected.append((row['order'], f'{type(error).__name__}: {error}'))
              continue
          revenue[country] = revenue.get(country, 0) + amount

  lines = ['# Revenue by country', '']
  lines += [f'- {country}: {amount:.2f}' for country, amount in sorted(revenue.items())]
  lines += ['', '## Rejected orders', '']
  lines += [f'- {order}: {why}' for order, why in rejected]

  Path('/out/report.md').write_text('\n'.join(lines) + '\n')
  Path('/out/revenue.json').write_text(json.dumps(revenue, sort_keys=True))
  {'revenue': revenue, 'rejected': len(rejected)}
  '''

  def script, do: @script

  @doc "Runs `script` over `directory`, within limits that suit the data and not the machine."
  def run(directory, script \\ @script) do
    # The mount limits what is kept, the run what is used on the way. Neither knows about the other.
    mounts =
      Mount.new!([
        {"/data", directory, :read_only},
        {"/out", :memory, max_bytes: 100_000, max_files: 10}
      ])

    before = contents(directory)

    result =
      Sandbox.run(script,
        mounts: mounts,
        limits: %{max_duration_secs: 5, max_memory: 32_000_000, max_output: 10_000},
        timeout: 30_000
      )

    %{result: result, mounts: mounts, unchanged?: contents(directory) == before}
  end

  defp contents(directory) do
    for path <- Path.wildcard(Path.join(directory, "**"), match_dot: true), into: %{} do
      {path, {File.stat!(path).mtime, File.read(path)}}
    end
  end

  def print(%{result: {:ok, summary, _output}} = outcome) do
    IO.puts(Mount.read!(outcome.mounts, "/out/report.md"))
    IO.puts("value of the script: #{inspect(summary)}")
    IO.puts("files in /out: #{outcome.mounts |> Mount.ls!("/out") |> Enum.join(", ")}")
    IO.puts("folder: #{if outcome.unchanged?, do: "unchanged", else: "CHANGED"}")
  end

  def print(%{result: {:error, reason}}), do: IO.puts("the analysis failed: #{Exception.message(reason)}")
end

# `mix test` loads the module and runs it itself.
unless Code.ensure_loaded?(ExUnit) and Process.whereis(ExUnit.Server) do
  __DIR__ |> Path.join("data") |> DataAnalysis.run() |> DataAnalysis.print()
end
