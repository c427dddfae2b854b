defmodule ExMonty.Workspace.KillingTest do
  use ExUnit.Case, async: true

  # What the process of a step leaves behind when it is killed: a turn of the interpreter that is being stopped, and that
  # may be in the middle of a change of the files. Where that falls is up to the threads, so each test does it often.

  import ExMonty.Test.Workspaces

  alias ExMonty.{Error, Workspace}

  @often 100

  defp kill(ws), do: Process.exit(:sys.get_state(ws).worker, :kill)

  defp begun(ws, step, name) do
    task = Task.async(fn -> step.(ws) end)
    send(at(name), :go)
    task
  end

  # Waits until the file has more bytes than so many.
  defp grown(ws, bytes) do
    until(fn ->
      with {:ok, contents} <- Workspace.read(ws, "/work/a"),
           do: byte_size(contents) > bytes,
           else: (_ -> false)
    end)
  end

  test "a resumption that is killed at a pause leaves the files that the step was suspended with" do
    # A snapshot that is taken when the step is already at work would have "12".
    for _ <- 1..@often do
      ws = start()
      code = "open('/work/a', 'w').write('1'); suspend('a'); open('/work/a', 'a').write('2'); gate('in')"
      {:suspended, "a", ""} = Workspace.run(ws, code)
      task = Task.async(fn -> Workspace.resume(ws, "a", {:ok, nil}) end)
      at("in")
      kill(ws)
      assert {:error, %Error{reason: :step_lost, message: message}} = Task.await(task)
      assert message =~ "its files are those from before it"
      assert Workspace.read(ws, "/work/a") == {:ok, "1"}
      assert Workspace.suspensions(ws) == ["a"]
    end
  end

  test "a resumption that is killed while it writes leaves the files that the step was suspended with" do
    for _ <- 1..@often do
      ws = start()

      code =
        "open('/work/a', 'w').write('1'); suspend('a'); gate('in')\nwhile True: open('/work/a', 'a').write('2')"

      {:suspended, "a", ""} = Workspace.run(ws, code)
      task = begun(ws, &Workspace.resume(&1, "a", {:ok, nil}), "in")
      grown(ws, 1)
      kill(ws)
      assert {:error, %Error{reason: :step_lost}} = Task.await(task)
      assert Workspace.read(ws, "/work/a") == {:ok, "1"}
      assert Workspace.suspensions(ws) == ["a"]
    end
  end

  test "a step that is killed while it writes has written all that it will when its caller hears of it" do
    for _ <- 1..@often do
      ws = start()
      task = begun(ws, &Workspace.run(&1, "gate('in')\nwhile True: open('/work/a', 'a').write('2')"), "in")
      grown(ws, 0)
      kill(ws)
      assert {:error, %Error{reason: :step_lost, message: message}} = Task.await(task)
      assert message =~ "its files are as it left them"
      {:ok, left} = Workspace.read(ws, "/work/a")
      # Neither of these finds the files in use.
      assert Workspace.write(ws, "/work/b", "x") == :ok
      assert {:ok, 1, ""} = Workspace.run(ws, "1")
      assert Workspace.read(ws, "/work/a") == {:ok, left}
    end
  end

  test "a step that is given up while it writes has written all that it will, and is rolled back whole" do
    for on_error <- [:keep, :rollback], _ <- 1..10 do
      ws = start()
      code = "while True: open('/work/a', 'a').write('2')"
      assert {:error, _} = Workspace.run(ws, code, timeout: 20, on_error: on_error)
      left = Workspace.read(ws, "/work/a")
      if on_error == :rollback, do: assert(left == {:error, :enoent})
      assert Workspace.write(ws, "/work/b", "x") == :ok
      assert Workspace.read(ws, "/work/a") == left
    end
  end
end
