defmodule ExMonty.Session.AbandonmentTest do
  # Alone, because turns that are abandoned keep others from beginning.
  use ExUnit.Case, async: false

  alias ExMonty.{Error, Exception, Mount, Patience, Session}

  # One operation of the interpreter, which looks at no limit while it computes. It takes seconds, also on a fast machine.
  @power "10 ** 20_000_000"
  # Time for a busy machine, too, to come to the operation.
  @limits %{max_duration_secs: 0.5}

  setup do
    Patience.until(&at_rest?/0)
    on_exit(fn -> Patience.until(&at_rest?/0) end)
  end

  # A turn counts as running until a moment after its answer.
  defp at_rest?, do: match?(%{turns_abandoned: 0, turns_running: 0, turns_queued: 0}, ExMonty.info())

  defp session!(opts \\ []) do
    {:ok, session} = Session.new(opts)
    {:ok, nil, "", session} = Session.eval(session, "x = 1")
    session
  end

  # Both are true from when the abandoned turn's thread is through.
  defp until_free(session) do
    Patience.until(fn -> not match?({:error, %Error{reason: :busy}}, Session.dump(session)) end)
    Patience.until(fn -> ExMonty.info().turns_abandoned == 0 end)
  end

  test "the caller is answered, with what was printed; the session is busy while the operation computes, and lives on" do
    session = session!()

    assert {:error, %Exception{type: :timeout_error} = exception} =
             Session.eval(session, "x = 2\nprint('so far')\ny = #{@power}\nprint('not seen')", limits: @limits)

    assert exception.message =~ ~r/^feed time limit exceeded: .* > 500ms$/
    assert exception.output == "so far\n"
    assert %{turns_abandoned: 1, turns_running: 0} = ExMonty.info()

    assert {:error, %Error{reason: :busy, message: message}} = Session.eval(session, "x")
    assert message =~ "running or paused"
    assert {:error, %Error{reason: :busy}} = Session.start(session, "x")
    assert {:error, %Error{reason: :busy}} = Session.dump(session)

    until_free(session)
    # The variables are those that the evaluation had when it ended, which was at its next look at its limits.
    assert {:ok, nil, "", session} = Session.eval(session, "x += 1")
    assert {:ok, 3, "", session} = Session.eval(session, "x")
    assert {:ok, dump} = Session.dump(session)
    assert {:ok, copy} = Session.load(dump)
    assert {:ok, 3, "", _copy} = Session.eval(copy, "x")
  end

  test "the lease of the evaluation is free at once, and no mount is reached any more" do
    mounts = Mount.new!([{"/w", :memory}])
    session = session!(mounts: mounts)

    code = """
    open('before', 'w').write('x')
    y = #{@power}
    open('after', 'w').write('x')
    """

    assert {:error, %Exception{type: :timeout_error}} = Session.eval(session, code, limits: @limits)
    assert ExMonty.info().turns_abandoned == 1
    # Somebody else has the table while the operation still computes.
    assert {:ok, lease} = Mount.checkout(mounts)
    until_free(session)
    assert Mount.ls(lease, "/w") == {:ok, ["before"]}
    assert :ok = Mount.release(lease)
    assert {:ok, "x", "", _} = Session.eval(session, "open('before').read()")
  end

  test "so it is when the evaluation was paused before, and its snapshot is gone" do
    session = session!()
    {:ok, {:function_call, _, snapshot, _}} = Session.start(session, "f()\ny = #{@power}", limits: @limits)
    assert {:error, %Exception{type: :timeout_error}} = ExMonty.resume(snapshot, {:ok, nil})
    assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.resume(snapshot, {:ok, nil})
    assert {:error, %Error{reason: :busy}} = Session.eval(session, "x")
    until_free(session)
    assert {:ok, 1, "", _} = Session.eval(session, "x")
  end

  test "so it is when the caller has died" do
    session = session!()

    {pid, monitor} = spawn_monitor(fn -> Session.eval(session, "y = #{@power}", limits: :unlimited) end)
    Patience.until(fn -> ExMonty.info().turns_running == 1 end)
    Process.exit(pid, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :killed}
    until_free(session)
    assert {:ok, 1, "", _} = Session.eval(session, "x")
  end

  test "nothing is left when the session goes while the operation of its evaluation computes" do
    before = ExMonty.info()

    {pid, monitor} =
      spawn_monitor(fn ->
        session = session!()
        {:ok, nil, "", session} = Session.eval(session, "held = 'y' * 50_000_000")

        assert {:error, %Exception{type: :timeout_error}} =
                 Session.eval(session, "y = #{@power}", limits: @limits)
      end)

    assert_receive {:DOWN, ^monitor, :process, ^pid, :normal}
    assert %{turns_abandoned: 1, metered_bytes: held} = ExMonty.info()
    assert held - before.metered_bytes > 40_000_000
    Patience.until(fn -> ExMonty.info().turns_abandoned == 0 end)
    Patience.until(fn -> ExMonty.info().metered_bytes - before.metered_bytes < 1_000_000 end)
    assert ExMonty.info().runs_paused == before.runs_paused
  end
end
