# What running Python inside the VM costs, and what it costs others: `MIX_ENV=test mix run bench/engine.exs`, on a machine
# with nothing else to do. Words select rows by name (`… bench/engine.exs conversion starvation`); `--quick` does
# everything once and small, which only shows that it works.
#
# Each row has its baseline beside it, measured in turns with it: a round has one measurement of each, and there are rounds
# until a second is over, fifteen at least. Figures are medians over the rounds, and the ratio is the median of the rounds'
# ratios, except where a row says what else.

defmodule ExMonty.EngineBench do
  alias ExMonty.{Mount, Sandbox}

  def main(arguments) do
    {options, words} = OptionParser.parse!(arguments, strict: [quick: :boolean])
    quick? = Keyword.get(options, :quick, false)
    IO.puts("| work | ours | beside it | its figure | ours is |\n|---|--:|---|--:|--:|")

    for {name, row} <- rows(), words == [] or Enum.any?(words, &String.contains?(name, &1)) do
      for figures <- row.(quick?), do: print(name, figures)
    end
  end

  defp rows do
    [
      {"start", &start/1},
      {"file call", &file_call/1},
      {"host function", &host_function/1},
      {"conversion", &conversion/1},
      {"starvation", &starvation/1},
      {"ping", &ping/1}
    ]
  end

  defp start(quick?) do
    {:ok, runner} = ExMonty.compile("1")
    times = if quick?, do: 1, else: 500
    trivial = fn -> {:ok, 1, ""} = ExMonty.run(runner) end
    evaluated = fn -> {:ok, 1, ""} = ExMonty.eval("1") end
    sandboxed = fn -> {:ok, 1, ""} = Sandbox.run("1") end
    mounts = [{"/in", :memory, files: %{"a" => "1", "b" => "2"}}, {"/out", :memory}]
    mounted = fn -> {:ok, 1, ""} = Sandbox.run("1", mounts: mounts) end
    # The least that anything takes which goes to the native library and back.
    native = fn -> [] = ExMonty.Native.input_names(runner) end
    spawned = fn -> 1 = Task.await(Task.async(fn -> 1 end)) end

    [
      compare("a trivial run", trivial, "a call of the native library", native, times),
      compare("a trivial run", trivial, "a process that is spawned and awaited", spawned, times),
      compare("a trivial program, compiled and run", evaluated, "run only", trivial, times),
      compare("a trivial program in a sandbox", sandboxed, "without one", evaluated, times),
      compare("a trivial program with two mounts given inline", mounted, "without mounts", sandboxed, times)
    ]
  end

  # `exists` is what has a constant answer without a handler, given in Rust as the mount's is.
  defp file_call(quick?) do
    calls = if quick?, do: 10, else: 1_000
    code = "from pathlib import Path\np = Path('/work/a')\nfor _ in range(#{calls}):\n    p.exists()"
    {:ok, runner} = ExMonty.compile(code)
    {:ok, lease} = Mount.checkout(Mount.new!([{"/work", :memory, files: %{"a" => "1"}}]))
    ours = fn -> {:ok, {:complete, nil, ""}} = ExMonty.start_with_mounts(runner, lease) end
    floor = fn -> {:ok, nil, ""} = ExMonty.run(runner) end
    row = compare("exists, in memory", ours, "the same, answered with a constant", floor, 1)
    Mount.release(lease)
    [each(row, calls)]
  end

  defp host_function(quick?) do
    calls = if quick?, do: 10, else: 1_000
    code = "for i in range(#{calls}):\n    f(i)"
    options = [functions: %{"f" => fn args, _ -> {:ok, args} end}]
    mounts = Mount.new!(for n <- 1..100, do: {"/work/#{n}", :memory})
    os = Map.new([:getenv, :get_environ, :urandom], &{&1, fn _, _ -> {:ok, nil} end})
    many = options ++ [mounts: mounts, os: os]

    plain = fn -> {:ok, nil, ""} = Sandbox.run(code, options) end
    loaded = fn -> {:ok, nil, ""} = Sandbox.run(code, many) end
    {:ok, runner} = ExMonty.compile(code)
    by_hand = fn -> answer(ExMonty.start(runner)) end
    echo = spawn_link(&echo/0)
    message = fn -> for n <- 1..calls, do: ask(echo, n) end

    rows = [
      compare("one of #{calls} calls in a sandbox", plain, "the same, resumed by hand", by_hand, 1),
      compare("one of #{calls} calls in a sandbox", plain, "a message to a process and back", message, 1),
      compare("the same, with 100 mounts and an :os map", loaded, "without", plain, 1)
    ]

    Enum.map(rows, &each(&1, calls))
  end

  defp answer({:ok, {:function_call, %{args: args}, snapshot, ""}}), do: answer(ExMonty.resume(snapshot, {:ok, args}))
  defp answer({:ok, {:complete, nil, ""}}), do: :ok

  defp conversion(quick?) do
    n = if quick?, do: 1_000, else: 1_000_000
    {:ok, takes} = ExMonty.compile("None", inputs: [:x])
    {:ok, gives} = ExMonty.compile("x", inputs: [:x])

    values = [
      {"#{n} integers", Enum.to_list(1..n)},
      {"a string of #{50 * n} bytes", String.duplicate("y", 50 * n)},
      {"a dict of #{div(n, 10)} entries", Map.new(1..div(n, 10), &{"key #{&1}", &1})}
    ]

    Enum.flat_map(values, fn {name, value} ->
      limits = [limits: %{max_memory: :unlimited}]
      take = fn -> {:ok, nil, ""} = ExMonty.run(takes, %{x: value}, limits) end
      give = fn -> {:ok, ^value, ""} = ExMonty.run(gives, %{x: value}, limits) end
      encode = fn -> :erlang.term_to_binary(value) end
      both = fn -> ^value = value |> :erlang.term_to_binary() |> :erlang.binary_to_term() end

      [
        compare("#{name}, in", take, "term_to_binary", encode, 1),
        compare("#{name}, in and out", give, "term_to_binary and back", both, 1)
      ]
    end)
  end

  # Not in turns: the loops of the one would be in the way of the other.
  defp starvation(quick?) do
    {:ok, runner} = ExMonty.compile("1")
    runs = if quick?, do: 3, else: 100
    trivial = fn -> for _ <- 1..runs, do: time(fn -> {:ok, 1, ""} = ExMonty.run(runner) end) end
    idle = trivial.()

    loops =
      for _ <- 1..(2 * System.schedulers_online()) do
        Task.async(fn -> ExMonty.eval("while True:\n    pass", limits: %{max_duration_secs: if(quick?, do: 1, else: 30)}) end)
      end

    wait_until(fn -> ExMonty.info().turns_running >= length(loops) end)
    busy = trivial.()
    dirty = for _ <- 1..runs, do: time(fn -> {:ok, _} = File.stat("mix.exs") end)
    true = ExMonty.info().turns_running >= length(loops)
    Enum.each(loops, &Task.shutdown(&1, :brutal_kill))
    wait_until(fn -> ExMonty.info().turns_running == 0 end)
    idle_dirty = for _ <- 1..runs, do: time(fn -> {:ok, _} = File.stat("mix.exs") end)
    beside = "on an idle node"

    [
      {"a trivial run beside #{length(loops)} endless loops", median(busy), beside, median(idle)},
      {"the slowest of #{runs} of them", Enum.max(busy), beside, Enum.max(idle)},
      {"a dirty scheduler's work beside them", median(dirty), beside, median(idle_dirty)},
      {"the slowest of #{runs} of those", Enum.max(dirty), beside, Enum.max(idle_dirty)}
    ]
  end

  # How long a process of the attacked node waits for another at most: of each kind of attack, the worst.
  defp ping(quick?) do
    alias ExMonty.Attacks.{Floods, Library, Memory, Mounts, Recursion, Sessions, Source, Time}

    calm = worst([ExMonty.Test.Attack.new("nothing", "1", {:ok, 1})])

    for table <- [Recursion, Source, Memory, Time, Floods, Mounts, Library, Sessions] do
      attacks = if quick?, do: Enum.take(table.attacks(), 2), else: table.attacks()
      {longest, name} = worst(attacks)
      kind = table |> Module.split() |> List.last() |> String.downcase()
      {"the longest wait in #{length(attacks)} attacks by #{kind} (#{name})", longest, "a trivial run", elem(calm, 0)}
    end
  end

  defp worst(attacks) do
    {together, alone} = Enum.split_with(attacks, &(&1.way == :together))
    groups = for(attack <- alone, do: [attack]) ++ if(together == [], do: [], else: [together])

    groups
    |> Enum.map(fn [first | _] = group ->
      {:ok, node} = ExMonty.Test.AttackedNode.start_link()
      {:ok, [%{ping: ping} | _]} = ExMonty.Test.AttackedNode.attack(node, group)
      GenServer.stop(node)
      {ping, first.name}
    end)
    |> Enum.max()
  end

  # Both in turns, so that what else the machine does meets both.
  defp compare(work, ours, baseline, other, times) do
    rounds = rounds(fn -> {repeat(times, ours), repeat(times, other)} end, 15, now() + 1_000)
    {ours, its} = Enum.unzip(rounds)
    {work, median(ours), baseline, median(its), median(for {one, other} <- rounds, do: one / max(other, 0.01))}
  end

  defp rounds(round, least, until) do
    if least <= 0 and now() >= until, do: [], else: [round.() | rounds(round, least - 1, until)]
  end

  defp each({work, ours, baseline, its, ratio}, calls), do: {work, ours / calls, baseline, its / calls, ratio}

  defp now, do: System.monotonic_time(:millisecond)

  defp repeat(times, fun), do: time(fn -> for(_ <- 1..times, do: fun.()) end) / times

  defp time(fun), do: fun |> :timer.tc() |> elem(0)

  defp median(figures), do: figures |> Enum.sort() |> Enum.at(div(length(figures), 2))

  defp echo do
    receive do
      {from, n} -> send(from, {self(), n})
    end

    echo()
  end

  defp ask(echo, n) do
    send(echo, {self(), n})

    receive do
      {^echo, ^n} -> n
    end
  end

  defp wait_until(check), do: check.() || (Process.sleep(5) && wait_until(check))

  defp print(name, {work, ours, baseline, its}), do: print(name, {work, ours, baseline, its, ours / max(its, 0.01)})

  defp print(name, {work, ours, baseline, its, ratio}) do
    ratio = :erlang.float_to_binary(ratio / 1, decimals: 2)
    IO.puts("| #{name}: #{work} | #{show(ours)} | #{baseline} | #{show(its)} | #{ratio}× the time |")
  end

  defp show(microseconds) when microseconds >= 10_000, do: "#{round(microseconds / 1_000)} ms"
  defp show(microseconds) when microseconds >= 1_000, do: "#{Float.round(microseconds / 1_000, 2)} ms"
  defp show(microseconds), do: "#{Float.round(microseconds / 1, 2)} µs"
end

ExMonty.EngineBench.main(System.argv())
