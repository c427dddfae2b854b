# What a turn costs from Elixir: `mix run bench/host_calls.exs`, on a machine with nothing else to do.
#
# Each figure is the median of several rounds, in microseconds. The first line is the floor of all others: a NIF that
# looks something up and returns.

median = fn figures -> figures |> Enum.sort() |> Enum.at(div(length(figures), 2)) end

measure = fn label, times, fun ->
  figures = for _ <- 1..15, do: (fun |> :timer.tc() |> elem(0)) / times
  IO.puts(String.pad_trailing(label, 60) <> :erlang.float_to_binary(median.(figures), decimals: 2))
end

repeat = fn times, fun -> fn -> Enum.each(1..times, fn _ -> fun.() end) end end

{:ok, trivial} = ExMonty.compile("1")
{:ok, calls} = ExMonty.compile("for i in range(n):\n    f(i)", inputs: [:n])
{:ok, {:function_call, _call, paused, _output}} = ExMonty.start(calls, %{n: 1})

drive = fn
  _drive, {:ok, {:complete, _value, _output}} ->
    :ok

  drive, {:ok, {:function_call, call, snapshot, _}} ->
    drive.(drive, ExMonty.resume(snapshot, {:ok, call.args}))
end

sandbox = fn times ->
  {:ok, nil, ""} =
    ExMonty.Sandbox.run("for i in range(#{times}):\n    f(i)",
      functions: %{"f" => fn args, _ -> {:ok, args} end}
    )
end

measure.("a NIF on its own", 1_000, repeat.(1_000, fn -> ExMonty.Native.input_names(trivial) end))

measure.(
  "a hand-off to a thread and back, without a turn",
  1_000,
  repeat.(1_000, fn -> ExMonty.progress(paused) end)
)

measure.("ExMonty.run of a trivial program", 1_000, repeat.(1_000, fn -> ExMonty.run(trivial) end))
measure.("ExMonty.eval of a trivial program", 1_000, repeat.(1_000, fn -> ExMonty.eval("1") end))

measure.("a host-function call, answered by ExMonty.resume", 1_000, fn ->
  drive.(drive, ExMonty.start(calls, %{n: 1_000}))
end)

measure.("a host-function call, answered by ExMonty.Sandbox", 1_000, fn -> sandbox.(1_000) end)

loops =
  for _ <- 1..(2 * System.schedulers_online()) do
    Task.async(fn -> ExMonty.eval("while True:\n    pass", limits: %{max_duration_secs: 5}) end)
  end

measure.(
  "ExMonty.run beside twice as many endless loops as cores",
  5,
  repeat.(5, fn -> ExMonty.run(trivial) end)
)

Enum.each(loops, &Task.await(&1, 60_000))
