defmodule ExMonty.Session.MemoryTest do
  # Alone, because it counts what all runs hold.
  use ExUnit.Case, async: false

  import ExMonty.Patience

  alias ExMonty.{Exception, Session}

  # What there is when everything that earlier tests left behind has gone.
  defp at_rest(below) do
    until(fn ->
      :erlang.garbage_collect()
      info = ExMonty.info()
      info.turns_running == 0 and info.metered_bytes <= below
    end)
  end

  test "what sessions hold is back where it was when they are gone, however they went" do
    at_rest(:infinity)
    before = ExMonty.info()

    for n <- 1..40 do
      session = Session.new!()
      {:ok, nil, "", _} = Session.eval(session, "x = ['y' * 100 for _ in range(1000)]")
      {:error, %Exception{}} = Session.eval(session, "z = x + [1]\nraise ValueError(repr(x))")
      {:ok, dump} = Session.dump(session)
      {:ok, loaded} = Session.load(dump)
      {:ok, {:function_call, _, snapshot, _}} = Session.start(loaded, "f(x)")

      case rem(n, 3) do
        0 -> {:ok, {:complete, _, _}} = ExMonty.resume(snapshot, {:ok, String.duplicate("z", 100_000)})
        1 -> snapshot |> ExMonty.dump_snapshot!() |> ExMonty.load_snapshot!()
        2 -> :dropped
      end
    end

    at_rest(before.metered_bytes + 1_000_000)
    until(fn -> :erlang.garbage_collect() && ExMonty.info().runs_paused <= before.runs_paused end)
  end

  test "what one session holds does not grow with what it has evaluated and let go of" do
    session = Session.new!(limits: %{max_memory: 2_000_000})

    # A thousand results, exceptions and inputs, each a twentieth of what the session may hold.
    for _ <- 1..1_000 do
      assert {:ok, 100_000, "", _} =
               Session.eval(session, "len(x)", inputs: %{x: String.duplicate("y", 100_000)})

      assert {:ok, <<_::binary-size(100_000)>>, "", _} = Session.eval(session, "x")
      assert {:error, %Exception{type: :value_error}} = Session.eval(session, "raise ValueError(x)")
    end
  end
end
