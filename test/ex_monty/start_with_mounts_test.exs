defmodule ExMonty.StartWithMountsTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Exception, Mount, OsCall}

  defp lease!(specs) do
    {:ok, lease} = specs |> Mount.new!() |> Mount.checkout()
    lease
  end

  defp start!(code, lease, opts \\ []) do
    {:ok, runner} = ExMonty.compile(code)
    ExMonty.start_with_mounts(runner, lease, %{}, opts)
  end

  test "covered file calls are answered without a pause, and are counted" do
    lease = lease!([{"/work", :memory}])
    before = ExMonty.info().calls_answered

    code = """
    from pathlib import Path
    for i in range(500):
        Path(f'/work/{i}.txt').write_text(str(i))
    sum(int(p.read_text()) for p in Path('/work').iterdir())
    """

    assert start!(code, lease) == {:ok, {:complete, 124_750, ""}}
    assert ExMonty.info().calls_answered - before >= 1_001
    assert Mount.read(lease, "/work/7.txt") == {:ok, "7"}
  end

  test "uncovered file calls and everything else are pauses, with mounts before and after" do
    lease = lease!([{"/work", :memory, files: %{"a" => "1"}}])

    code = """
    import os
    a = open('/work/a').read()
    b = open('/elsewhere/b').read()
    os.makedirs('/work/d')
    c = fetch(a, b)
    open('/work/d/c', 'w').write(c)
    """

    {:ok, {:os_call, %OsCall{function: :open} = call, snapshot, ""}} = start!(code, lease)
    assert [{:path, "/elsewhere/b"}, "r"] = call.args
    handle = {:file_handle, %{path: "/elsewhere/b", mode: "r", position: 0}}

    {:ok, {:os_call, %OsCall{function: :read_text}, snapshot, ""}} =
      ExMonty.resume_with_mounts(snapshot, {:ok, handle}, lease)

    {:ok, {:function_call, call, snapshot, ""}} = ExMonty.resume_with_mounts(snapshot, {:ok, "2"}, lease)
    assert call.args == ["1", "2"]
    assert ExMonty.resume_with_mounts(snapshot, {:ok, "three"}, lease) == {:ok, {:complete, 5, ""}}
    assert Mount.read(lease, "/work/d/c") == {:ok, "three"}
  end

  test "the working directory is the first mount's path unless given" do
    lease = lease!([{"/b", :memory}, {"/a", :memory}])
    assert start!("import os\nos.getcwd()", lease) == {:ok, {:complete, "/b", ""}}
    assert start!("import os\nos.getcwd()", lease, cwd: "/a") == {:ok, {:complete, "/a", ""}}
    assert start!("import os\nos.getcwd()", lease!([])) == {:ok, {:complete, "/", ""}}
  end

  test "futures go on with mounts" do
    lease = lease!([{"/work", :memory}])

    code = """
    import asyncio
    async def keep(name):
        open('/work/' + name, 'w').write(await fetch(name))
        return open('/work/' + name).read()
    await asyncio.gather(keep('a'), keep('b'))
    """

    {:ok, {:function_call, a, snapshot, ""}} = start!(code, lease)
    {:ok, {:function_call, b, snapshot, ""}} = ExMonty.resume_with_mounts(snapshot, :pending, lease)
    {:ok, {:resolve_futures, futures, ""}} = ExMonty.resume_with_mounts(snapshot, :pending, lease)
    results = for call <- [a, b], do: {call.call_id, {:ok, "of " <> hd(call.args)}}

    assert ExMonty.resume_futures_with_mounts(futures, results, lease) ==
             {:ok, {:complete, ["of a", "of b"], ""}}
  end

  test "a lease that has ended is refused before anything is touched" do
    table = Mount.new!([{"/work", :memory}])
    {:ok, lease} = Mount.checkout(table)
    {:ok, {:function_call, _, snapshot, _}} = start!("open('/work/x', 'w').write(fetch())", lease)
    :ok = Mount.release(lease)
    assert start!("1", lease) == {:error, :lease_released}
    assert ExMonty.resume_with_mounts(snapshot, {:ok, "data"}, lease) == {:error, :lease_released}

    {:ok, other} = Mount.checkout(table)
    assert {:ok, {:complete, 4, ""}} = ExMonty.resume_with_mounts(snapshot, {:ok, "data"}, other)
    assert Mount.read(table, "/work/x") == {:ok, "data"}
  end

  test "futures refuse a lease that has ended before anything is touched, and no door goes past the mounts" do
    table = Mount.new!([{"/work", :memory, files: %{"a" => "1"}}])
    lease = Mount.checkout!(table)
    code = "import asyncio\n[n] = await asyncio.gather(fetch())\nopen('/work/' + n).read()"
    {:ok, {:function_call, call, snapshot, ""}} = start!(code, lease)
    {:ok, {:resolve_futures, futures, ""}} = ExMonty.resume_with_mounts(snapshot, :pending, lease)
    :ok = Mount.release(lease)
    answer = [{call.call_id, {:ok, "a"}}]
    assert ExMonty.resume_futures_with_mounts(futures, answer, lease) == {:error, :lease_released}
    assert ExMonty.pending_call_ids(futures) == [call.call_id]

    for wrong <- [[{call.call_id, {:ok, self()}}], [{call.call_id, :pending}], [{-1, {:ok, 1}}], :none] do
      other = Mount.checkout!(table)
      assert {:error, %Error{}} = ExMonty.resume_futures_with_mounts(futures, wrong, other)
      Mount.release(other)
    end

    # Without a lease the file is asked for, and nothing is read.
    {:ok, {:os_call, %OsCall{function: :open}, snapshot, ""}} = ExMonty.resume_futures(futures, answer)

    assert {:error, %Exception{type: :permission_error}} =
             ExMonty.resume_with_mounts(snapshot, :no_handler, Mount.checkout!(table))
  end

  test "an answer that is refused leaves the snapshot, with a lease as without" do
    lease = lease!([])
    {:ok, {:function_call, _, snapshot, _}} = start!("fetch()", lease)

    assert {:error, %Error{reason: :invalid_value}} =
             ExMonty.resume_with_mounts(snapshot, {:ok, self()}, lease)

    assert {:ok, {:complete, 1, ""}} = ExMonty.resume_with_mounts(snapshot, {:ok, 1}, lease)
  end

  describe "limits" do
    test "a thousand writes and reads of a mebibyte leave the run's memory where it was" do
      lease = lease!([{"/work", :memory}])

      code = """
      from pathlib import Path
      data = 'x' * 1_048_576
      p = Path('/work/data')
      for _ in range(1000):
          p.write_text(data)
          assert len(p.read_text()) == 1_048_576
      1
      """

      # Were a single one counted twice, or not given back, the run would end after a dozen.
      limits = %{max_memory: 12_000_000, max_duration_secs: :unlimited}
      assert {:ok, {:complete, 1, ""}} = start!(code, lease, limits: limits)
    end

    test "what a run reads is its own memory" do
      lease = lease!([{"/work", :memory, files: %{"data" => String.duplicate("x", 1_000_000)}}])

      code =
        "from pathlib import Path\nkept = []\nwhile True:\n    kept.append(Path('/work/data').read_text())"

      assert {:error, %Exception{type: :memory_error}} =
               start!(code, lease, limits: %{max_memory: 10_000_000})
    end

    test "what a run writes is not" do
      lease = lease!([{"/work", :memory}])
      code = "for i in range(50):\n    open(f'/work/{i}', 'w').write('x' * 1_000_000)\n1"
      assert {:ok, {:complete, 1, ""}} = start!(code, lease, limits: %{max_memory: 10_000_000})
    end

    test "the time limit covers the answering of file calls" do
      lease = lease!([{"/work", :memory}])
      code = "from pathlib import Path\nwhile True:\n    Path('/work/x').exists()"
      {microseconds, result} = :timer.tc(fn -> start!(code, lease, limits: %{max_duration_secs: 0.2}) end)
      assert {:error, %Exception{type: :timeout_error}} = result
      assert microseconds >= 200_000
    end

    test "answered file calls are no host calls" do
      lease = lease!([{"/work", :memory}])
      code = "from pathlib import Path\nfor _ in range(100):\n    Path('/work/x').exists()\nf()"
      assert {:ok, {:function_call, _, _, _}} = start!(code, lease, limits: %{max_host_calls: 1})
    end
  end

  test "something else in the place of a lease is a mistake" do
    {:ok, runner} = ExMonty.compile("1")
    assert_raise FunctionClauseError, fn -> ExMonty.start_with_mounts(runner, make_ref()) end

    assert_raise ArgumentError, ~r/expected a lease/, fn ->
      ExMonty.start_with_mounts(runner, %Mount.Lease{ref: make_ref(), mode: :exclusive})
    end
  end
end
