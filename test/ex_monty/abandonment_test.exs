defmodule ExMonty.AbandonmentTest do
  # Alone, because turns that are abandoned keep others from beginning.
  use ExUnit.Case, async: false

  alias ExMonty.{Error, Exception, Mount, Patience, Sandbox}

  # One operation of the interpreter, which looks at no limit while it computes. It takes seconds, also on a fast machine.
  @power "10 ** 20_000_000"
  # One that computes for a while after it is known to be stuck.
  @long_power "10 ** 30_000_000"
  # Time for a busy machine, too, to come to the operation.
  @limits %{max_duration_secs: 0.5}

  setup do
    Patience.until(&at_rest?/0)
    on_exit(fn -> Patience.until(&at_rest?/0) end)
  end

  # A turn counts as running until a moment after its answer.
  defp at_rest?, do: match?(%{turns_abandoned: 0, turns_running: 0, turns_queued: 0}, ExMonty.info())

  defp lease!(mounts) do
    {:ok, lease} = Mount.checkout(mounts)
    lease
  end

  test "the caller of an operation that computes on is answered, with what was printed" do
    breaches = ExMonty.info().limit_breaches
    code = "print('so far')\nx = #{@power}\nprint('not seen')"
    assert {:error, %Exception{type: :timeout_error} = exception} = ExMonty.eval(code, limits: @limits)
    assert exception.message =~ ~r/^feed time limit exceeded: .* > 500ms$/
    assert exception.output == "so far\n"
    assert %{turns_abandoned: 1, turns_running: 0} = ExMonty.info()
    assert ExMonty.info().limit_breaches == breaches + 1
  end

  test "a run that was abandoned reaches no mount any more, and its lease is free at once" do
    mounts = Mount.new!([{"/w", :memory}])
    lease = lease!(mounts)

    code = """
    open('before', 'w').write('x')
    x = #{@power}
    open('after', 'w').write('x')
    """

    {:ok, runner} = ExMonty.compile(code)

    assert {:error, %Exception{type: :timeout_error}} =
             ExMonty.start_with_mounts(runner, lease, %{}, limits: @limits)

    assert ExMonty.info().turns_abandoned == 1
    assert :ok = Mount.release(lease)
    # Somebody else has the table while the operation still computes.
    assert {:ok, other} = Mount.checkout(mounts)
    Patience.until(fn -> ExMonty.info().turns_abandoned == 0 end)
    assert Mount.ls(other, "/w") == {:ok, ["before"]}
  end

  test "a timeout ends a run in a sandbox that sits in such an operation, which keeps its output and frees its lease" do
    mounts = Mount.new!([{"/m", :memory}])

    assert {:error, %Exception{type: :timeout_error} = exception} =
             Sandbox.run("print('x')\nx = #{@power}\n1", mounts: mounts, limits: :unlimited, timeout: 500)

    assert exception.message == "the run did not end within its timeout of 500 ms"
    assert exception.output == "x\n"
    assert {:ok, _lease} = Mount.checkout(mounts)
  end

  test "a snapshot whose turn was abandoned is gone, and says so" do
    {:ok, runner} = ExMonty.compile("f()\nx = #{@power}\nf()")
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner, %{}, limits: @limits)
    assert {:error, %Exception{type: :timeout_error}} = ExMonty.resume(snapshot, {:ok, nil})
    assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.resume(snapshot, {:ok, nil})
  end

  test "at the bound new work is refused at once, paused runs go on, and afterwards all is as before" do
    {:ok, runner} = ExMonty.compile("f()\n1")
    {:ok, {:function_call, _, paused, _}} = ExMonty.start(runner)
    overloads = ExMonty.info().overloads

    bound = System.schedulers_online()

    for _ <- 1..bound do
      Task.async(fn -> ExMonty.eval("x = #{@long_power}", limits: @limits) end)
    end
    |> Enum.each(&assert({:error, %Exception{type: :timeout_error}} = Task.await(&1, :infinity)))

    Patience.until(fn -> ExMonty.info().turns_stuck == bound end)

    assert {:error, %Error{reason: :overloaded, message: message}} = ExMonty.compile("1")
    assert message =~ "abandoned"
    assert {:error, %Error{reason: :overloaded}} = ExMonty.run(runner)
    assert ExMonty.info().overloads == overloads + 2
    assert {:ok, {:complete, 1, ""}} = ExMonty.resume(paused, {:ok, nil})
    Patience.until(fn -> ExMonty.info().turns_abandoned == 0 end)
    assert ExMonty.info().turns_stuck == 0
    assert {:ok, 2, ""} = ExMonty.eval("1 + 1")
  end

  test "time that answers took counts for what only computes afterwards" do
    {:ok, runner} =
      ExMonty.compile("import os\nfor _ in range(20_000):\n    os.walk('/w')\nf()\nwhile True:\n    pass")

    files = for n <- 1..50, into: %{}, do: {"#{n}", "x"}
    lease = lease!(Mount.new!([{"/w", :memory, files: files}]))
    limits = %{max_duration_secs: 1}

    case ExMonty.start_with_mounts(runner, lease, %{}, limits: limits) do
      {:ok, {:function_call, _, snapshot, _}} ->
        assert {:error, %Exception{type: :timeout_error}} = ExMonty.resume(snapshot, {:ok, nil})

      {:error, exception} ->
        assert %Exception{type: :timeout_error} = exception
    end
  end

  describe "a caller that dies" do
    test "takes its turn along, long before the turn's limit" do
      {pid, monitor} =
        spawn_monitor(fn -> ExMonty.eval("while True:\n    pass", limits: %{max_duration_secs: 600}) end)

      Patience.until(fn -> ExMonty.info().turns_running == 1 end)
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
      Patience.until(fn -> ExMonty.info().turns_running == 0 end)
    end

    test "takes its turn along when it is a task that is shut down" do
      task = Task.async(fn -> ExMonty.eval("while True:\n    pass", limits: :unlimited) end)
      Patience.until(fn -> ExMonty.info().turns_running == 1 end)
      assert Task.shutdown(task, :brutal_kill) == nil
      Patience.until(fn -> ExMonty.info().turns_running == 0 end)
    end

    test "frees the lease that its turn uses, though another process owns it" do
      mounts = Mount.new!([{"/w", :memory}])
      lease = lease!(mounts)
      {:ok, runner} = ExMonty.compile("while True:\n    open('n', 'w').write('x')")

      {pid, monitor} =
        spawn_monitor(fn -> ExMonty.start_with_mounts(runner, lease, %{}, limits: :unlimited) end)

      Patience.until(fn -> Mount.exists?(lease, "/w/n") end)
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
      Patience.until(fn -> ExMonty.info().turns_running == 0 end)
      # The lease is this process's, and of use to it.
      assert {:ok, text} = Mount.read(lease, "/w/n")
      # Whichever of the two calls of the loop was the last.
      assert text in ["", "x"]
      assert :ok = Mount.release(lease)
      assert {:ok, _} = Mount.checkout(mounts)
    end

    test "leaves alone what another process has: a snapshot lives as long as anybody has it" do
      {:ok, runner} = ExMonty.compile("f() + 1")
      test = self()

      {pid, monitor} =
        spawn_monitor(fn ->
          {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
          send(test, snapshot)
        end)

      assert_receive snapshot when is_reference(snapshot)
      assert_receive {:DOWN, ^monitor, :process, ^pid, :normal}
      assert {:ok, {:complete, 42, ""}} = ExMonty.resume(snapshot, {:ok, 41})
    end

    test "is not answered by an operation that computes on, which is abandoned" do
      {pid, monitor} = spawn_monitor(fn -> ExMonty.eval("x = #{@power}", limits: :unlimited) end)
      Patience.until(fn -> ExMonty.info().turns_running == 1 end)
      Process.exit(pid, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
      Patience.until(fn -> ExMonty.info().turns_running == 0 end)
    end
  end
end
