# A script waits for a person, for as long as that takes: as bytes, in no process and in no memory.
#
#     mix run examples/pause_dump_resume.exs
#
# The script pauses where it calls a function. What it has come to, and the files that it has written, are dumped and
# sealed; when the answer is there, both are loaded, on whatever node, and the run goes on in the middle of its line.

defmodule PauseDumpResume do
  alias ExMonty.Mount

  @script ~S'''
  import json
  from pathlib import Path

  orders = json.loads(Path('/desk/orders.json').read_text())
  total = sum(order['price'] for order in orders)
  Path('/desk/draft.txt').write_text(f'{len(orders)} orders, {total:.2f}')

  if approve(f'Pay {total:.2f}?', limit=total):
      Path('/desk/draft.txt').rename('/desk/paid.txt')

  sorted(path.name for path in Path('/desk').iterdir())
  '''

  @orders ~s([{"item": "tea", "price": 4.5}, {"item": "pot", "price": 24}])

  @doc "Runs the script up to its question. What comes back is the question, and all that is left of the run: bytes."
  def ask(key) do
    mounts = Mount.new!([{"/desk", :memory, files: %{"orders.json" => @orders}, max_bytes: 100_000}])
    {:ok, runner} = ExMonty.compile(@script)
    lease = Mount.checkout!(mounts)

    # Driven by hand: `ExMonty.Sandbox` would wait for the answer in this process.
    {:ok, {:function_call, %{name: "approve"} = call, snapshot, ""}} =
      ExMonty.start_with_mounts(runner, lease, %{}, limits: %{max_duration_secs: 2})

    # The run and its files are two dumps, for a run can go on with other files. A dump is trusted input, so both are
    # sealed: whoever can write to the store, but has not the key, cannot make us load anything else.
    files = Mount.dump!(lease, key: key)
    run = ExMonty.dump_snapshot!(snapshot, key: key)
    :ok = Mount.release(lease)

    %{question: hd(call.args), limit: call.kwargs["limit"], run: run, files: files}
  end

  @doc "Loads what `ask/1` left, in any process of any node, and goes on with the answer."
  def answer(%{run: run, files: files}, answer, key) do
    with {:ok, mounts} <- Mount.load(files, key: key),
         {:ok, snapshot} <- ExMonty.load_snapshot(run, key: key),
         # A loaded run knows what it waits for, so nothing but the bytes need be kept.
         {:ok, {:function_call, %{name: "approve"}, ^snapshot, ""}} <- ExMonty.progress(snapshot),
         {:ok, lease} <- Mount.checkout(mounts) do
      try do
        with {:ok, {:complete, names, ""}} <- ExMonty.resume_with_mounts(snapshot, {:ok, answer}, lease) do
          {:ok,
           %{node: node(), process: self(), files: Map.new(names, &{&1, Mount.read!(lease, "/desk/" <> &1)})}}
        end
      after
        Mount.release(lease)
      end
    end
  end

  @doc "Asks in one process, which ends, and answers in another."
  def run(answer) do
    key = :crypto.strong_rand_bytes(32)
    asked = Task.await(Task.async(fn -> ask(key) end))
    {:ok, finished} = Task.await(Task.async(fn -> answer(asked, answer, key) end))
    %{asked: asked, finished: finished}
  end

  def print(%{asked: asked, finished: finished}) do
    IO.puts("the script asks: #{asked.question}")
    IO.puts("kept meanwhile: #{byte_size(asked.run)} bytes of run, #{byte_size(asked.files)} of files")
    IO.puts("after the answer:")
    for {name, contents} <- Enum.sort(finished.files), do: IO.puts("  #{name}: #{contents}")
  end
end

# `mix test` loads the module and runs it itself.
unless Code.ensure_loaded?(ExUnit) and Process.whereis(ExUnit.Server) do
  PauseDumpResume.run(true) |> PauseDumpResume.print()
end
