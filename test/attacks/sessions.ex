defmodule ExMonty.Attacks.Sessions do
  @moduledoc false

  # What other tables do to runs, done to a session that holds something and must have it afterwards.

  import ExMonty.Test.Attack, only: [new: 3, new: 4]

  alias ExMonty.{Error, Session}
  alias ExMonty.Attacks.{Floods, Library, Memory, Recursion, Source}
  alias ExMonty.Test.Attack

  def attacks, do: crossing() ++ evaluations()

  # What goes in and what comes out, in a run and in a session.
  defp crossing do
    for way <- [:run, :session],
        {name, value, expect} <- [
          {"a map of forty keys", {:map, 40}, {:ok, true}},
          {"a map of a hundred thousand keys", {:map, 100_000}, {:ok, true}},
          {"a set of a hundred thousand elements", {:set, 100_000}, {:ok, true}},
          {"a list nested a hundred thousand deep", {:deep, 100_000}, {:refused, :value_too_deep}},
          {"an exponential list", {:shared, 60}, {:refused, :value_too_large}}
        ] do
      new("in and out of a #{way}: #{name}", {__MODULE__, :there_and_back, [way, value]}, expect)
    end
  end

  def there_and_back(way, kind) do
    value = value(kind)

    case pass(way, value) do
      {:ok, back, output} -> {:ok, back == value, output}
      error -> error
    end
  end

  defp pass(:run, value), do: ExMonty.eval("x", inputs: %{x: value})

  defp pass(:session, value) do
    {:ok, session} = Session.new()
    {:ok, nil, "", session} = Session.eval(session, "kept = ['it']")

    case Session.eval(session, "x", inputs: %{x: value}) do
      {:ok, back, output, session} -> still(session, {:ok, back, output})
      {:error, reason} -> still(session, {:error, reason})
    end
  end

  defp value({:map, size}), do: Map.new(1..size, &{&1, "#{&1}"})
  defp value({:set, size}), do: MapSet.new(1..size)
  defp value({:deep, depth}), do: Enum.reduce(1..depth, [], fn _, inner -> [inner] end)
  defp value({:shared, depth}), do: Enum.reduce(1..depth, [], fn _, inner -> [inner, inner] end)

  # Those with functions or mounts need a host, and those that wait for their time would take minutes once more.
  defp evaluations do
    for table <- [Recursion, Source, Memory, Floods, Library],
        %Attack{code: code, way: :alone} = attack when is_binary(code) <- table.attacks(),
        Keyword.keys(attack.opts) -- [:limits] == [],
        attack.expect != {:raised, :timeout_error} and rem(:erlang.phash2(attack.name), 5) == 0 do
      memory = attack.memory && attack.memory + 256

      new("in a session: " <> attack.name, {__MODULE__, :evaluate, [code, attack.opts]}, attack.expect,
        memory: memory
      )
    end
  end

  def evaluate(code, opts) do
    {:ok, session} = Session.new()
    {:ok, nil, "", session} = Session.eval(session, "kept = ['it']")

    case Session.eval(session, code, opts) do
      {:ok, value, output, session} -> still(session, {:ok, value, output})
      {:error, reason} -> still(session, {:error, reason})
    end
  end

  # A session in which variables take all the memory there is can be asked for nothing but to let go of them.
  defp still(session, outcome) do
    case Session.eval(session, "kept", limits: :unlimited) do
      {:ok, ["it"], "", _session} -> outcome
      {:error, %Error{reason: :session_ended}} = ended -> ended
      other -> {:the_session_came_to, other}
    end
  end
end
