defmodule ExMonty.Sandbox.LeaseTest do
  use ExUnit.Case, async: true

  # How runs share a table: `:lease` of `Sandbox.run/2` and of `Session.eval/3`.

  alias ExMonty.{Mount, Patience, Sandbox, Session}

  # None of these waits ends by its time.
  @ms 300_000

  setup do
    {:ok, mounts: Mount.new!([{"/m", :memory, files: %{"n" => "0"}}])}
  end

  # A function of a script that says where it is, and answers when it is told to.
  defp pause do
    test = self()

    fn [], _kwargs ->
      send(test, {:paused, self()})
      receive do: (:go_on -> {:ok, nil})
    end
  end

  # A run in a process of its own, which calls `pause()` with the lease in hand.
  defp pausing(mounts, lease) do
    opts = [mounts: mounts, lease: lease, functions: %{"pause" => pause()}, callback_timeout: :infinity]
    Task.async(fn -> Sandbox.run("pause()\nopen('/m/n').read()", opts) end)
  end

  defp paused do
    assert_receive {:paused, pid}, @ms
    pid
  end

  # A run that is in the line of the table when this returns.
  defp in_line(mounts, lease) do
    task = pausing(mounts, lease)
    Patience.until(fn -> waits?(task.pid) end)
    task
  end

  defp waits?(pid) do
    with {:current_stacktrace, [{Mount.Leases, :wait, _, _} | _]} <- Process.info(pid, :current_stacktrace),
         {:status, :waiting} <- Process.info(pid, :status),
         do: true,
         else: (_ -> false)
  end

  test "runs with a shared lease run side by side, and an exclusive one does not", %{mounts: mounts} do
    runs = for _ <- 1..3, do: pausing(mounts, :shared)
    # All of them are inside at once.
    inside = for _ <- runs, do: paused()

    for lease <- [:exclusive, {:wait, 0}, {:wait, :exclusive, 1}],
        do: assert(Sandbox.run("1", mounts: mounts, lease: lease) == {:error, :mount_in_use})

    # A shared lease writes as well, the host's own writing beside it.
    assert {:ok, 1, ""} = Sandbox.run("open('/m/n', 'w').write('1')", mounts: mounts, lease: :shared)
    assert {:ok, 1, ""} = Sandbox.run("1", mounts: mounts, lease: {:wait, :shared, 0})
    for pid <- inside, do: send(pid, :go_on)
    for run <- runs, do: assert(Task.await(run, @ms) == {:ok, "1", ""})
    assert {:ok, 1, ""} = Sandbox.run("1", mounts: mounts)
  end

  test "a run that waits gets its turn when the one before it ends", %{mounts: mounts} do
    first = pausing(mounts, :exclusive)
    holder = paused()
    second = in_line(mounts, {:wait, @ms})
    third = in_line(mounts, {:wait, :infinity})
    refute_received {:paused, _}

    Enum.reduce([first, second, third], holder, fn run, inside ->
      send(inside, :go_on)
      assert Task.await(run, @ms) == {:ok, "0", ""}
      unless run == third, do: paused()
    end)
  end

  test "runs that wait for a shared lease are let in together", %{mounts: mounts} do
    first = pausing(mounts, :exclusive)
    holder = paused()
    others = for _ <- 1..3, do: in_line(mounts, {:wait, :shared, @ms})
    send(holder, :go_on)
    inside = for _ <- others, do: paused()
    for pid <- inside, do: send(pid, :go_on)
    for run <- [first | others], do: assert(Task.await(run, @ms) == {:ok, "0", ""})
  end

  test "a wait that runs out is as if there had been none, and leaves nothing behind", %{mounts: mounts} do
    lease = Mount.checkout!(mounts)

    for wait <- [{:wait, 0}, {:wait, 3}, {:wait, :exclusive, 3}, {:wait, :shared, 3}] do
      assert Sandbox.run("1", mounts: mounts, lease: wait) == {:error, :mount_in_use}
    end

    Mount.release(lease)
    assert {:ok, 1, ""} = Sandbox.run("1", mounts: mounts)
    refute_received _
  end

  test "a run that is killed while it waits lets the next one in", %{mounts: mounts} do
    lease = Mount.checkout!(mounts)
    doomed = in_line(mounts, {:wait, :infinity})
    next = in_line(mounts, {:wait, @ms})
    Task.shutdown(doomed, :brutal_kill)
    Mount.release(lease)
    send(paused(), :go_on)
    assert Task.await(next, @ms) == {:ok, "0", ""}
  end

  test "a table of specs is nobody else's, however it is leased" do
    specs = [{"/m", :memory, files: %{"n" => "1"}}]

    for lease <- [:shared, {:wait, 0}, {:wait, :shared, 0}, {:wait, :infinity}],
        do: assert({:ok, "1", ""} = Sandbox.run("open('/m/n').read()", mounts: specs, lease: lease))
  end

  test "an evaluation of a session is leased as it says, or as the session does", %{mounts: mounts} do
    session = Session.new!(mounts: mounts, lease: :shared)
    held = Mount.checkout!(mounts, :shared)
    assert {:ok, "0", "", session} = Session.eval(session, "open('n').read()")
    assert Session.eval(session, "1", lease: :exclusive) == {:error, :mount_in_use}
    assert Session.eval(session, "1", lease: {:wait, 1}) == {:error, :mount_in_use}
    Mount.release(held)
    assert {:ok, 1, "", _session} = Session.eval(session, "1", lease: {:wait, @ms})
  end

  test "200 runs that wait for one table have it one at a time", %{mounts: mounts} do
    count = "n = int(open('/m/n').read())\nopen('/m/n', 'w').write(str(n + 1))"

    1..200
    |> Enum.map(fn _ ->
      Task.async(fn -> Sandbox.run(count, mounts: mounts, lease: {:wait, :infinity}) end)
    end)
    |> Task.await_many(@ms)
    |> Enum.each(&assert {:ok, _, ""} = &1)

    assert Mount.read!(mounts, "/m/n") == "200"
  end

  test "200 runs that share one table lose nothing", %{mounts: mounts} do
    append = "f = open('/m/log', 'a')\nf.write(name + '\\n')\nf.close()\nopen('/m/' + name, 'w').write(name)"

    1..200
    |> Enum.map(fn number ->
      opts = [mounts: mounts, lease: {:wait, :shared, :infinity}, inputs: %{name: "run-#{number}"}]
      Task.async(fn -> Sandbox.run(append, opts) end)
    end)
    |> Task.await_many(@ms)
    |> Enum.each(&assert {:ok, _, ""} = &1)

    names = for number <- 1..200, do: "run-#{number}"
    assert mounts |> Mount.read!("/m/log") |> String.split() |> Enum.sort() == Enum.sort(names)
    for name <- names, do: assert(Mount.read!(mounts, "/m/" <> name) == name)
  end

  test "200 runs on forks of one table do not see each other", %{mounts: mounts} do
    add = "open('/m/n', 'a').write(name)\nopen('/m/n').read()"

    1..200
    |> Enum.map(fn number ->
      Task.async(fn -> Sandbox.run(add, mounts: Mount.fork!(mounts), inputs: %{name: "#{number}"}) end)
    end)
    |> Task.await_many(@ms)
    |> Enum.with_index(1)
    |> Enum.each(fn {outcome, number} -> assert outcome == {:ok, "0#{number}", ""} end)

    assert Mount.changes!(mounts) == []
  end

  test "what is no way to lease raises and names what is, before anything runs", %{mounts: mounts} do
    session = Session.new!(mounts: mounts)

    for wrong <- [
          nil,
          :wait,
          "shared",
          {:wait},
          {:wait, -1},
          {:wait, 1.5},
          {:wait, nil},
          {:wait, 0x1_0000_0000},
          {:wait, :mine, 5},
          {:shared, 5}
        ] do
      message =
        ":lease: got #{inspect(wrong)}, accepted: :exclusive, :shared, {:wait, milliseconds} and " <>
          "{:wait, :exclusive | :shared, milliseconds}, of at most 4294967295 or :infinity"

      assert_raise ArgumentError, message, fn -> Sandbox.run("1 +", mounts: mounts, lease: wrong) end
      assert_raise ArgumentError, message, fn -> Session.eval(session, "1 +", lease: wrong) end
      assert_raise ArgumentError, message, fn -> Session.new(mounts: mounts, lease: wrong) end
    end
  end
end
