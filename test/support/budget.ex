defmodule ExMonty.Test.Budget do
  @moduledoc false

  # What is done on a node whose runs may take `bytes/0` together. Answers are what `ExMonty.Test.Attack.outcome/1` takes.

  alias ExMonty.{Error, Exception}

  @bytes 60_000_000
  @piece 10_000_000

  @doc "The budget, and the arguments that give it to a node."
  def bytes, do: @bytes
  def arguments, do: ["-ex_monty", "max_metered_bytes", Integer.to_string(@bytes)]

  @doc "Starts runs that pause with a sixth of the budget each until one is refused, and tells how it goes on."
  def fill do
    {:ok, runner} = ExMonty.compile("x = 'x' * #{@piece}\nf()\nlen(x)")
    {:ok, small} = ExMonty.compile("1")
    {snapshots, refusal} = start_until_refused(runner, [])
    [compile, run] = [ExMonty.compile("2"), ExMonty.run(small)]
    completed = for snapshot <- snapshots, do: ExMonty.resume(snapshot, {:ok, nil})
    right? = Enum.all?(completed, &match?({:ok, {:complete, @piece, ""}}, &1))

    told = %{
      paused: length(snapshots),
      refusals: Enum.map([refusal, compile, run], fn {:error, %Error{reason: reason}} -> reason end),
      paused_went_on: right?,
      overloads: ExMonty.info().overloads,
      afterwards: ExMonty.run(small)
    }

    {:ok, told, ""}
  end

  defp start_until_refused(runner, snapshots) when length(snapshots) < 100 do
    case ExMonty.start(runner) do
      {:ok, {:function_call, _, snapshot, _}} -> start_until_refused(runner, [snapshot | snapshots])
      refusal -> {snapshots, refusal}
    end
  end

  @doc "Has a run without a limit of its own grow for as long as it may, beside one that is paused."
  def outgrow do
    {:ok, runner} = ExMonty.compile("x = 'x' * #{@piece}\nf()\nlen(x)")
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.start(runner)
    grown = ExMonty.eval("x = []\nwhile True:\n    x.append('y' * 1000)", limits: :unlimited)

    kind =
      case grown do
        {:error, %Error{reason: reason}} -> reason
        {:error, %Exception{type: type}} -> type
      end

    {:ok, {:complete, @piece, ""}} = ExMonty.resume(snapshot, {:ok, nil})
    {:ok, %{grown: kind, afterwards: ExMonty.eval("1")}, ""}
  end

  @doc "Writes and reads a file of 1 MiB `times` times, and tells how far the count is off afterwards, and at the end."
  def exchange(times) do
    mounts = ExMonty.Mount.new!([{"/w", :memory}])
    {:ok, lease} = ExMonty.Mount.checkout(mounts)

    code = """
    from pathlib import Path
    kept = b'k' * 1048576
    def exchange(times):
        for number in range(times):
            # A payload that the mount takes over, and one that it copies because the run keeps it.
            Path('/w/f').write_bytes(b'x' * 1048576 if number % 2 else kept)
            assert len(Path('/w/f').read_bytes()) == 1048576
    exchange(2)
    f()
    exchange(times)
    f()
    """

    {:ok, runner} = ExMonty.compile(code, inputs: [:times])
    {:ok, {:function_call, _, snapshot, _}} = start(runner, lease, times)
    before = ExMonty.info().metered_bytes
    {:ok, {:function_call, _, snapshot, _}} = ExMonty.resume_with_mounts(snapshot, {:ok, nil}, lease)
    # The run holds what it held: the same variables, with the same values.
    drift = ExMonty.info().metered_bytes - before
    {:ok, {:complete, nil, ""}} = ExMonty.resume_with_mounts(snapshot, {:ok, nil}, lease)
    {:ok, %{drift: drift, left: ExMonty.info().metered_bytes, calls: ExMonty.info().calls_answered}, ""}
  end

  defp start(runner, lease, times) do
    limits = %{max_duration_secs: :unlimited, max_allocations: :unlimited}
    ExMonty.start_with_mounts(runner, lease, %{times: times}, limits: limits)
  end

  @doc "Compiles as much source as is accepted, of a kind that takes much, and tells how many bytes a runner holds."
  def compile do
    source = String.duplicate("f(1)\n", 52_428)
    before = ExMonty.info().metered_bytes
    {:ok, runner} = ExMonty.compile(source)
    held = ExMonty.info().metered_bytes - before
    {:ok, _} = ExMonty.dump(runner)
    {:ok, %{source: byte_size(source), held: held}, ""}
  end
end
