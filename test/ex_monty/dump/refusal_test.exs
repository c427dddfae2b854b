defmodule ExMonty.Dump.RefusalTest do
  use ExUnit.Case, async: true

  setup_all do
    {:ok, runner} = ExMonty.compile("x = list(range(20)); fetch(x)")
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
    {:ok, {:function_call, _, other, _}} = ExMonty.start(runner)
    futures = pending_futures()

    %{
      runner: ExMonty.dump!(runner),
      snapshot: ExMonty.dump_snapshot!(snapshot),
      sealed: ExMonty.dump_snapshot!(other, key: "right"),
      futures: ExMonty.dump_future_snapshot!(futures)
    }
  end

  defp pending_futures do
    {:ok, runner} = ExMonty.compile("import asyncio\nawait asyncio.gather(f())")
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
    {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(snapshot, :pending)
    futures
  end

  defp assert_invalid(result, about \\ nil) do
    assert {:error, %ExMonty.Error{reason: :invalid_dump, message: message}} = result, inspect(about)
    message
  end

  test "a dump with any byte changed is refused, whatever kind it is", dumps do
    for {kind, load} <- loaders(), dump = dumps[kind], at <- 0..(byte_size(dump) - 1) do
      <<before::binary-size(at), byte, rest::binary>> = dump
      changed = <<before::binary, Bitwise.bxor(byte, Bitwise.bsl(1, rem(at, 8))), rest::binary>>
      assert_invalid(load.(changed), {kind, at})
    end
  end

  test "a dump that ends too early is refused, wherever it ends", dumps do
    for {kind, load} <- loaders(), dump = dumps[kind], length <- 0..(byte_size(dump) - 1) do
      assert_invalid(load.(binary_part(dump, 0, length)), {kind, length})
    end
  end

  test "bytes behind the end are refused", dumps do
    for {kind, load} <- loaders(), tail <- [<<0>>, dumps[kind], "\n"] do
      assert_invalid(load.(dumps[kind] <> tail), kind)
    end
  end

  test "what is no dump is refused", dumps do
    mounts = ExMonty.Mount.new!([{"/work", :memory}])
    assert %ExMonty.Mount{} = mounts

    for {_kind, load} <- loaders(),
        foreign <- ["", "x", String.duplicate(<<0>>, 10_000), "MONTY\0" <> dumps.runner] do
      assert_invalid(load.(foreign), foreign)
    end
  end

  test "a dump of a later version is refused with both versions named", %{snapshot: dump} do
    <<magic::binary-size(8), 1::16, rest::binary>> = dump
    message = assert_invalid(ExMonty.load_snapshot(<<magic::binary, 2::16, rest::binary>>))
    assert message == "the dump has version 2, and this release reads up to version 1"
  end

  test "a dump of another kind is refused with both kinds named", dumps do
    for {kind, load} <- loaders(),
        other <- [:runner, :snapshot, :futures],
        other != kind and kind != :sealed do
      assert assert_invalid(load.(dumps[other])) =~ ~r/^this is the dump of a .* and not of a /
    end
  end

  test "a size that lies is refused before anything is allocated for it", %{snapshot: dump} do
    <<head::binary-size(12), _size::64, rest::binary>> = dump

    for size <- [0, 1, 0xFFFFFFFFFFFFFFFF, 1_000_000_000_000] do
      assert_invalid(ExMonty.load_snapshot(<<head::binary, size::64, rest::binary>>), size)
    end
  end

  test "a length inside a forged body that lies is refused, and allocates nothing", %{snapshot: dump} do
    # Arrays, maps, strings and bytes that say they have 2^62 of whatever they hold.
    for major <- [0x9B, 0xBB, 0x7B, 0x5B],
        deep <- [<<>>, <<0x82, 0x00>>, <<0x82, 0x00, 0xA1, 0x66, "ledger">>] do
      assert_invalid(ExMonty.load_snapshot(with_body(dump, <<deep::binary, major, 0x4000000000000000::64>>)))
      assert_invalid(ExMonty.load_runner(with_body(dump, <<deep::binary, major, 0x4000000000000000::64>>)))
    end
  end

  test "a state that is missing or of no paused run is refused", %{snapshot: dump, runner: runner} do
    {body, record} = split(dump)
    assert_invalid(ExMonty.load_snapshot(with_body(dump, record)))
    assert_invalid(ExMonty.load_snapshot(with_body(dump, body <> <<0>>)))
    assert_invalid(ExMonty.load_snapshot(with_body(dump, ""), limits: %{max_memory: 1_000_000}))
    assert_invalid(ExMonty.load_snapshot(with_body(dump, record <> "MONTY\0" <> <<14, 0>>), limits: %{}))
    <<head::binary-size(52), body::binary>> = runner
    assert byte_size(head) == 52
    assert_invalid(ExMonty.load_snapshot(with_body(dump, body)))
  end

  test "a sealed dump needs its key, and a key needs a sealed dump", dumps do
    assert {:ok, _} = ExMonty.load_snapshot(dumps.sealed, key: "right")
    assert assert_invalid(ExMonty.load_snapshot(dumps.sealed)) =~ "the dump is sealed"
    assert assert_invalid(ExMonty.load_snapshot(dumps.sealed, key: "wrong")) =~ "sealed with another :key"
    assert assert_invalid(ExMonty.load_snapshot(dumps.snapshot, key: "right")) =~ "is not sealed"
    assert assert_invalid(ExMonty.load_runner(dumps.runner, key: "right")) =~ "is not sealed"
    assert assert_invalid(ExMonty.load_future_snapshot(dumps.futures, key: "right")) =~ "is not sealed"
  end

  test "a seal cannot be taken off by whoever has no key", %{sealed: sealed} do
    <<head::binary-size(11), 1, size::64, _seal::binary-size(32), body::binary>> = sealed
    head = <<head::binary, 0, size::64>>
    stripped = <<head::binary, :crypto.hash(:sha256, [head, body])::binary, body::binary>>
    assert assert_invalid(ExMonty.load_snapshot(stripped, key: "right")) =~ "is not sealed"
  end

  # A configuration that lacks the key once wrote dumps without a seal, and read those of anybody.
  test "a key that is none is no wish for a dump without a seal", dumps do
    {:ok, runner} = ExMonty.compile("1")
    mounts = ExMonty.Mount.new!()

    for none <- [nil, "", :key, 'key'],
        attempt <- [
          fn -> ExMonty.dump(runner, key: none) end,
          fn -> ExMonty.load_runner(dumps.runner, key: none) end,
          fn -> ExMonty.load_snapshot(dumps.snapshot, key: none) end,
          fn -> ExMonty.load_future_snapshot(dumps.futures, key: none) end,
          fn -> ExMonty.Mount.dump(mounts, key: none) end,
          fn -> ExMonty.Mount.load(ExMonty.Mount.dump!(mounts), key: none) end,
          fn -> ExMonty.Session.load(dumps.runner, key: none) end
        ] do
      assert_raise ArgumentError, ~r/invalid option :key/, attempt
    end
  end

  test "a message repeats no key" do
    error = assert_raise ArgumentError, fn -> ExMonty.load_runner("x", key: {:secret, "s3cret"}) end
    refute error.message =~ "s3cret"
  end

  test "wrong terms and options raise", %{snapshot: dump} do
    for {_kind, load} <- loaders(), term <- [nil, :dump, 1, [dump], {dump}, self(), %{}, <<1::3>>] do
      assert_raise ArgumentError, ~r/expected a dump/, fn -> load.(term) end
    end

    assert_raise ArgumentError, ~r/unknown option :limits/, fn -> ExMonty.load_runner(dump, limits: %{}) end

    assert_raise ArgumentError, ~r/unknown limit :memory/, fn ->
      ExMonty.load_snapshot(dump, limits: %{memory: 1})
    end

    assert_raise ArgumentError, ~r/invalid option :limits/, fn -> ExMonty.load_snapshot(dump, limits: 3) end
    assert_raise ArgumentError, ~r/invalid options/, fn -> ExMonty.load_snapshot(dump, %{}) end

    for term <- [nil, make_ref(), self(), "runner", 1] do
      assert_raise ArgumentError, ~r/expected a runner/, fn -> ExMonty.dump(term) end
      assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.dump_snapshot(term) end
      assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.dump_future_snapshot(term) end
    end
  end

  test "the twins that raise raise the error" do
    assert_raise ExMonty.Error, ~r/invalid_dump/, fn -> ExMonty.load_runner!("x") end
    assert_raise ExMonty.Error, ~r/invalid_dump/, fn -> ExMonty.load_snapshot!("x") end
    assert_raise ExMonty.Error, ~r/invalid_dump/, fn -> ExMonty.load_future_snapshot!("x") end
  end

  defp loaders do
    [
      runner: &ExMonty.load_runner/1,
      snapshot: &ExMonty.load_snapshot/1,
      futures: &ExMonty.load_future_snapshot/1,
      sealed: &ExMonty.load_snapshot(&1, key: "right")
    ]
  end

  # The body, and what of it comes before the interpreter's part.
  defp split(<<_head::binary-size(52), body::binary>>) do
    [record, _state] = String.split(body, "MONTY\0", parts: 2)
    {body, record}
  end

  defp with_body(<<head::binary-size(12), _::binary>>, body) do
    head = <<head::binary, byte_size(body)::64>>
    <<head::binary, :crypto.hash(:sha256, [head, body])::binary, body::binary>>
  end
end
