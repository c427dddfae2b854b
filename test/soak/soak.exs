# A random mix of everything at once, and what must be true when it is over: `bin/soak MINUTES [SEED]`.
#
# Workers do one thing after the other until the time is up: runs whose answers are known, runs that break a limit each,
# runs with files, with functions, that are dumped and loaded, that nobody resumes, whose process is killed while it computes
# or while its run is paused with a lease. Then no lease may be held, no run be left, no thread be beyond the bound, and
# memory must be within a tenth of what it was when all kinds of work had been done once.

defmodule ExMonty.Soak do
  alias ExMonty.{Exception, Mount, Sandbox}
  alias ExMonty.Test.Resident

  # Memory is to be exhausted before time, on a busy machine as well.
  @limits %{max_duration_secs: 60, max_memory: 32 * 1_048_576, max_output: 1_048_576, max_host_calls: 1_000}
  @tables 4

  @hostile [
    {"while True:\n    pass", :timeout_error},
    {"def f():\n    return f()\nf()", :recursion_error},
    {"x = []\nwhile True:\n    x.append('y' * 1000)", :memory_error},
    {"x = 'y'\nwhile True:\n    x += x", :memory_error},
    {"x = {}\ni = 0\nwhile True:\n    x[i] = str(i)\n    i += 1", :memory_error},
    {"[0] * (1 << 40)", :memory_error},
    {"while True:\n    print('y' * 1000)", :memory_error},
    {"while True:\n    unknown()", :name_error},
    {"[" |> String.duplicate(10_000), :syntax_error},
    {"1 / 0", :zero_division_error},
    {"raise ValueError('no')", :value_error},
    {"open('/nowhere')", :permission_error},
    {"import time\ntime.sleep(100)", :timeout_error},
    {"x = []\nfor _ in range(100_000):\n    x = [x]\ny = [x]\nx == y", :recursion_error}
  ]

  def main(minutes, seed) do
    tables = for n <- 1..@tables, do: Mount.new!([{"/work", :memory, files: %{"table" => "#{n}"}}])
    activities = activities()

    # Whatever is allocated once is allocated before the first measurement.
    for _ <- 1..20, {_, activity} <- activities, do: activity.(tables)
    rest = at_rest()
    IO.puts("seed #{seed}, at rest #{inspect(rest)}")

    ends = System.monotonic_time(:millisecond) + round(minutes * 60_000)

    counts =
      1..(4 * System.schedulers_online())
      |> Enum.map(&Task.async(fn -> work(activities, tables, ends, {seed, &1, 0}) end))
      |> Task.await_many(:infinity)
      |> Enum.reduce(%{}, &Map.merge(&1, &2, fn _, a, b -> a + b end))

    for {name, count} <- Enum.sort(counts), do: IO.puts(String.pad_trailing("#{name}", 44) <> "#{count}")
    judge(rest, at_rest(rest), tables)
  end

  defp work(activities, tables, ends, seed) do
    :rand.seed(:exsss, seed)
    work(activities, tables, ends, seed, %{})
  end

  defp work(activities, tables, ends, seed, counts) do
    if System.monotonic_time(:millisecond) < ends do
      {name, activity} = Enum.random(activities)
      activity.(tables)
      work(activities, tables, ends, seed, Map.update(counts, name, 1, &(&1 + 1)))
    else
      counts
    end
  end

  defp activities do
    [
      {"answers", &answer/1},
      {"functions called", &call/1},
      {"files written and read again", &files/1},
      {"files read", &shared/1},
      {"scripts that broke a limit, or themselves", &hostile/1},
      {"runs dumped and loaded", &dump/1},
      {"runs paused and forgotten", &forget/1},
      {"processes killed in a turn", &kill_running/1},
      {"processes killed beside a pause", &kill_paused/1}
    ]
  end

  defp answer(_tables) do
    n = :rand.uniform(2_000)
    {:ok, runner} = ExMonty.compile("print(n)\nsum(i * i for i in range(n))", inputs: [:n])
    expect({:ok, div((n - 1) * n * (2 * n - 1), 6), "#{n}\n"}, ExMonty.run(runner, %{n: n}))
  end

  defp call(_tables) do
    n = :rand.uniform(50)
    functions = %{"double" => fn [x], _ -> {:ok, 2 * x} end}
    code = "sum(double(i) for i in range(#{n}))"
    expect({:ok, n * (n - 1), ""}, Sandbox.run(code, functions: functions))
  end

  defp files(tables) do
    table = Enum.random(tables)
    {path, n} = {"/work/#{:rand.uniform(20)}", :rand.uniform(100_000)}
    code = "open('#{path}', 'w').write('y' * #{n})\nlen(open('#{path}').read())"
    expect({:ok, n, ""}, in_turn(fn -> Sandbox.run(code, mounts: table) end))
  end

  defp shared(tables) do
    n = :rand.uniform(@tables)

    run = fn -> Sandbox.run("open('/work/table').read()", mounts: Enum.at(tables, n - 1)) end
    expect({:ok, "#{n}", ""}, in_turn(run))
  end

  defp hostile(_tables) do
    {code, type} = Enum.random(@hostile)
    limits = if type == :timeout_error, do: %{@limits | max_duration_secs: 1}, else: @limits

    case Sandbox.run(code, limits: limits) do
      {:error, %Exception{type: ^type}} -> :ok
      {:error, %ExMonty.Error{reason: :overloaded}} -> :ok
      other -> raise "#{inspect(code)} came to #{inspect(other)}"
    end
  end

  defp dump(_tables) do
    n = :rand.uniform(1_000_000)
    {:ok, runner} = ExMonty.compile("x = ['y' * 100 for _ in range(100)]\nf(n) + len(x)", inputs: [:n])
    {:ok, {:function_call, %{args: [^n]}, snapshot, ""}} = ExMonty.start(runner, %{n: n})
    {:ok, dump} = ExMonty.dump_snapshot(snapshot)
    {:ok, loaded} = ExMonty.load_snapshot(dump)
    expect({:ok, {:complete, n + 100, ""}}, ExMonty.resume(loaded, {:ok, n}))
  end

  defp forget(_tables) do
    {:ok, runner} = ExMonty.compile("x = 'y' * 1_000_000\nf()")
    {:ok, {:function_call, _, _, ""}} = ExMonty.start(runner)
    :ok
  end

  defp kill_running(_tables) do
    victim = spawn(fn -> ExMonty.eval("while True:\n    pass", limits: %{max_duration_secs: 1}) end)
    Process.sleep(:rand.uniform(5))
    kill(victim)
  end

  defp kill_paused(tables) do
    {table, parent} = {Enum.random(tables), self()}

    victim =
      spawn(fn ->
        {:ok, lease} = in_turn(fn -> Mount.checkout(table) end)
        {:ok, runner} = ExMonty.compile("x = 'y' * 100_000\nf()")
        {:ok, {:function_call, _, snapshot, ""}} = ExMonty.start_with_mounts(runner, lease)
        send(parent, {:paused, self()})
        Process.sleep(:infinity)
        {snapshot, lease}
      end)

    receive do
      {:paused, ^victim} -> kill(victim)
    end
  end

  defp kill(victim) do
    monitor = Process.monitor(victim)
    Process.exit(victim, :kill)

    receive do
      {:DOWN, ^monitor, :process, ^victim, _} -> :ok
    end
  end

  # What needs a table that others use as well, as soon as it can be had.
  defp in_turn(use) do
    case use.() do
      {:error, :mount_in_use} -> Process.sleep(1) && in_turn(use)
      other -> other
    end
  end

  defp expect(expected, expected), do: :ok
  defp expect(expected, other), do: raise("#{inspect(other)} instead of #{inspect(expected)}")

  # What there is when nothing runs any more.
  defp at_rest(before \\ nil, left \\ 600) do
    Enum.each(Process.list(), &:erlang.garbage_collect/1)
    info = ExMonty.info()

    now = %{
      resident: Resident.now(),
      metered: info.metered_bytes,
      paused: info.runs_paused,
      running: info.turns_running
    }

    if left == 0 or (now.running == 0 and now.paused == 0 and within?(before, now)) do
      Map.put(now, :threads, info.threads)
    else
      Process.sleep(100)
      at_rest(before, left - 1)
    end
  end

  defp within?(nil, _now), do: true
  defp within?(before, now), do: now.resident <= before.resident * 1.1

  defp judge(before, now, tables) do
    bound = Application.get_env(:ex_monty, :max_threads, 32 * System.schedulers_online())

    verdicts = [
      {"memory: #{before.resident} MiB before, #{now.resident} MiB after", within?(before, now)},
      {"metered: #{before.metered} bytes before, #{now.metered} bytes after",
       now.metered - before.metered < 1_000_000},
      {"runs paused: #{now.paused}; turns running: #{now.running}", now.paused == 0 and now.running == 0},
      {"threads: #{now.threads} of #{bound}", now.threads <= bound},
      {"leases held: #{Enum.count(tables, &held?/1)}", not Enum.any?(tables, &held?/1)}
    ]

    for {text, good?} <- verdicts, do: IO.puts(if(good?, do: "ok    ", else: "WRONG ") <> text)
    if Enum.all?(verdicts, &elem(&1, 1)), do: IO.puts("Every answer was right."), else: exit({:shutdown, 1})
  end

  defp held?(table) do
    case Mount.checkout(table) do
      {:ok, lease} -> Mount.release(lease) != :ok
      {:error, :mount_in_use} -> true
    end
  end
end

{minutes, seed} =
  case System.argv() do
    [minutes] -> {minutes, :rand.uniform(1_000_000)}
    [minutes, seed] -> {minutes, String.to_integer(seed)}
  end

{minutes, ""} = Float.parse(minutes)
ExMonty.Soak.main(minutes, seed)
