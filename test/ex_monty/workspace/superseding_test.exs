defmodule ExMonty.Workspace.SupersedingTest do
  use ExUnit.Case, async: true

  # Two live workspaces of one name in one store, which nothing can keep from happening on two nodes that do not see each
  # other. Here they have two names for OTP which are one for the store: an atom and a string.

  import ExMonty.Test.Workspaces

  alias ExMonty.{Error, Workspace}
  alias ExMonty.Test.{FlakyStore, HostDirectory}
  alias ExMonty.Workspace.Store

  defp stores do
    [{Store.Directory, HostDirectory.create!()}, {FlakyStore, start_supervised!(FlakyStore, id: make_ref())}]
  end

  defp names do
    name = "two-#{System.unique_integer([:positive])}"
    [name, String.to_atom(name)]
  end

  defp stopped(ws) do
    monitor = Process.monitor(ws)
    Process.exit(ws, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^ws, :killed}
  end

  test "the one that is started later goes on, and the former is refused before it does anything" do
    test = self()

    functions = %{
      "outside" => fn [], _ -> {:ok, send(test, :outside) && 1} end,
      "suspend" => fn [tag], _ -> {:suspend, tag} end
    }

    for store <- stores() do
      [one, two] = names()
      directory = HostDirectory.create!(%{"f" => "host"})
      opts = [store: store, functions: functions, mounts: [{"/p", directory, :overlay}]]
      former = start([name: one] ++ opts)
      {:ok, nil, ""} = Workspace.run(former, "n = 1; open('/p/f', 'w').write('1'); None")
      later = start([name: two] ++ opts)
      assert Workspace.run(later, "n = n + 1; n") == {:ok, 2, ""}

      assert {:error, %Error{reason: :superseded, message: message}} =
               Workspace.run(former, "outside(); n = 10")

      assert message =~ inspect(one)
      refute_received :outside
      assert {:error, %Error{reason: :superseded}} = Workspace.write(former, "/p/f", "2")
      assert {:error, %Error{reason: :superseded}} = Workspace.commit(former, "/p")
      assert {:error, %Error{reason: :superseded}} = Workspace.discard(former, "/p")
      assert File.read!(Path.join(directory, "f")) == "host"

      # What it holds can still be had.
      assert Workspace.read(former, "/p/f") == {:ok, "1"}
      assert {:ok, [_]} = Workspace.changes(former)
      assert {:ok, %{written: ["/p/f"]}} = Workspace.commit(former, "/p", dry_run: true)
      {:ok, dump} = Workspace.dump(former)
      rescued = start(from: dump, mounts: [], hosts: %{"/p" => directory})
      assert Workspace.run(rescued, "n") == {:ok, 1, ""}
      {:ok, fork} = Workspace.fork(former)
      assert Workspace.run(fork, "n") == {:ok, 1, ""}
      assert %{steps: 1, saved: 1} = Workspace.info(former)

      assert Workspace.run(later, "n = n + 1; n") == {:ok, 3, ""}
      stopped(later)
      assert Workspace.run(start([name: two] ++ opts), "n") == {:ok, 3, ""}
    end
  end

  @tag :capture_log
  test "a step that is under way when another is started is not saved, and says so" do
    for store <- stores() do
      [one, two] = names()
      former = start(name: one, store: store)
      {:ok, nil, ""} = Workspace.run(former, "log = []")

      task =
        Task.async(fn ->
          Workspace.run(former, "log.append('former'); gate('in'); open('/work/f', 'w').write('x')")
        end)

      pid = at("in")
      later = start(name: two, store: store)
      # The step of the former is the one that is not known to have ended.
      assert %{lost: %{step: 2}} = Workspace.info(later)
      send(pid, :go)
      assert {:error, {:not_saved, %Error{reason: :superseded}, {:ok, 1, ""}}} = Task.await(task, :infinity)
      assert Workspace.run(later, "log.append('later'); log") == {:ok, ["later"], ""}
      stopped(later)
      again = start(name: two, store: store)
      assert Workspace.run(again, "log") == {:ok, ["later"], ""}
      assert Workspace.read(again, "/work/f") == {:error, :enoent}
      assert {:error, %Error{reason: :superseded}} = Workspace.run(former, "1")
    end
  end

  test "a suspended step is resumed by the later one only, and by the former it stays as it was" do
    for store <- stores() do
      [one, two] = names()
      former = start(name: one, store: store)
      {:suspended, "t", ""} = Workspace.run(former, "n = suspend('t'); n")
      later = start(name: two, store: store)
      assert {:error, %Error{reason: :superseded}} = Workspace.resume(former, "t", {:ok, 1})
      assert Workspace.suspensions(former) == ["t"]
      assert Workspace.resume(later, "t", {:ok, 2}) == {:ok, 2, ""}
    end
  end

  test "one that cannot be started takes nothing over" do
    for store <- stores() do
      [one, two] = names()
      former = start(name: one, store: store, key: "right")
      {:ok, nil, ""} = Workspace.run(former, "n = 1")
      Process.flag(:trap_exit, true)

      assert {:error, %Error{reason: :invalid_dump}} =
               Workspace.start_link(name: two, store: store, key: "wrong")

      assert Workspace.run(former, "n = n + 1; n") == {:ok, 2, ""}
    end
  end

  test "what was stored although the store said that it failed is no other's" do
    store = start_supervised!(FlakyStore)
    ws = start(name: "mine", store: {FlakyStore, store})

    for failing <- ["head/", "step/", "pack/"], n <- 1..2 do
      FlakyStore.fail(store, fn function, key ->
        function == :put and String.starts_with?(key, failing) and :afterwards
      end)

      result = Workspace.run(ws, "open('/work/#{n}', 'w').write('#{failing}#{n}'); #{n}")

      if failing == "step/",
        do: assert(result == {:ok, n, ""}),
        else: assert({:error, {:not_saved, :disk_full, {:ok, ^n, ""}}} = result)

      FlakyStore.fail(store, nil)
      assert Workspace.write(ws, "/work/w", "#{n}") == :ok
    end

    stopped(ws)
    ws = start(name: "mine", store: {FlakyStore, store})
    assert Workspace.read(ws, "/work/1") == {:ok, "pack/1"}
    assert Workspace.info(ws).steps == 6
    # And nothing is left over that nobody knows of.
    for n <- 1..20, do: assert({:ok, _, _} = Workspace.run(ws, "open('/work/1', 'w').write('#{n}' * 1000)"))
    {:ok, keys} = FlakyStore.list(store)
    assert Enum.count(keys, &String.starts_with?(&1, "pack/")) <= 2 * Store.generations()
  end

  # A save was made, and the store said that it failed. The next one has the same contents of files to save, in a pack of the
  # same name, finds another head than it knows of, and used to delete that pack, which the head needs.
  test "contents that were stored although the store said that it failed are not taken from whoever needs them" do
    [one, other] = names()
    store = {FlakyStore, start_supervised!(FlakyStore)}

    stored_unsaid = fn ws, text ->
      FlakyStore.fail(elem(store, 1), fn function, key ->
        function == :put and String.starts_with?(key, "head/") and :afterwards
      end)

      code = "open('/work/a', 'w').write('#{text}'); None"
      assert {:error, {:not_saved, :disk_full, {:ok, nil, ""}}} = Workspace.run(ws, code)
      FlakyStore.fail(elem(store, 1), nil)
    end

    ws = start(name: one, store: store)
    stored_unsaid.(ws, "mine")
    assert {:ok, 1, ""} = Workspace.run(ws, "1")
    stopped(ws)
    ws = start(name: one, store: store)
    assert Workspace.read(ws, "/work/a") == {:ok, "mine"}

    # Also when a later workspace has gone on from that head meanwhile.
    stored_unsaid.(ws, "another")
    step = Task.async(fn -> Workspace.run(ws, "gate('in')") end)
    held = at("in")
    later = start(name: other, store: store)
    send(held, :go)
    assert {:error, {:not_saved, %Error{reason: :superseded}, {:ok, "in", ""}}} = Task.await(step)
    stopped(later)
    assert Workspace.read(start(name: other, store: store), "/work/a") == {:ok, "another"}
  end

  test "one whose name was deleted from the store does not bring it back" do
    for store <- stores() do
      [one, _] = names()
      ws = start(name: one, store: store)
      {:ok, nil, ""} = Workspace.run(ws, "n = 1")
      :ok = Workspace.delete(store, one)
      assert {:error, %Error{reason: :superseded}} = Workspace.run(ws, "n = 2")
      assert Store.workspaces(store) == {:ok, []}
    end
  end

  # Some start again and again, each in the place of whoever was there, and all of them do steps all the time. A step of
  # which the caller was told that it was done is in the end in the store, in the order of being done, and no other is.
  @tag :capture_log
  test "whatever many of one name do at once, what the store has is what was done, and nobody is told otherwise" do
    for round <- 1..3, store = {Store.Directory, HostDirectory.create!()} do
      name = "many-#{System.unique_integer([:positive])}"
      opts = [store: store, mounts: [{"/work", :memory}]]
      {:ok, _, _} = Workspace.run(start([name: name] ++ opts), "log = []")

      done =
        1..3
        |> Enum.map(fn worker -> Task.async(fn -> lives(:"#{name}", opts, "#{round}.#{worker}", 4) end) end)
        |> Task.await_many(:infinity)

      last = start([name: {:global, name}] ++ opts)
      {:ok, log, ""} = Workspace.run(last, "log")
      assert Enum.sort(log) == done |> List.flatten() |> Enum.sort()
      assert length(log) > 0
      # Each worker finds its own in the order in which it did them.
      for steps <- done, do: assert(Enum.filter(log, &(&1 in List.flatten(steps))) == List.flatten(steps))
      {:ok, contents} = Workspace.read(last, "/work/log")
      assert contents == Enum.map_join(log, &(&1 <> "\n"))
    end
  end

  # Names of OTP must differ, so each life has a registry's name of its own, which the store takes for the same.
  defp lives(name, opts, worker, lives) do
    for life <- 1..lives do
      registry = :"registry-#{name}-#{worker}-#{life}"
      {:ok, _} = Registry.start_link(keys: :unique, name: registry)

      case Workspace.start_link([name: {:via, Registry, {registry, name}}] ++ opts) do
        {:ok, ws} -> steps(ws, "#{worker}.#{life}", 1)
        {:error, %Error{reason: :store_contended}} -> []
      end
    end
  end

  defp steps(_ws, _life, 8), do: []

  defp steps(ws, life, n) do
    step = "#{life}.#{n}"

    case Workspace.run(ws, "log.append('#{step}'); open('/work/log', 'a').write('#{step}\\n'); len(log)") do
      {:ok, _, ""} -> [step | steps(ws, life, n + 1)]
      {:error, %Error{reason: :superseded}} -> []
      {:error, {:not_saved, %Error{reason: :superseded}, {:ok, _, ""}}} -> []
    end
  end
end
