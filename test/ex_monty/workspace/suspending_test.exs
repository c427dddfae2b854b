defmodule ExMonty.Workspace.SuspendingTest do
  use ExUnit.Case, async: true

  import ExMonty.Test.Workspaces

  alias ExMonty.{Error, Exception, Workspace}
  alias ExMonty.Test.{FlakyStore, HostDirectory}

  test "a function suspends its step, which is resumed with what it should have answered" do
    ws = start()

    assert {:suspended, "a", "before\n"} =
             Workspace.run(ws, "print('before'); x = suspend('a'); print('after'); x")

    assert Workspace.info(ws).status == :suspended
    assert {:ok, [1, 2], "after\n"} = Workspace.resume(ws, "a", {:ok, [1, 2]})
    assert Workspace.run(ws, "x") == {:ok, [1, 2], ""}
    assert Workspace.info(ws).status == :idle
  end

  test "an error for an answer is raised in the script, and a step may be suspended again and again" do
    ws = start()

    code = """
    try:
        suspend('first')
    except ValueError as error:
        seen = str(error)
    suspend({'second': [1, 2]})
    """

    assert {:suspended, "first", ""} = Workspace.run(ws, code)

    assert {:suspended, %{"second" => [1, 2]}, ""} =
             Workspace.resume(ws, "first", {:error, :value_error, "no"})

    assert Workspace.suspensions(ws) == [%{"second" => [1, 2]}]

    assert {:error, %Exception{type: :runtime_error}} =
             Workspace.resume(ws, %{"second" => [1, 2]}, {:error, "stop"})

    assert Workspace.run(ws, "seen") == {:ok, "no", ""}
  end

  test "unknown tags, and those that were resumed, are told apart" do
    ws = start()
    assert {:error, %Error{reason: :unknown_suspension}} = Workspace.resume(ws, "a", {:ok, 1})
    {:suspended, "a", ""} = Workspace.run(ws, "suspend('a')")
    assert {:error, %Error{reason: :unknown_suspension}} = Workspace.resume(ws, "b", {:ok, 1})
    assert {:error, %Error{reason: :invalid_tag}} = Workspace.resume(ws, self(), {:ok, 1})
    assert {:ok, 1, ""} = Workspace.resume(ws, "a", {:ok, 1})
    assert {:error, %Error{reason: :already_resumed}} = Workspace.resume(ws, "a", {:ok, 1})
  end

  test "of twenty who resume the same step, one does" do
    ws = start()
    {:ok, _, _} = Workspace.run(ws, "n = 0")
    {:suspended, "a", ""} = Workspace.run(ws, "n = n + suspend('a')")

    answers =
      1..20
      |> Enum.map(fn _ -> Task.async(fn -> Workspace.resume(ws, "a", {:ok, 1}) end) end)
      |> Task.await_many(:infinity)

    assert [{:ok, nil, ""}] = Enum.filter(answers, &match?({:ok, _, _}, &1))
    assert length(for {:error, %Error{reason: :already_resumed}} <- answers, do: 1) == 19
    assert Workspace.run(ws, "n") == {:ok, 1, ""}
  end

  test "a result that Python cannot hold is refused, and the step stays suspended" do
    ws = start()
    {:suspended, "a", ""} = Workspace.run(ws, "suspend('a')")

    # `:pending` would be a promise that nobody keeps.
    for bad <- [{:ok, self()}, {:error, :no_such_exception, "x"}, :nonsense, :pending, {:suspend, "b"}] do
      assert {:error, %Error{message: message}} = Workspace.resume(ws, "a", bad)
      refute message =~ "or :pending"
      assert Workspace.suspensions(ws) == ["a"]
    end

    assert {:ok, 1, ""} = Workspace.resume(ws, "a", {:ok, 1})
  end

  test "a tag that cannot be kept is an exception in the script" do
    ws = start(functions: %{"suspend" => fn _, _ -> {:suspend, self()} end})

    assert {:ok, "caught", "x\n"} =
             Workspace.run(ws, "print('x')\ntry:\n    suspend()\nexcept TypeError:\n    r = 'caught'\nr")
  end

  test "while a step is suspended others queue, and files can be read, written and committed" do
    ws = start()
    {:ok, _, _} = Workspace.run(ws, "order = []")
    {:suspended, "a", ""} = Workspace.run(ws, "open('/work/f', 'w').write('1'); order.append(suspend('a'))")

    later =
      for n <- 1..3,
          do:
            (
              task = Task.async(fn -> Workspace.run(ws, "order.append(#{n})") end)
              queued(ws, n)
              task
            )

    assert Workspace.read(ws, "/work/f") == {:ok, "1"}
    assert Workspace.write(ws, "/work/g", "2") == :ok
    assert {:ok, [_, _]} = Workspace.changes(ws)
    assert {:ok, nil, ""} = Workspace.resume(ws, "a", {:ok, 0})
    Task.await_many(later, :infinity)
    assert Workspace.run(ws, "order, open('/work/g').read()") == {:ok, {[0, 1, 2, 3], "2"}, ""}
  end

  test "a rollback reaches over a suspension, a dump and a restart, to before the step" do
    key = "secret"
    ws = start(key: key)
    {:ok, _, _} = Workspace.run(ws, "n = 1; open('/work/f', 'w').write('before'); None")
    code = "n = 2; open('/work/f', 'w').write('during'); suspend('a'); 1 / 0"
    {:suspended, "a", ""} = Workspace.run(ws, code, on_error: :rollback)
    {:ok, dump} = Workspace.dump(ws)
    {:ok, fork} = Workspace.fork(ws)
    restarted = start(from: dump, key: key, mounts: [])

    for ws <- [ws, fork, restarted] do
      assert Workspace.read(ws, "/work/f") == {:ok, "during"}
      assert {:error, %Exception{type: :zero_division_error}} = Workspace.resume(ws, "a", {:ok, nil})
      assert Workspace.read(ws, "/work/f") == {:ok, "before"}
      assert Workspace.run(ws, "n") == {:ok, 1, ""}
    end
  end

  # Such a table cannot go back, which used to keep the suspended step from being stored, dumped and moved.
  test "a step that is to be rolled back is kept, also where its files cannot be" do
    directory = HostDirectory.create!()
    store = {FlakyStore, start_supervised!(FlakyStore)}

    options = [
      name: :"through-#{inspect(store)}",
      store: store,
      mounts: [{"/through", directory, :read_write}]
    ]

    ws = start(options)
    code = "n = 1; open('/through/a', 'w').write('x'); suspend('a'); 1 / 0"
    assert {:suspended, "a", ""} = Workspace.run(ws, code, on_error: :rollback)
    {:ok, dump} = Workspace.dump(ws)
    :ok = Workspace.stop(ws)

    for ws <- [start(options), start(from: dump, mounts: [], hosts: %{"/through" => directory})] do
      assert {:ok, fork} = Workspace.fork(ws)

      for ws <- [fork, ws] do
        assert {:error, {:not_rolled_back, :not_restorable, %Exception{type: :zero_division_error}}} =
                 Workspace.resume(ws, "a", {:ok, nil})

        assert Workspace.run(ws, "n") == {:ok, 1, ""}
      end
    end
  end
end
