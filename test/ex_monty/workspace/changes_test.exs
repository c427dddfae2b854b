defmodule ExMonty.Workspace.ChangesTest do
  use ExUnit.Case, async: true

  # What `changes` and `diff` compare with, over everything that can happen to a workspace.

  import ExMonty.Test.Workspaces

  alias ExMonty.Test.{FlakyStore, HostDirectory}
  alias ExMonty.Workspace

  setup do
    store = start_supervised!(FlakyStore)
    directory = HostDirectory.create!(%{"a" => "one\n", "b" => "one\n"})

    opts = [
      name: :"changes-#{inspect(store)}",
      store: {FlakyStore, store},
      mounts: [{"/p", directory, :overlay}, {"/m", :memory, files: %{"seed" => "s"}}]
    ]

    ws = start(opts)

    code =
      "open('/p/a', 'a').write('two\\n'); open('/p/new', 'w').write('n'); open('/m/x', 'w').write('x'); None"

    {:ok, nil, ""} = Workspace.run(ws, code)
    %{ws: ws, opts: opts, directory: directory, store: store}
  end

  @overlay [{"/p/a", :modified}, {"/p/new", :created}]

  defp changes(ws) do
    {:ok, changes} = Workspace.changes(ws)
    for change <- changes, do: {change.path, change.kind}
  end

  defp killed(ws) do
    monitor = Process.monitor(ws)
    Process.exit(ws, :kill)
    assert_receive {:DOWN, ^monitor, :process, ^ws, :killed}
  end

  test "an overlay shows all that differs from its directory, also after a restart, from a dump, and from that again",
       %{ws: ws, opts: opts, directory: directory} do
    assert changes(ws) == [{"/m/x", :created} | @overlay]
    {:ok, diff} = Workspace.diff(ws, "/p")
    assert diff =~ "+two"

    {:ok, dump} = Workspace.dump(ws)
    loaded = start(from: dump, mounts: [], hosts: %{"/p" => directory})
    {:ok, dump} = Workspace.dump(loaded)
    again = start(from: dump, mounts: [], hosts: %{"/p" => directory})
    killed(ws)
    restarted = start(opts)

    for ws <- [loaded, again, restarted] do
      # Memory is compared with what was loaded.
      assert changes(ws) == @overlay
      assert Workspace.diff(ws, "/p") == {:ok, diff}

      {:ok, nil, ""} =
        Workspace.run(ws, "open('/m/x', 'a').write('y'); open('/p/b', 'a').write('two\\n'); None")

      assert changes(ws) == [
               {"/m/x", :modified},
               {"/p/a", :modified},
               {"/p/b", :modified},
               {"/p/new", :created}
             ]
    end
  end

  test "a fork shows what it did itself, and after a restart all that differs from the directory", %{
    ws: ws,
    opts: opts,
    store: store
  } do
    name = :"fork-#{inspect(store)}"
    {:ok, fork} = Workspace.fork(ws, name: name, store: {FlakyStore, store})
    Process.unlink(fork)
    assert changes(fork) == []
    {:ok, nil, ""} = Workspace.run(fork, "open('/p/b', 'a').write('two\\n'); None")
    assert changes(fork) == [{"/p/b", :modified}]
    assert {:ok, %{written: written}} = Workspace.commit(fork, "/p", dry_run: true)
    assert Enum.sort(written) == ["/p/a", "/p/b", "/p/new"]
    killed(fork)
    restarted = start(Keyword.merge(opts, name: name))
    assert changes(restarted) == [{"/p/a", :modified}, {"/p/b", :modified}, {"/p/new", :created}]
  end

  # A rollback that put a fork of the files in the place of the workspace's would compare with the fork from then on:
  # what differs from the host would be committed, and nobody would have seen it. After a rollback, whatever it reached
  # over, all of it is shown.
  test "after a rollback over a restart an overlay still shows all that differs from its directory", %{
    ws: ws,
    opts: opts,
    directory: directory
  } do
    code = "open('/p/b', 'a').write('two\\n'); suspend('t'); 1 / 0"
    {:suspended, "t", ""} = Workspace.run(ws, code, on_error: :rollback)
    {:ok, dump} = Workspace.dump(ws)
    {:ok, fork} = Workspace.fork(ws)
    loaded = start(from: dump, mounts: [], hosts: %{"/p" => directory})
    {:ok, fork_of_loaded} = Workspace.fork(loaded)
    killed(ws)
    restarted = start(opts)

    for ws <- [loaded, restarted, fork, fork_of_loaded],
        do: assert({:error, _} = Workspace.resume(ws, "t", {:ok, 1}))

    for ws <- [loaded, restarted], do: assert(changes(ws) == @overlay)
    # It was forked in the middle of the step, and so it shows what was taken back since.
    assert changes(fork) == [{"/p/b", :modified}]

    # None of them sees what another does.
    for {ws, n} <- Enum.with_index([loaded, restarted, fork, fork_of_loaded]),
        do: assert(Workspace.write(ws, "/p/own", "#{n}") == :ok)

    for {ws, n} <- Enum.with_index([loaded, restarted, fork, fork_of_loaded]) do
      assert Workspace.read(ws, "/p/own") == {:ok, "#{n}"}
      assert Workspace.read(ws, "/p/b") == {:ok, "one\n"}
    end
  end
end
