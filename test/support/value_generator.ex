defmodule ExMonty.ValueGenerator do
  @moduledoc false

  # Values of every kind that survives a round trip unchanged, at random but repeatable: seed `:rand` first.

  @zones ["Europe/Berlin", "CET", "Nowhere/Ünnamed"]

  @doc false
  def value(depth \\ 4)
  def value(0), do: leaf()

  def value(depth) do
    case :rand.uniform(11) do
      1 -> list(depth)
      2 -> depth |> list() |> List.to_tuple()
      3 -> Map.new(list(depth), &{key(depth - 1), &1})
      4 -> MapSet.new(keys(depth - 1))
      5 -> {:frozenset, MapSet.new(keys(depth - 1))}
      6 -> {:named_tuple, name(), for(field <- names(), do: {field, value(depth - 1)})}
      7 -> {:module, name(), Map.new(names(), &{&1, value(depth - 1)})}
      8 -> ExMonty.Dataclass.new(name(), for(field <- names(), do: {field, value(depth - 1)}))
      _ -> leaf()
    end
  end

  # Strings and tuples of strings: of numbers some would be equal in Python.
  defp key(0), do: text()
  defp key(depth), do: pick([fn -> text() end, fn -> {text(), key(depth - 1)} end])

  defp keys(depth), do: for(_ <- 1..:rand.uniform(5), do: key(depth))

  defp list(depth), do: for(_ <- 1..:rand.uniform(5), do: value(depth - 1)) |> Enum.drop(:rand.uniform(2) - 1)

  defp names, do: for(_ <- 1..:rand.uniform(4), do: name()) |> Enum.uniq()

  defp leaf do
    pick([
      fn -> Enum.random([nil, true, false, :ellipsis, :not_implemented]) end,
      fn -> Enum.random([:infinity, :neg_infinity, :nan, 0.0, -0.0]) end,
      &integer/0,
      fn -> :rand.normal() * :math.pow(10, :rand.uniform(600) - 300) end,
      &text/0,
      fn -> {:bytes, :rand.bytes(:rand.uniform(400) - 1)} end,
      fn -> {:path, "/" <> name() <> "/" <> name()} end,
      &date/0,
      &time/0,
      fn -> NaiveDateTime.new!(date(), time()) end,
      &aware/0,
      fn -> {:time, time(), offset(), Enum.random([nil | @zones])} end,
      fn ->
        {:timedelta, %{days: signed(999_999_999), seconds: below(86_400), microseconds: below(1_000_000)}}
      end,
      fn -> {:timezone, %{offset_seconds: offset(), name: Enum.random([nil | @zones])}} end,
      fn -> {:decimal, "#{signed(1_000_000)}.#{below(1000)}"} end,
      fn -> {:complex, :rand.normal(), Enum.random([:nan, :infinity, 1.5])} end,
      fn -> {:function, name()} end,
      fn -> %ExMonty.Exception{type: Enum.random(ExMonty.Exception.types()), message: text()} end,
      fn ->
        {:file_handle, %{path: "/" <> name(), mode: Enum.random(~w(r rb w wb a ab)), position: below(1000)}}
      end
    ])
  end

  # Around the widths where integers change their form, on both sides.
  defp integer do
    edge = Enum.random([0, 2 ** 31, 2 ** 59, 2 ** 63, 2 ** 64, 2 ** 2040, 2 ** 5000])
    Enum.random([1, -1]) * (edge + signed(2))
  end

  defp text do
    characters = [?a..?z, 0..127, 0x80..0x7FF, 0x800..0xD7FF, 0x10000..0x10FFFF]
    for _ <- 1..:rand.uniform(40), into: "", do: <<Enum.random(Enum.random(characters))::utf8>>
  end

  defp name, do: for(_ <- 1..:rand.uniform(8), into: "", do: <<Enum.random(?a..?z)>>)

  defp date, do: Date.from_gregorian_days(366 + below(3_652_059 - 366))
  defp time, do: Time.new!(below(24), below(60), below(60), {below(1_000_000), 6})

  defp aware do
    utc = DateTime.from_naive!(NaiveDateTime.new!(date(), time()), "Etc/UTC")

    case Enum.random([nil | @zones]) do
      nil -> utc
      zone -> %{utc | time_zone: zone, zone_abbr: zone, utc_offset: offset()}
    end
  end

  defp offset, do: signed(86_399)
  defp below(bound), do: :rand.uniform(bound) - 1
  defp signed(bound), do: :rand.uniform(2 * bound + 1) - bound - 1
  defp pick(choices), do: Enum.random(choices).()
end
