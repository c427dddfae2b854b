# What idle workspaces cost: ten thousand forks of one template.
#
#     mix run bench/workspaces.exs [count]

count = System.argv() |> List.first("10000") |> String.to_integer()

resident = fn ->
  [_, kib] = Regex.run(~r/VmRSS:\s+(\d+) kB/, File.read!("/proc/self/status"))
  String.to_integer(kib) * 1024
end

{:ok, template} =
  ExMonty.Workspace.start_link(
    mounts: [{"/work", :memory, files: Map.new(1..1_000, &{"f#{&1}", String.duplicate("#{&1} ", 100)})}]
  )

{:ok, _, _} = ExMonty.Workspace.run(template, "import json; rows = [{'n': n} for n in range(1000)]")
# Whatever is made once is made before the time.
{:ok, first} = ExMonty.Workspace.fork(template)
{:ok, 1000, ""} = ExMonty.Workspace.run(first, "len(rows)")
:erlang.garbage_collect()

{memory, resident_before} = {:erlang.memory(:total), resident.()}

{microseconds, forks} =
  :timer.tc(fn ->
    for _ <- 1..count do
      {:ok, fork} = ExMonty.Workspace.fork(template)
      fork
    end
  end)

:erlang.garbage_collect()
vm = :erlang.memory(:total) - memory
all = resident.() - resident_before
IO.puts("#{count} forks: #{Float.round(microseconds / count, 1)} µs each")
IO.puts("memory of the VM: #{div(vm, count)} bytes each; resident, native memory included: #{div(all, count)} bytes each")

{microseconds, {:ok, 1000, ""}} = :timer.tc(fn -> ExMonty.Workspace.run(List.last(forks), "len(rows)") end)
IO.puts("first step of a fork: #{microseconds} µs")

directory = Path.join(System.tmp_dir!(), "ex_monty-bench-#{System.pid()}")
store = {ExMonty.Workspace.Store.Directory, directory}

try do
  {:ok, stored} = ExMonty.Workspace.fork(template, name: "stored", store: store)
  times = for n <- 1..200, do: stored |> ExMonty.Workspace.run("open('/work/new', 'w').write('#{n}')") |> then(fn _ -> n end)
  {unsaved, _} = :timer.tc(fn -> for n <- times, do: ExMonty.Workspace.run(template, "open('/work/new', 'w').write('#{n}')") end)
  {saved, _} = :timer.tc(fn -> for n <- times, do: ExMonty.Workspace.run(stored, "open('/work/new', 'w').write('#{n}x')") end)
  IO.puts("a step that writes a file: #{div(unsaved, 200)} µs, saved in a directory #{div(saved, 200)} µs")
after
  File.rm_rf!(directory)
end
