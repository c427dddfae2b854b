defmodule ExMonty.Workspace.SavingTest do
  use ExUnit.Case, async: true

  import ExMonty.Patience

  alias ExMonty.{Error, Workspace}
  alias ExMonty.Test.{FlakyStore, HostDirectory}
  alias ExMonty.Workspace.Image

  setup do
    store = start_supervised!(FlakyStore)
    %{store: store}
  end

  defp start(store, opts \\ []) do
    defaults = [
      name: :"saving-#{inspect(store)}",
      store: {FlakyStore, store},
      mounts: [{"/work", :memory, files: %{"seed" => "s"}}],
      functions: %{"suspend" => fn [tag], _ -> {:suspend, tag} end}
    ]

    Workspace.start_link(Keyword.merge(defaults, opts))
  end

  defp kill(ws) do
    Process.flag(:trap_exit, true)
    Process.exit(ws, :kill)
    assert_receive {:EXIT, ^ws, :killed}
  end

  test "a workspace that is started again goes on where the one before was, whatever ended it", %{
    store: store
  } do
    {:ok, ws} = start(store)
    {:ok, _, _} = Workspace.run(ws, "n = 1; open('/work/f', 'w').write('1'); None")
    :ok = Workspace.write(ws, "/work/g", "from the host")
    kill(ws)
    {:ok, ws} = start(store)

    assert Workspace.run(ws, "n, open('/work/f').read(), open('/work/g').read()") ==
             {:ok, {1, "1", "from the host"}, ""}

    assert Workspace.info(ws).lost == nil
    {:suspended, "t", ""} = Workspace.run(ws, "n = n + suspend('t')")
    kill(ws)
    {:ok, ws} = start(store)
    assert Workspace.suspensions(ws) == ["t"]
    assert Workspace.resume(ws, "t", {:ok, 1}) == {:ok, nil, ""}
    kill(ws)
    {:ok, ws} = start(store)
    assert Workspace.run(ws, "n") == {:ok, 2, ""}
    assert {:error, %Error{reason: :unknown_suspension}} = Workspace.resume(ws, "t", {:ok, 1})
  end

  test "under a supervisor, a killed workspace is there again with everything", %{store: store} do
    name = :"supervised-#{inspect(store)}"
    ws = start_supervised!({Workspace, name: name, store: {FlakyStore, store}})
    {:ok, _, _} = Workspace.run(name, "n = 1")
    monitor = Process.monitor(ws)
    Process.exit(ws, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^ws, :killed}
    until(fn -> Workspace.whereis(name) not in [nil, ws] end)
    assert Workspace.run(name, "n") == {:ok, 1, ""}
  end

  test "a save writes what changed: variables whole, of the files the new contents", %{store: store} do
    big = String.duplicate("0123456789", 100_000)
    {:ok, ws} = start(store, mounts: [{"/work", :memory, files: %{"big" => big}}])
    FlakyStore.puts(store)
    {:ok, _, _} = Workspace.run(ws, "open('/work/new', 'w').write('x' * 1000); None")
    puts = FlakyStore.puts(store)
    assert [{"step/" <> _, _}, {"pack/" <> _, pack}, {"head/" <> _, head}] = puts
    assert pack in 1_000..1_500
    assert head < 20_000
    # Nothing new in files: no pack.
    {:ok, _, _} = Workspace.run(ws, "n = 1; open('/work/copy', 'w').write('x' * 1000); None")
    assert [{"step/" <> _, _}, {"head/" <> _, _}] = FlakyStore.puts(store)
    kill(ws)
    {:ok, ws} = start(store)
    assert Workspace.read(ws, "/work/big") == {:ok, big}
    assert Workspace.read(ws, "/work/copy") == {:ok, String.duplicate("x", 1000)}
  end

  test "contents that nothing needs any more are collected, however long it goes on", %{store: store} do
    {:ok, ws} = start(store)

    for n <- 1..120 do
      {:ok, _, _} = Workspace.run(ws, "open('/work/f#{rem(n, 5)}', 'w').write('#{n} ' * 2000); None")
    end

    {:ok, keys} = FlakyStore.list(store)
    assert length(keys) < 60
    size = Enum.sum(for key <- keys, {:ok, value} = FlakyStore.get(store, key), do: byte_size(value))
    assert size < 2_000_000
    kill(ws)
    {:ok, ws} = start(store)

    for n <- 116..120,
        do: assert(Workspace.read(ws, "/work/f#{rem(n, 5)}") == {:ok, String.duplicate("#{n} ", 2000)})
  end

  test "when the store fails the result says so, nothing is lost in memory, and the next save has it all",
       %{store: store} do
    {:ok, ws} = start(store)
    {:ok, _, _} = Workspace.run(ws, "n = 1")

    for failing <- ["head/", "pack/", "step/"] do
      FlakyStore.fail(store, fn function, key -> function == :put and String.starts_with?(key, failing) end)
      result = Workspace.run(ws, "n = n + 1; open(f'/work/{n}', 'w').write(f'{n}'); n")
      {:ok, n, ""} = if(failing == "step/", do: result, else: not_saved(result))
      assert Workspace.read(ws, "/work/#{n}") == {:ok, "#{n}"}
      FlakyStore.fail(store, nil)
    end

    FlakyStore.fail(store, fn function, _key -> function == :put end)
    assert {:error, {:not_saved, :disk_full, :ok}} = Workspace.write(ws, "/work/w", "w")

    assert {:error, {:not_saved, :disk_full, {:suspended, "t", ""}}} =
             Workspace.run(ws, "n = n + suspend('t')")

    assert Workspace.info(ws).saved < Workspace.info(ws).steps
    FlakyStore.fail(store, nil)
    assert {:ok, nil, ""} = Workspace.resume(ws, "t", {:ok, 100})
    assert Workspace.info(ws).saved == Workspace.info(ws).steps
    kill(ws)
    {:ok, ws} = start(store)
    assert Workspace.run(ws, "n") == {:ok, 104, ""}
    for n <- 2..4, do: assert(Workspace.read(ws, "/work/#{n}") == {:ok, "#{n}"})
    assert Workspace.read(ws, "/work/w") == {:ok, "w"}
  end

  defp not_saved(result) do
    assert {:error, {:not_saved, :disk_full, result}} = result
    result
  end

  test "a store that cannot be read is an error of the start, and no new workspace in its place", %{
    store: store
  } do
    {:ok, ws} = start(store)
    {:ok, _, _} = Workspace.run(ws, "n = 1")
    kill(ws)
    FlakyStore.fail(store, fn function, _key -> function == :get end)
    assert start(store) == {:error, :disk_full}
    FlakyStore.fail(store, nil)
    {:ok, ws} = start(store)
    assert Workspace.run(ws, "n") == {:ok, 1, ""}
  end

  test "what is stored with a key is loaded with that key only, and nothing stands in for another name", %{
    store: store
  } do
    {:ok, ws} = start(store, key: "one", name: "a")
    {:ok, _, _} = Workspace.run(ws, "n = 1")
    kill(ws)
    assert {:error, %Error{reason: :invalid_dump}} = start(store, key: "two", name: "a")
    assert {:error, %Error{reason: :invalid_dump}} = start(store, name: "a")
    {:ok, head} = FlakyStore.get(store, "head/a")
    :ok = FlakyStore.put(store, "head/b", head)
    assert {:error, %Error{reason: :invalid_dump}} = start(store, key: "one", name: "b")
    {:ok, ws} = start(store, key: "one", name: "a")
    assert Workspace.run(ws, "n") == {:ok, 1, ""}
  end

  test "a head that is whole and makes no sense is an error of the start", %{store: store} do
    {:ok, ws} = start(store, name: "a")
    {:ok, _, _} = Workspace.run(ws, "open('/work/a', 'w').write('x')")
    kill(ws)
    {:ok, value} = FlakyStore.get(store, "head/a")
    {:ok, head} = Image.open(value, nil, "head/a")
    [{name, {bytes, index}} | _] = Map.to_list(head.packs)

    for packs <- [
          %{name => 1},
          %{1 => {bytes, index}},
          %{name => {bytes, %{"x" => 1}}},
          %{name => {bytes, %{"x" => {-1, 1}}}}
        ] do
      :ok = FlakyStore.put(store, "head/a", Image.seal(%{head | packs: packs}, nil, "head/a"))
      assert {:error, %Error{reason: :invalid_dump, message: message}} = start(store, name: "a")
      assert message =~ "its packs are malformed"
    end

    :ok = FlakyStore.put(store, "head/a", Image.seal(%{head | recent: [1]}, nil, "head/a"))
    assert {:error, %Error{reason: :invalid_dump}} = start(store, name: "a")
  end

  test "what a later version has stored is an error of the start that names the version, and stays as it is",
       %{
         store: store
       } do
    {:ok, ws} = start(store, name: "a")
    {:ok, _, _} = Workspace.run(ws, "n = 1")
    {:ok, dump} = Workspace.dump(ws)
    kill(ws)

    later = fn <<magic::binary-size(8), version::16, rest::binary>> ->
      <<magic::binary, version + 1::16, rest::binary>>
    end

    assert {:error, %Error{reason: :invalid_dump, message: message}} =
             Workspace.start_link(from: later.(dump))

    assert message =~ "version"

    for key <- ["head/a", "step/a"] do
      {:ok, value} = FlakyStore.get(store, key)
      :ok = FlakyStore.put(store, key, later.(value))
      {:ok, keys} = FlakyStore.list(store)
      before = for key <- keys, do: FlakyStore.get(store, key)
      assert {:error, %Error{reason: :invalid_dump, message: message}} = start(store, name: "a")
      assert message =~ "version"
      assert before == for(key <- keys, do: FlakyStore.get(store, key))
      :ok = FlakyStore.put(store, key, value)
    end

    {:ok, ws} = start(store, name: "a")
    assert Workspace.run(ws, "n") == {:ok, 1, ""}
  end

  test "a fork is stored under its own name from the beginning, and not over another", %{store: store} do
    {:ok, ws} = start(store, name: "template")
    {:ok, _, _} = Workspace.run(ws, "n = 1")
    {:ok, fork} = Workspace.fork(ws, name: "fork", store: {FlakyStore, store})
    Process.flag(:trap_exit, true)
    assert {:error, _} = Workspace.fork(ws, name: "fork", store: {FlakyStore, store})
    kill(fork)

    assert {:error, %Error{reason: :already_stored}} =
             Workspace.fork(ws, name: "fork", store: {FlakyStore, store})

    {:ok, fork} = start(store, name: "fork")
    assert Workspace.run(fork, "n") == {:ok, 1, ""}
    assert Workspace.Store.workspaces({FlakyStore, store}) == {:ok, ["fork", "template"]}
    kill(fork)
    assert Workspace.delete({FlakyStore, store}, "fork") == :ok
    assert Workspace.Store.workspaces({FlakyStore, store}) == {:ok, ["template"]}
  end

  test "an overlay comes back over its directory, and a change of the host meanwhile is a conflict of the commit",
       %{store: store} do
    directory = HostDirectory.create!(%{"a" => "1", "b" => "1"})
    opts = [mounts: [{"/p", directory, :overlay}]]
    {:ok, ws} = start(store, opts)
    {:ok, _, _} = Workspace.run(ws, "open('/p/a', 'a').write('2'); open('/p/b', 'w').write('2'); None")
    kill(ws)
    {:ok, ws} = start(store, opts)
    assert {:ok, diff} = Workspace.diff(ws, "/p")
    assert diff =~ "+12"
    kill(ws)
    File.write!(Path.join(directory, "b"), "somebody else's")
    {:ok, ws} = start(store, opts)
    assert {:error, {:conflict, [{"/p/b", _why}]}} = Workspace.commit(ws, "/p")
    assert {:ok, report} = Workspace.commit(ws, "/p", only: ["a"])
    assert report.written == ["/p/a"]
    assert File.read!(Path.join(directory, "a")) == "12"
    assert File.read!(Path.join(directory, "b")) == "somebody else's"
    assert Workspace.discard(ws, "/p") == :ok
    assert Workspace.changes(ws) == {:ok, []}
  end
end
