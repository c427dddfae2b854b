defmodule ExMonty.Session.ModelTest do
  use ExUnit.Case, async: true

  alias ExMonty.Session

  # A program given to a session piece by piece, with dumps, loads, pauses and errors in between, leaves the variables that
  # one run of all its pieces leaves.

  @names ~w(a b c)

  test "pieces of a program, however they are interrupted, come to what the whole program comes to" do
    for seed <- 1..60 do
      :rand.seed(:exsss, seed)

      pieces = [
        "a = 1\nb = [2]\nc = {'k': 3}\ndef twice(x):\n    return x + x" | for(_ <- 1..12, do: piece())
      ]

      whole = Enum.map_join(pieces, "\n", &guarded/1)
      {:ok, expected, output} = complete(ExMonty.start(compiled(whole <> "\nrepr([a, b, c])")))

      {session, printed} = Enum.reduce(pieces, {Session.new!(), ""}, &evaluate/2)
      assert {:ok, actual, "", _} = Session.eval(session, "repr([a, b, c])")
      assert {actual, printed} == {expected, output}, "seed #{seed}:\n#{whole}"
    end
  end

  defp compiled(code) do
    {:ok, runner} = ExMonty.compile(code)
    runner
  end

  defp piece do
    [one, other] = for _ <- 1..2, do: Enum.random(@names)

    Enum.random([
      "a = twice(a) % 1000003",
      "a += fetch(#{:rand.uniform(9)})",
      "b.append(#{one})\nb = b[-6:]",
      "b = b[:3] + [fetch(len(b)), len(c)]",
      "c[repr(#{other})[:20]] = len(repr(#{one}))",
      "c = {'n': fetch(a), 'm': len(b)}",
      "print(len(repr(#{one})))\nfetch(0)\nprint('after')",
      "def twice(x, n=#{:rand.uniform(5)}):\n    return x * n",
      "for i in range(3):\n    a = (a + fetch(i)) % 1000003",
      "b.append(1)\nraise ValueError('on purpose')\nb.append(2)",
      "a = a + 1\nundefined_name\na = a + 1"
    ])
  end

  # What ends a piece of a session would end the whole program.
  defp guarded(piece) do
    "try:\n" <>
      Enum.map_join(String.split(piece, "\n"), "\n", &("    " <> &1)) <> "\nexcept Exception:\n    pass"
  end

  defp evaluate(piece, {session, printed}) do
    session = moved(session)
    session |> Session.start(piece) |> step(session, printed)
  end

  # A session that is free may be written down and read.
  defp moved(session) do
    if :rand.uniform(3) == 1 do
      {:ok, dump} = Session.dump(session)
      {:ok, loaded} = Session.load(dump)
      loaded
    else
      session
    end
  end

  defp step({:ok, {:complete, _value, output}}, session, printed), do: {session, printed <> output}

  defp step({:error, %ExMonty.Exception{output: output}}, session, printed),
    do: {session, printed <> output}

  defp step({:ok, {_kind, _asked, snapshot, output} = progress}, session, printed) do
    result = answer(progress)

    if :rand.uniform(3) == 1 do
      loaded = snapshot |> ExMonty.dump_snapshot!() |> ExMonty.load_snapshot!()
      {:ok, continued} = Session.of(loaded)
      loaded |> ExMonty.resume(result) |> step(continued, printed <> output)
    else
      snapshot |> ExMonty.resume(result) |> step(session, printed <> output)
    end
  end

  defp answer({:function_call, call, _snapshot, _output}), do: {:ok, rem(hd(call.args), 7)}
  defp answer({:name_lookup, _name, _snapshot, _output}), do: :undefined

  defp complete(progress, printed \\ "")
  defp complete({:ok, {:complete, value, output}}, printed), do: {:ok, value, printed <> output}

  defp complete({:ok, {_, _, snapshot, output} = progress}, printed),
    do: complete(ExMonty.resume(snapshot, answer(progress)), printed <> output)
end
