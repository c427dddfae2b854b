defmodule ExMonty.Docs.OptionsTest do
  use ExUnit.Case, async: true

  # What a function says to an option that it does not have names those that it has. The documentation lists the same.

  alias ExMonty.{Dataclass, Limits, Mount, PseudoFS, Sandbox, Session, Workspace}

  # Those of `Sandbox.run/2` that say who answers, as other functions call them.
  @who Sandbox.Options.names() -- [:inputs | ExMonty.Options.names(:compile) ++ ExMonty.Options.names(:run)]

  # The names of options are atoms when their modules are loaded.
  setup_all do
    {:ok, modules} = :application.get_key(:ex_monty, :modules)
    Enum.each(modules, &Code.ensure_loaded!/1)
  end

  defp module_doc(module) do
    {:docs_v1, _, _, _, %{"en" => text}, _, _} = Code.fetch_docs(module)
    text
  end

  defp doc(module, name, arity) do
    {:docs_v1, _, _, _, _, _, docs} = Code.fetch_docs(module)
    {_, _, _, %{"en" => text}, _} = List.keyfind(docs, {:function, name, arity}, 0)
    text
  end

  # The options of a list: "* `:one`, `:two` – what they are".
  defp listed(text) do
    for [_, names] <- Regex.scan(~r/^\s*\* (.+?) –/mu, text), name <- named(names), do: name
  end

  # The options of a sentence that begins so, up to its end or to what is said about them.
  defp told(text, beginning, ends \\ [". ", ".\n", ";", ", as ", ", a "]) do
    [_before, after_it] = String.split(text, beginning, parts: 2)
    after_it |> String.split(ends, parts: 2) |> hd() |> named()
  end

  defp named(text), do: for([_, name] <- Regex.scan(~r/`:(\w+)`/, text), do: String.to_existing_atom(name))

  defp accepted(function) do
    error = assert_raise ArgumentError, ~r/unknown option :no_such/, fn -> function.(no_such: 1) end
    [_before, accepted] = String.split(error.message, "accepted: ")
    for [_, name] <- Regex.scan(~r/:(\w+)/, accepted), do: String.to_existing_atom(name)
  end

  defp assert_same(function, documented) do
    assert Enum.sort(accepted(function)) == Enum.sort(documented)
    # One of them given twice is a mistake, and is not passed over.
    [option | _] = documented
    assert_raise ArgumentError, ~r/twice/, fn -> function.([{option, nil}, {option, nil}]) end
  end

  test "of compiling and running" do
    compile = listed(doc(ExMonty, :compile, 2))
    run = listed(doc(ExMonty, :run, 3))
    {:ok, runner} = ExMonty.compile("1")
    lease = Mount.checkout!(Mount.new!())

    assert_same(&ExMonty.compile("1", &1), compile)
    assert_same(&ExMonty.run(runner, %{}, &1), run)
    assert doc(ExMonty, :eval, 2) =~ "options of `compile/2` and of `run/3`"
    assert_same(&ExMonty.eval("1", &1), compile ++ run)

    for {name, arity, function} <- [
          {:start, 3, &ExMonty.start(runner, %{}, &1)},
          {:start_with_mounts, 4, &ExMonty.start_with_mounts(runner, lease, %{}, &1)}
        ] do
      assert doc(ExMonty, name, arity) =~ "Takes what `run/3` takes"
      assert_same(function, run)
    end
  end

  test "of dumping and loading runs" do
    {:ok, runner} = ExMonty.compile("f()")
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
    assert listed(module_doc(ExMonty.Dump)) == [:key, :limits]

    for function <- [
          &ExMonty.dump(runner, &1),
          &ExMonty.load_runner("", &1),
          &ExMonty.dump_snapshot(snapshot, &1),
          &ExMonty.dump_future_snapshot(snapshot, &1)
        ],
        do: assert_same(function, [:key])

    for function <- [&ExMonty.load_snapshot("", &1), &ExMonty.load_future_snapshot("", &1)],
        do: assert_same(function, [:key, :limits])

    # Options are looked at before anything is consumed.
    assert {:ok, {:complete, nil, ""}} = ExMonty.resume(snapshot, {:ok, nil})
  end

  test "of sandboxes" do
    [_before, options] = String.split(module_doc(Sandbox), "## Options\n", parts: 2)
    assert_same(&Sandbox.run("1", &1), listed(options))
  end

  test "of sessions" do
    session = Session.new!()
    lease = Mount.checkout!(Mount.new!())
    {:ok, dump} = Session.dump(session)
    {:ok, {:function_call, _, snapshot, _}} = Session.start(Session.new!(), "f()")

    assert doc(Session, :new, 1) =~ "that say who answers"
    assert_same(&Session.new/1, listed(doc(Session, :new, 1)) ++ @who)
    assert_same(&Session.eval(session, "1", &1), listed(doc(Session, :eval, 3)))
    start = told(doc(Session, :start, 3), "Options: ")
    assert_same(&Session.start(session, "1", &1), start)
    assert doc(Session, :start_with_mounts, 4) =~ "As `start/3`"
    assert_same(&Session.start_with_mounts(session, "1", lease, &1), start)
    assert_same(&Session.dump(session, &1), told(doc(Session, :dump, 2), "Options: "))
    assert doc(Session, :load, 2) =~ "and who answers, as for `new/1`"
    assert_same(&Session.load(dump, &1), told(doc(Session, :load, 2), "Options: ") ++ @who)
    assert doc(Session, :of, 2) =~ "Options: who answers, as for `new/1`"
    assert_same(&Session.of(snapshot, &1), @who)
  end

  test "of mounts" do
    mounts = Mount.new!()
    snapshot = Mount.snapshot!(mounts)
    memory = listed(doc(Mount.Table, :add, 4))
    assert_same(&Mount.add(mounts, "/m", :memory, &1), memory)
    assert_same(&Mount.new([{"/m", :memory, &1}]), memory)
    assert doc(Mount.Table, :add, 5) =~ "Options are the limits of `add/4`, and `:rules`"
    assert doc(Mount.Table, :add, 5) =~ ~r/A\s+read-only mount takes `:memory_limit` alone/

    for {source, mode, options} <- [
          {"lib", :read_write, memory -- [:files]},
          {"lib", :overlay, memory -- [:files]},
          {"lib", :read_only, [:memory_limit, :rules]},
          {snapshot, :overlay, memory -- [:files]},
          {snapshot, :read_only, [:memory_limit, :rules]}
        ] do
      assert_same(&Mount.add(mounts, "/m", source, mode, &1), options)
      assert_same(&Mount.new([{"/m", source, mode, &1}]), options)
    end

    assert Mount.count(mounts) == 0
  end

  test "of the states and the dumps of a table" do
    mounts = Mount.new!()
    assert_same(&Mount.commit(mounts, "/m", &1), listed(doc(Mount.History, :commit, 3)))
    assert_same(&Mount.dump(mounts, &1), told(doc(Mount.Archive, :dump, 2), "With "))
    assert_same(&Mount.load(Mount.dump!(mounts), &1), listed(doc(Mount.Archive, :load, 2)))
  end

  test "of small file systems and of dataclasses" do
    fs = PseudoFS.new()
    assert_same(&PseudoFS.new/1, doc(PseudoFS, :new, 1) |> told("for all that is put and written: "))
    read_only = told(doc(PseudoFS, :put_file, 4), "The option ", [" ("])
    assert_same(&PseudoFS.put_file(fs, "/a", "", &1), read_only)
    assert doc(PseudoFS, :put_bytes, 4) =~ "As `put_file/4`"
    assert_same(&PseudoFS.put_bytes(fs, "/a", "", &1), read_only)
    assert_same(&Dataclass.new("Point", [x: 1], &1), listed(doc(Dataclass, :new, 3)))
  end

  test "of workspaces" do
    {:ok, ws} = Workspace.start_link()
    [_before, options] = String.split(module_doc(Workspace), "## Options\n", parts: 2)
    [options | _] = String.split(options, "Functions are not in a dump", parts: 2)

    assert_same(&Workspace.start_link/1, listed(options) ++ told(options, "\nAlso ", ["\n\n"]))
    assert_same(&Workspace.run(ws, "1", &1), listed(doc(Workspace, :run, 3)))
    assert_same(&Workspace.resume(ws, "tag", {:ok, 1}, &1), told(doc(Workspace, :resume, 4), "Options: "))
    assert_same(&Workspace.move(ws, node(), &1), [:supervisor])
  end

  test "of limits" do
    rows = Regex.scan(~r/^\| `:(\w+)` \|/m, module_doc(Limits), capture: :all_but_first)
    documented = rows |> List.flatten() |> Enum.map(&String.to_existing_atom/1) |> Enum.sort()
    assert documented == Limits.defaults() |> Map.keys() |> Enum.sort()
    error = assert_raise ArgumentError, fn -> ExMonty.eval("1", limits: %{no_such: 1}) end
    for name <- documented, do: assert(error.message =~ inspect(name))
  end

  test "of the application are those that the library reads" do
    read =
      for [_, name] <- Regex.scan(~r/get_env\(:ex_monty, :(\w+)/, File.read!("lib/ex_monty/native.ex")),
          do: name

    [_, block] = Regex.run(~r/config :ex_monty,\n(.*?)\n\n/s, module_doc(ExMonty))
    documented = for [_, name] <- Regex.scan(~r/^\s*(\w+): /m, block), do: name
    assert Enum.sort(documented) == Enum.sort(read)
  end
end
