defmodule ExMonty.Dump.LimitsTest do
  use ExUnit.Case, async: true

  defp paused(code, limits) do
    {:ok, runner} = ExMonty.compile(code)
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner, %{}, limits: limits)
    snapshot
  end

  defp moved(snapshot, ceiling) do
    ExMonty.load_snapshot!(ExMonty.dump_snapshot!(snapshot), limits: ceiling)
  end

  defp assert_raised(result, type, pattern) do
    assert {:error, %ExMonty.Exception{type: ^type, message: message}} = result
    assert message =~ pattern
  end

  # Each is told what the run has used before the dump, and what it uses after it; alone, neither is too much.
  @kept [
    {"host calls", %{max_host_calls: 2}, "a()\nb()\nc()", :runtime_error, "host call limit exceeded"},
    {"output", %{max_output: 10}, "print('12345')\na()\nprint('12345')", :memory_error,
     "output limit exceeded"},
    {"sleep", %{max_sleep_secs: 1}, "import time\ntime.sleep(0.6)\na()\ntime.sleep(0.6)", :timeout_error,
     "sleep limit exceeded"},
    {"allocations", %{max_allocations: 60_000},
     "for i in range(10000):\n    str(i + 100) * 3\na()\nfor i in range(40000):\n    str(i + 100) * 3",
     :memory_error, "allocation limit exceeded"},
    {"memory", %{max_memory: 8_000_000}, "x = 'y' * 5_000_000\na()\nz = 'y' * 5_000_000", :memory_error, "8"},
    {"time", %{max_duration_secs: 2}, "a()\nwhile True:\n    pass", :timeout_error, "time limit exceeded"},
    {"recursion", %{max_recursion_depth: 50}, "def f():\n    f()\na()\nf()", :recursion_error, "recursion"}
  ]

  for {name, limits, code, type, words} <- @kept do
    test "what a run has used of its limit of #{name} counts after a load" do
      limits = unquote(Macro.escape(limits))
      result = go_on({:ok, hd_progress(unquote(code), limits)}, nil)
      assert_raised(result, unquote(type), unquote(words))
    end

    test "a ceiling of #{name} holds for a run that was begun without one" do
      limits = unquote(Macro.escape(limits))
      result = go_on({:ok, hd_progress(unquote(code), %{max_duration_secs: 100})}, limits)
      assert_raised(result, unquote(type), unquote(words))
    end
  end

  defp hd_progress(code, limits) do
    {:ok, runner} = ExMonty.compile(code)
    {:ok, progress} = ExMonty.start(runner, %{}, limits: limits)
    progress
  end

  # Every pause is a journey through bytes; every ceiling is given at each of them.
  defp go_on({:ok, {:function_call, _, snapshot, _}}, ceiling), do: answer(snapshot, ceiling)
  defp go_on({:ok, {:os_call, _, snapshot, _}}, ceiling), do: answer(snapshot, ceiling)
  defp go_on(ended, _ceiling), do: ended

  defp answer(snapshot, ceiling) do
    loaded =
      if ceiling,
        do: moved(snapshot, ceiling),
        else: snapshot |> ExMonty.dump_snapshot!() |> ExMonty.load_snapshot!()

    loaded |> ExMonty.resume({:ok, nil}) |> go_on(ceiling)
  end

  test "the ceiling holds at every kind of pause" do
    for code <- ["f()", "open('/x')", "unknown", "import asyncio\nawait asyncio.gather(f())"] do
      {:ok, runner} = ExMonty.compile("#{code}\nwhile True:\n    pass")
      {:ok, progress} = ExMonty.start(runner)
      assert_raised(finish(progress), :timeout_error, "time limit exceeded")
    end
  end

  defp finish({:resolve_futures, futures, _}) do
    dump = ExMonty.dump_future_snapshot!(futures)
    futures = ExMonty.load_future_snapshot!(dump, limits: %{max_duration_secs: 0.05})
    ExMonty.resume_futures(futures, Enum.map(ExMonty.pending_call_ids(futures), &{&1, {:ok, nil}}))
  end

  defp finish({:function_call, _, snapshot, _} = progress) do
    if match?({:function_call, %{args: []}, _, _}, progress) do
      case ExMonty.resume(moved(snapshot, %{max_duration_secs: 0.05}), :pending) do
        {:ok, {:resolve_futures, _, _} = progress} -> finish(progress)
        ended -> ended
      end
    end
  end

  defp finish({:os_call, _, snapshot, _}) do
    ExMonty.resume(
      moved(snapshot, %{max_duration_secs: 0.05}),
      {:ok, {:file_handle, %{path: "/x", mode: "r", position: 0}}}
    )
  end

  defp finish({:name_lookup, _, snapshot, _}),
    do: ExMonty.resume(moved(snapshot, %{max_duration_secs: 0.05}), {:ok, 1})

  test "a ceiling raises no limit" do
    loaded = moved(paused("a()\nb()\nc()", %{max_host_calls: 2}), %{max_host_calls: 100})
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume(loaded, {:ok, nil})
    assert_raised(ExMonty.resume(snapshot, {:ok, nil}), :runtime_error, "more than 2 calls")

    loaded = moved(paused("a()\nx = 'y' * 5_000_000", %{max_memory: 4_000_000}), :unlimited)
    assert_raised(ExMonty.resume(loaded, {:ok, nil}), :memory_error, "")
  end

  test "a state larger than the ceiling is refused, and one within it is not" do
    dump = ExMonty.dump_snapshot!(paused("x = 'y' * 3_000_000\na()\nlen(x)", %{}))

    assert {:error, %ExMonty.Error{reason: :limit_exceeded, message: message}} =
             ExMonty.load_snapshot(dump, limits: %{max_memory: 2_000_000})

    assert message =~ ":max_memory accepts 2000000"
    loaded = ExMonty.load_snapshot!(dump, limits: %{max_memory: 4_000_000})
    assert ExMonty.resume(loaded, {:ok, nil}) == {:ok, {:complete, 3_000_000, ""}}
  end

  # The same dictionary takes more when it is built from bytes than it did when it grew.
  test "a run close to its limit is not lost for what it takes when it is loaded" do
    dump =
      ExMonty.dump_snapshot!(paused("d = {i: i for i in range(114_000)}\na()\n1", %{max_memory: 8_000_000}))

    assert {:error, %ExMonty.Error{reason: :limit_exceeded}} =
             ExMonty.load_snapshot(dump, limits: %{max_memory: 8_000_000})

    assert_raised(dump |> ExMonty.load_snapshot!() |> ExMonty.resume({:ok, nil}), :memory_error, "")
  end

  test "a loaded run is debited what it holds" do
    dump = ExMonty.dump_snapshot!(paused("x = 'y' * 3_000_000\na()\nx = None\nlen('z' * 3_900_000)\n1", %{}))
    # Both strings at once are beyond the ceiling: what was loaded is counted, and credited when it is freed.
    loaded = ExMonty.load_snapshot!(dump, limits: %{max_memory: 4_500_000})
    assert ExMonty.resume(loaded, {:ok, nil}) == {:ok, {:complete, 1, ""}}
    loaded = ExMonty.load_snapshot!(dump, limits: %{max_memory: 3_500_000})
    assert_raised(ExMonty.resume(loaded, {:ok, nil}), :memory_error, "")
  end
end
