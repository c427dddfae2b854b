[{PauseDumpResume, beam}] = Code.require_file("../../examples/pause_dump_resume.exs", __DIR__)

defmodule ExMonty.Examples.PauseDumpResumeTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  # Kept for the other node, which has the code of the library and not that of the example.
  @beam beam

  # None of the waits for that node ends by its time.
  @ms 300_000

  test "goes on with the answer and the files, in another process than asked" do
    outcome = PauseDumpResume.run(true)
    assert outcome.asked.question == "Pay 28.50?"
    assert outcome.asked.limit == 28.5
    assert %{"paid.txt" => "2 orders, 28.50", "orders.json" => _} = outcome.finished.files
    refute Map.has_key?(outcome.finished.files, "draft.txt")

    printed = capture_io(fn -> PauseDumpResume.print(outcome) end)
    assert printed =~ "the script asks: Pay 28.50?"
    assert printed =~ "paid.txt: 2 orders, 28.50"
  end

  test "takes no for an answer" do
    assert %{"draft.txt" => "2 orders, 28.50"} = PauseDumpResume.run(false).finished.files
  end

  test "refuses bytes that were changed, or sealed with another key" do
    asked = PauseDumpResume.ask("key")

    for part <- [:run, :files] do
      damaged = Map.update!(asked, part, &flip_last_bit/1)
      assert {:error, %{reason: :invalid_dump}} = PauseDumpResume.answer(damaged, true, "key")
    end

    assert {:error, %{reason: :invalid_dump}} = PauseDumpResume.answer(asked, true, "another")
    assert {:ok, _finished} = PauseDumpResume.answer(asked, true, "key")
  end

  # The other node is spoken to through its standard streams, so this one need not be distributed.
  test "goes on in another operating system process" do
    asked = PauseDumpResume.ask("key")
    paths = Enum.flat_map(:code.get_path(), &['-pa', &1])
    {:ok, peer, _node} = :peer.start_link(%{connection: :standard_io, args: paths, wait_boot: @ms})

    try do
      {:ok, _apps} = :peer.call(peer, Application, :ensure_all_started, [:ex_monty], @ms)

      {:module, _} =
        :peer.call(peer, :code, :load_binary, [PauseDumpResume, 'pause_dump_resume.exs', @beam], @ms)

      refute :peer.call(peer, System, :pid, [], @ms) == System.pid()

      assert {:ok, finished} = :peer.call(peer, PauseDumpResume, :answer, [asked, true, "key"], @ms)
      assert %{"paid.txt" => "2 orders, 28.50"} = finished.files
    after
      :peer.stop(peer)
    end
  end

  defp flip_last_bit(bytes) do
    size = byte_size(bytes) - 1
    <<head::binary-size(size), last>> = bytes
    <<head::binary, Bitwise.bxor(last, 1)>>
  end
end
