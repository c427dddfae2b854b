defmodule ExMonty.SandboxTest do
  use ExUnit.Case, async: true

  doctest ExMonty.Sandbox

  alias ExMonty.{Mount, Sandbox}

  defp run(code, opts \\ []), do: Sandbox.run(code, opts)

  defp raised(code, opts \\ []) do
    assert {:error, %ExMonty.Exception{} = exception} = Sandbox.run(code, opts)
    {exception.type, exception.message}
  end

  describe "functions" do
    test "get positional arguments as a list and keyword arguments by name" do
      echo = fn args, kwargs -> {:ok, {args, kwargs}} end

      assert {:ok, {[1, "two"], %{"three" => [3]}}, ""} =
               run("echo(1, 'two', three=[3])", functions: %{echo: echo})
    end

    test "raise what they answer, which the script may catch" do
      functions = %{
        "typed" => fn _, _ -> {:error, :key_error, "no such key"} end,
        "plain" => fn _, _ -> {:error, "just no"} end
      }

      code = """
      seen = []
      for call in (typed, plain):
          try:
              call()
          except Exception as error:
              seen.append((type(error).__name__, str(error)))
      seen
      """

      assert {:ok, [{"KeyError", _}, {"RuntimeError", "just no"}], ""} = run(code, functions: functions)
    end

    test "that raise, throw, exit, kill themselves or answer nonsense raise RuntimeError in the script" do
      failing = %{
        "raises" => fn _, _ -> raise ArgumentError, "broken" end,
        "throws" => fn _, _ -> throw(:ball) end,
        "exits" => fn _, _ -> exit(:gone) end,
        "dies" => fn _, _ -> Process.exit(self(), :kill) end,
        "answers" => fn _, _ -> :nonsense end
      }

      for {name, expected} <- [
            {"raises", "raises() failed: (ArgumentError) broken"},
            {"throws", "throws() failed: it threw :ball"},
            {"exits", "exits() failed: it exited with :gone"},
            {"dies", "dies() failed: its process exited with :killed"},
            {"answers", "answers() failed: it answered neither"}
          ] do
        assert {:runtime_error, message} = raised("#{name}()", functions: failing)
        assert String.starts_with?(message, expected), message
      end

      code = """
      caught = 0
      for call in (dies, raises, dies, throws):
          try:
              call()
          except RuntimeError:
              caught += 1
      (caught, fine())
      """

      functions = Map.put(failing, "fine", fn _, _ -> {:ok, "still here"} end)
      assert {:ok, {4, "still here"}, ""} = run(code, functions: functions)
    end

    test "that answer what Python cannot hold raise TypeError, naming the place" do
      assert {:type_error, message} = raised("f()", functions: %{f: fn _, _ -> {:ok, %{"a" => [self()]}} end})
      assert message =~ "pid"
    end

    test "that answer an exception that Python does not have raise TypeError" do
      assert {:type_error, _} = raised("f()", functions: %{f: fn _, _ -> {:error, :no_such_error, "x"} end})
    end

    test "that take too long are given up on, and the run goes on" do
      test = self()

      functions = %{
        "slow" => fn _, _ ->
          send(test, {:slow, self()})
          receive do: (:never -> :ok)
        end,
        "quick" => fn _, _ -> {:ok, "quick"} end
      }

      code = """
      try:
          slow()
      except TimeoutError as error:
          first = str(error)
      (first, quick())
      """

      # Time enough for the quick one on a busy machine, too.
      assert {:ok, {message, "quick"}, ""} = run(code, functions: functions, callback_timeout: 5_000)
      assert message == "slow() did not answer within 5000 ms"
      assert_received {:slow, pid}
      refute Process.alive?(pid)
    end

    test "run in one process beside the caller, which ends with the run" do
      test = self()
      tell = fn _, _ -> {:ok, send(test, {:callback, self(), Process.get(:"$callers")}) && nil} end
      assert {:ok, nil, ""} = run("tell(); tell()", functions: %{tell: tell})
      assert_received {:callback, pid, [^test | _]}
      assert_received {:callback, ^pid, _}
      assert pid != test
      refute Process.alive?(pid)
    end

    test "end when the process that runs the script does" do
      test = self()

      caller =
        spawn(fn ->
          run("wait()",
            functions: %{
              wait: fn _, _ ->
                send(test, {:waiting, self()})
                receive do: (:never -> :ok)
              end
            }
          )
        end)

      assert_receive {:waiting, callback}
      monitor = Process.monitor(callback)
      Process.exit(caller, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^callback, :killed}
    end

    test "leave no message behind" do
      assert {:ok, _, _} = run("f()", functions: %{f: fn _, _ -> {:ok, 1} end})
      assert Process.info(self(), :messages) == {:messages, []}
    end
  end

  describe "what nobody answers" do
    test "an unknown name is a NameError" do
      assert {:name_error, "name 'missing' is not defined"} = raised("missing(1)")
    end

    test "file calls raise PermissionError and predicates are False" do
      code = "from pathlib import Path\n[Path('/x').exists(), Path('/x').is_file(), Path('/x').is_dir()]"
      assert {:ok, [false, false, false], ""} = run(code)
      assert {:permission_error, "Permission denied: '/x'"} = raised("open('/x')")
    end

    test "a module that does not exist is ModuleNotFoundError" do
      assert {:module_not_found_error, "No module named 'numpy'"} = raised("import numpy")
    end
  end

  describe ":os" do
    test "answers what no mount covers, and only that" do
      os = %{
        read_text: fn [{:path, path}], _ -> {:ok, "from Elixir: " <> path} end,
        getenv: fn [name, default], _ -> {:ok, Map.get(%{"HOME" => "/home/agent"}, name, default)} end
      }

      code = """
      import os
      from pathlib import Path
      [Path('/in/a').read_text(), Path('/out/b').read_text(), os.getenv('HOME'), os.getenv('NONE', 'default')]
      """

      assert {:ok, ["mounted", "from Elixir: /out/b", "/home/agent", "default"], ""} =
               run(code, os: os, mounts: [{"/in", :memory, files: %{"a" => "mounted"}}])
    end

    test "one clock of the host leaves the others to the system" do
      code = """
      import time
      from datetime import datetime, date
      (time.time(), date.today().year >= 2024, datetime.now().year >= 2024)
      """

      assert {:ok, {12.5, true, true}, ""} = run(code, os: %{time: fn _, _ -> {:ok, 12.5} end})
    end
  end

  describe ":mounts" do
    test "as specs are a table for one run" do
      code = "from pathlib import Path\nPath('/m/a').write_text('x')\nPath('/m/a').read_text()"
      assert {:ok, "x", ""} = run(code, mounts: [{"/m", :memory}])
      assert {:ok, "x", ""} = run(code, mounts: [{"/m", :memory}])
      assert {:error, :host_path_not_found} = run(code, mounts: [{"/m", "/does/not/exist", :read_only}])
    end

    test "may be a snapshot, which stays as it is" do
      snapshot = Mount.snapshot!(Mount.new!([{"/", :memory, files: %{"a" => "kept"}}]))
      code = "open('/o/a', 'a').write('!')\n[open('/o/a').read(), open('/r/a').read()]"
      mounts = [{"/o", snapshot, :overlay}, {"/r", snapshot, :read_only, memory_limit: 100}]
      for _ <- 1..2, do: assert({:ok, ["kept!", "kept"], ""} = run(code, mounts: mounts))
      assert {:error, :invalid_mode} = run("1", mounts: [{"/w", snapshot, :read_write}])
    end

    test "are leased for the run, and released however it ends" do
      mounts = Mount.new!([{"/m", :memory}])
      functions = %{in_use: fn _, _ -> {:ok, to_string(elem(Mount.checkout(mounts), 1))} end}
      assert {:ok, "mount_in_use", ""} = run("in_use()", mounts: mounts, functions: functions)
      assert {:error, _} = run("1 / 0", mounts: mounts)
      assert {:error, _} = run("syntax error", mounts: mounts)
      assert {:ok, lease} = Mount.checkout(mounts)
      assert {:error, :mount_in_use} = run("1", mounts: mounts)
      :ok = Mount.release(lease)
      assert {:ok, 1, ""} = run("1", mounts: mounts)
    end

    test "are released when the process that runs the script is killed" do
      mounts = Mount.new!([{"/m", :memory}])
      test = self()

      {caller, monitor} =
        spawn_monitor(fn ->
          run("wait()",
            mounts: mounts,
            functions: %{
              wait: fn _, _ ->
                send(test, :waiting)
                receive do: (:never -> :ok)
              end
            }
          )
        end)

      assert_receive :waiting
      assert {:error, :mount_in_use} = Mount.checkout(mounts)
      Process.exit(caller, :kill)
      assert_receive {:DOWN, ^monitor, :process, ^caller, :killed}
      # Whoever has heard of the owner's death finds its lease ended; the run may have a turn to end.
      assert {:ok, 1, ""} = run("1", mounts: mounts, lease: {:wait, 60_000})
    end
  end

  describe "output" do
    test "is collected across pauses, stderr in order" do
      code = """
      import sys
      print('one')
      tick()
      print('two', file=sys.stderr)
      tick()
      print('three')
      """

      assert {:ok, nil, "one\ntwo\nthree\n"} = run(code, functions: %{tick: fn _, _ -> {:ok, nil} end})
    end

    test "is not lost when the script fails" do
      code = "print('before')\ntick()\nprint('after')\n1 / 0"
      assert {:error, exception} = run(code, functions: %{tick: fn _, _ -> {:ok, nil} end})
      assert exception.output == "before\nafter\n"
      assert exception.type == :zero_division_error
    end
  end

  describe "limits and inputs" do
    test "hold in a sandbox as anywhere" do
      assert {:timeout_error, _} = raised("while True: pass", limits: %{max_duration_secs: 0.05})
      assert {:ok, 3, ""} = run("a + b", inputs: %{"b" => 2, a: 1})
    end
  end

  test "wrong options raise ArgumentError that says what is accepted" do
    for {opts, message} <- [
          {[no_such: 1], ~r/unknown option :no_such; accepted: :inputs, :functions/},
          {[functions: %{f: fn -> 1 end}], ~r/:functions\[:f\].*two arguments/},
          {[functions: []], ~r/:functions: got \[\]/},
          {[os: %{no_such: fn _, _ -> {:ok, nil} end}], ~r/a key of :os: got :no_such, accepted: :exists/},
          {[os: %{time: 1}], ~r/:os\[:time\]: got 1/},
          {[inputs: [1]], ~r/:inputs: \[1\]; accepted: a map/},
          {[callback_timeout: 0], ~r/:callback_timeout: got 0, accepted: a positive number/},
          {[mounts: :memory], ~r/:mounts: got :memory/},
          {[limits: %{max_memori: 1}], ~r/max_memori/}
        ] do
      assert_raise ArgumentError, message, fn -> run("1", opts) end
    end
  end
end
