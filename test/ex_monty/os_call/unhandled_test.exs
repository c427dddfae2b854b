defmodule ExMonty.OsCall.UnhandledTest do
  use ExUnit.Case, async: true

  # Each function of `ExMonty.OsCall`, reached by a script, and what it comes to when nobody answers it.

  alias ExMonty.{Exception, Mount, OsCall, Sandbox}

  @denied {:raised, :permission_error, "Permission denied: '/a'"}

  @calls [
    exists: {"Path('/a').exists()", {:value, false}},
    is_file: {"Path('/a').is_file()", {:value, false}},
    is_dir: {"os.path.isdir('/a')", {:value, false}},
    is_symlink: {"Path('/a').is_symlink()", {:value, false}},
    read_text: {"Path('/a').read_text()", @denied},
    read_bytes: {"Path('/a').read_bytes()", @denied},
    write_text: {"Path('/a').write_text('x')", @denied},
    write_bytes: {"Path('/a').write_bytes(b'x')", @denied},
    append_text: {"text.write('x')\ntext.flush()", @denied},
    append_bytes: {"binary.write(b'x')\nbinary.flush()", @denied},
    open: {"open('/a', 'w')", @denied},
    mkdir: {"os.makedirs('/a')", @denied},
    unlink: {"os.remove('/a')", @denied},
    rmdir: {"Path('/a').rmdir()", @denied},
    iterdir: {"os.listdir('/a')", @denied},
    # A search says nothing of what it may not enter.
    scan: {"list(Path('/a').rglob('*')) + list(os.walk('/a'))", {:value, []}},
    stat: {"os.stat('/a')", @denied},
    rename: {"os.rename('/a', '/b')", @denied},
    resolve: {"Path('/a').resolve()", @denied},
    absolute: {"Path('a').absolute()", @denied},
    getenv: {"os.getenv('A', 'default')", {:raised, :runtime_error, "'os.getenv' is not supported"}},
    get_environ: {"os.environ['A']", {:raised, :runtime_error, "'os.environ' is not supported"}},
    date_today: {"type(date.today()).__name__", {:value, "date"}},
    datetime_now: {"type(datetime.now()).__name__", {:value, "datetime"}},
    urandom: {"os.urandom(1)", {:raised, :runtime_error, "'os.urandom' is not supported"}},
    time: {"time.time() > 1_700_000_000", {:value, true}},
    sleep: {"time.sleep(0)", {:raised, :runtime_error, "'time.sleep' is not supported"}},
    async_sleep: {"await asyncio.sleep(0.01)", {:raised, :runtime_error, "'asyncio.sleep' is not supported"}},
    import: {"import elsewhere", {:raised, :module_not_found_error, "No module named 'elsewhere'"}}
  ]

  @imports "import asyncio, os, time\nfrom pathlib import Path\nfrom datetime import date, datetime\n"

  defp inputs do
    for {name, mode} <- [text: "a", binary: "ab"],
        into: %{},
        do: {name, {:file_handle, %{path: "/a", mode: mode, position: 0}}}
  end

  defp runner(code) do
    {:ok, runner} = ExMonty.compile(@imports <> code, inputs: [:text, :binary])
    runner
  end

  # The functions that a run asks for while nobody answers any, and what it ends with.
  defp unanswered(progress, resume, asked \\ [])

  defp unanswered({:ok, {:os_call, %OsCall{function: function}, snapshot, ""}}, resume, asked),
    do: unanswered(resume.(snapshot), resume, [function | asked])

  defp unanswered(ended, _resume, asked), do: {Enum.uniq(asked), ended(ended)}

  defp ended({:ok, {:complete, value, ""}}), do: {:value, value}
  defp ended({:ok, value, ""}), do: {:value, value}
  defp ended({:error, %Exception{} = exception}), do: {:raised, exception.type, exception.message}

  defp assert_same({:raised, type, beginning}, {:raised, type, message}),
    do: assert(String.starts_with?(message, beginning))

  defp assert_same(expected, outcome), do: assert(outcome == expected)

  test "every function is among them" do
    assert Keyword.keys(@calls) == OsCall.functions()
  end

  for {function, {code, expected}} <- @calls do
    test "#{function} is asked for by #{inspect(code)}, and unanswered by resume/2, with mounts, and without a host" do
      {function, expected} = {unquote(function), unquote(Macro.escape(expected))}
      runner = runner(unquote(code))
      lease = Mount.checkout!(Mount.new!([{"/elsewhere", :memory}]))

      started = ExMonty.start(runner, inputs(), clock: :host)
      {asked, outcome} = unanswered(started, &ExMonty.resume(&1, :no_handler))
      assert asked == [function]
      assert_same(expected, outcome)

      started = ExMonty.start_with_mounts(runner, lease, inputs(), clock: :host, cwd: "/")
      {asked, outcome} = unanswered(started, &ExMonty.resume_with_mounts(&1, :no_handler, lease))
      assert asked == [function]
      assert_same(expected, outcome)

      assert_same(expected, ended(ExMonty.run(runner, inputs())))
    end
  end

  test "in a sandbox, sleeps are waited for and the rest is the same" do
    for {function, {code, expected}} <- @calls, mounts <- [[], [{"/elsewhere", :memory}]] do
      outcome = ended(Sandbox.run(@imports <> code, inputs: inputs(), mounts: mounts, cwd: "/"))
      assert_same(if(function in [:sleep, :async_sleep], do: {:value, nil}, else: expected), outcome)
    end
  end

  test "what is answered less often is answered with what the table says" do
    scanned = [{"", true, false, false}, {"d", true, false, false}, {"x", false, true, false}]

    for {code, answer, value} <- [
          {"text.write('xy')", 2, 2},
          {"binary.write(b'xyz')", 3, 3},
          {"[str(p) for p in Path('/a').rglob('*')]", %{"matches" => ["x", "d/y"]}, ["/a/x", "/a/d/y"]},
          {"[str(p) for p in Path('/a').glob('*')]", scanned, ["/a/d", "/a/x"]},
          {"next(os.walk('/a'))", scanned, {"/a", ["d"], ["x"]}},
          {"str(Path('a').absolute())", {:path, "/z"}, "/z"},
          {"date.today()", ~D[2024-02-29], ~D[2024-02-29]},
          {"datetime.now()", ~N[2024-02-29 01:02:03.000004], ~N[2024-02-29 01:02:03.000004]},
          {"datetime.now()", ~U[2024-02-29 01:02:03.000004Z], ~U[2024-02-29 01:02:03.000004Z]}
        ] do
      {:ok, {:os_call, _call, snapshot, ""}} = ExMonty.start(runner(code), inputs(), clock: :host)
      assert {code, ExMonty.resume(snapshot, {:ok, answer})} == {code, {:ok, {:complete, value, ""}}}
    end
  end
end
