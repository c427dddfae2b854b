defmodule ExMonty.OsCallTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Exception, OsCall}

  doctest OsCall

  defp start!(code, inputs \\ %{}, opts \\ []) do
    {:ok, runner} = ExMonty.compile(code, inputs: Map.keys(inputs))
    ExMonty.start(runner, inputs, opts)
  end

  # What `:scan` is called with where nothing else is said.
  @all %{
    "max_depth" => nil,
    "follow_symlinks" => false,
    "pattern" => nil,
    "case_sensitive" => nil,
    "recurse_symlinks" => false
  }

  test "carries its function and its arguments" do
    opened = fn mode -> %{file: {:file_handle, %{path: "/a", mode: mode, position: 0}}} end

    calls = [
      {"Path('/a/../b').exists()", :exists, [{:path, "/b"}], %{}},
      {"Path('/a').is_file()", :is_file, [{:path, "/a"}], %{}},
      {"Path('/a').is_dir()", :is_dir, [{:path, "/a"}], %{}},
      {"Path('/a').is_symlink()", :is_symlink, [{:path, "/a"}], %{}},
      {"Path('/a').read_text()", :read_text, [{:path, "/a"}], %{}},
      {"Path('/a').read_bytes()", :read_bytes, [{:path, "/a"}], %{}},
      {"Path('/a').write_text('x')", :write_text, [{:path, "/a"}, "x"], %{}},
      {"Path('/a').write_bytes(b'x')", :write_bytes, [{:path, "/a"}, {:bytes, "x"}], %{}},
      {"Path('/a').mkdir(parents=True)", :mkdir, [{:path, "/a"}], %{"parents" => true, "exist_ok" => false}},
      {"Path('/a').unlink()", :unlink, [{:path, "/a"}], %{}},
      {"Path('/a').rmdir()", :rmdir, [{:path, "/a"}], %{}},
      {"Path('/a').rename('/b')", :rename, [{:path, "/a"}, {:path, "/b"}], %{}},
      {"Path('/a').resolve()", :resolve, [{:path, "/a"}], %{}},
      {"list(Path('/a').iterdir())", :iterdir, [{:path, "/a"}], %{}},
      {"Path('/a').stat()", :stat, [{:path, "/a"}], %{}},
      {"os.getenv('HOME', 'none')", :getenv, ["HOME", "none"], %{}},
      {"os.urandom(4)", :urandom, [4], %{}},
      {"time.sleep(1.5)", :sleep, [1.5], %{}},
      {"import elsewhere", :import, ["elsewhere"], %{}},
      {"open('/a', 'wb')", :open, [{:path, "/a"}, "wb"], %{}},
      {"file.write('x')", :append_text, [{:path, "/a"}, "x"], opened.("w")},
      {"file.write(b'x')", :append_bytes, [{:path, "/a"}, {:bytes, "x"}], opened.("ab")},
      {"os.makedirs('/a/b', exist_ok=True)", :mkdir, [{:path, "/a/b"}],
       %{"parents" => true, "exist_ok" => true}},
      {"Path('a').absolute()", :absolute, [{:path, "/a"}], %{}},
      {"list(os.walk('/a'))", :scan, [{:path, "/a"}], @all},
      {"os.scandir('/a')", :scan, [{:path, "/a"}], %{@all | "max_depth" => 1}},
      {"list(Path('/a').rglob('*.py'))", :scan, [{:path, "/a"}], %{@all | "pattern" => ["**", "*.py"]}},
      {"list(Path('/a').glob('*', case_sensitive=False))", :scan, [{:path, "/a"}],
       %{@all | "pattern" => ["*"], "max_depth" => 1, "case_sensitive" => false}},
      {"list(Path('/a').glob('**/*', recurse_symlinks=True))", :scan, [{:path, "/a"}],
       %{@all | "pattern" => ["**", "*"], "follow_symlinks" => true, "recurse_symlinks" => true}},
      {"os.environ", :get_environ, [], %{}},
      {"datetime.date.today()", :date_today, [], %{}},
      {"datetime.datetime.now()", :datetime_now, [nil], %{}},
      {"datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=2)))", :datetime_now,
       [{:timezone, %{offset_seconds: 7200, name: nil}}], %{}},
      {"time.monotonic()", :time, ["time.monotonic"], %{}},
      {"await asyncio.sleep(2)", :async_sleep, [2.0], %{}}
    ]

    for {code, function, args, kwargs} <- calls do
      {inputs, kwargs} = Map.split(kwargs, [:file])
      code = "import asyncio, datetime, os, time\nfrom pathlib import Path\n" <> code
      assert {:ok, {:os_call, %OsCall{} = call, _, ""}} = start!(code, inputs, clock: :host), code
      assert {call.function, call.args, call.kwargs} == {function, args, kwargs}
    end

    assert OsCall.functions() -- Enum.map(calls, &elem(&1, 1)) == []
  end

  test "is answered with what its function gives" do
    handle = {:file_handle, %{path: "/a", mode: "r", position: 0}}

    stat = %File.Stat{
      size: 7,
      type: :directory,
      mode: 0o755,
      mtime: {{2024, 1, 1}, {0, 0, 0}},
      atime: 5,
      ctime: 0
    }

    for {code, answers, value} <- [
          {"Path('/a').exists()", [true], true},
          {"Path('/a').read_text()", ["text"], "text"},
          {"Path('/a').read_bytes()", [{:bytes, <<255>>}], {:bytes, <<255>>}},
          {"Path('/a').write_text('x')", [1], 1},
          {"open('/a').read()", [handle, "text"], "text"},
          {"Path('/a').mkdir()", [self()], nil},
          {"[p.name for p in Path('/a').iterdir()]", [[{:path, "/a/b"}, "c"]], ["b", "c"]},
          {"s = Path('/a').stat()\n[s.st_size, s.st_mode, s.st_mtime, s.st_atime]", [stat],
           [7, 0o40755, 1_704_067_200.0, 5.0]},
          {"sorted(os.listdir('/a'))", [["b", "a"]], ["a", "b"]},
          {"str(Path('/a').resolve())", [{:path, "/z"}], "/z"},
          {"os.getenv('HOME')", [nil], nil},
          {"os.environ['K']", [%{"K" => "v"}], "v"},
          {"os.urandom(2)", [{:bytes, "ab"}], {:bytes, "ab"}},
          {"time.sleep(1)", [{:any, :thing, self()}], nil},
          {"import elsewhere\nelsewhere.x", [{:module, "elsewhere", %{"x" => 5}}], 5}
        ] do
      code = "import os, time\nfrom pathlib import Path\n" <> code

      step = fn {:ok, {:os_call, _, snapshot, _}}, answer -> ExMonty.resume(snapshot, {:ok, answer}) end

      asked = fn progress, answer ->
        Enum.reduce_while([1], progress, fn _, progress -> {:halt, step.(progress, answer)} end)
      end

      result = Enum.reduce(answers, start!(code), fn answer, progress -> asked.(progress, answer) end)
      assert {:ok, {:complete, ^value, ""}} = result, code
    end
  end

  test "that gets what its function does not give stays" do
    for {code, wrong, right} <- [
          {"Path('/a').exists()", [1, "yes", nil], true},
          {"Path('/a').read_text()", [1, {:bytes, "x"}, <<255>>], "x"},
          {"Path('/a').read_bytes()", [1, "text"], {:bytes, "x"}},
          {"Path('/a').write_text('x')", ["1", 1.5], 1},
          {"list(Path('/a').iterdir())", ["x", [1], [:a | :b]], []},
          {"Path('/a').stat()", [%{}, %File.Stat{mtime: :soon}, 1], %File.Stat{}},
          {"Path('/a').resolve()", ["/a", 1], {:path, "/a"}},
          {"time.time()", ["now", ~D[2024-01-01]], 1.5},
          {"open('/a')", ["/a", 1], {:file_handle, %{path: "/a", mode: "r", position: 0}}},
          {"import elsewhere", [1, "elsewhere"], {:module, "elsewhere", %{}}}
        ] do
      code = "import os, time\nfrom pathlib import Path\n" <> code <> "\n0"
      {:ok, {:os_call, _, snapshot, _}} = start!(code, %{}, clock: :host)

      for value <- wrong do
        assert {:error, %Error{reason: reason}} = ExMonty.resume(snapshot, {:ok, value}),
               "#{code}: #{inspect(value)}"

        assert reason in [:invalid_result, :invalid_value]
      end

      assert {:ok, {:complete, _, _}} = ExMonty.resume(snapshot, {:ok, right}), code
    end
  end

  test "without a handler gets Monty's own answer" do
    {:ok, {:os_call, _, snapshot, _}} = start!("open('/secret')")

    assert {:error, %Exception{type: :permission_error, message: "Permission denied: '/secret'"}} =
             ExMonty.resume(snapshot, :no_handler)

    {:ok, {:os_call, _, snapshot, _}} = start!("import elsewhere")
    assert {:error, %Exception{type: :module_not_found_error}} = ExMonty.resume(snapshot, {:ok, :not_found})
  end
end
