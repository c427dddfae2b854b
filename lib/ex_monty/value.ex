defmodule ExMonty.Value do
  @moduledoc """
  What Python values are in Elixir, and the other way round.

  | Python | Elixir, out of a run | Elixir, also accepted into one |
  |---|---|---|
  | `None`, `bool`, `int` of any size, `float` | `nil`, booleans, integer, float | |
  | `inf`, `-inf`, `nan` | `:infinity`, `:neg_infinity`, `:nan` | |
  | `str` | UTF-8 binary | any other atom |
  | `bytes` | `{:bytes, binary}` | a binary that is not UTF-8 |
  | `list`, `tuple`, `dict` | list, tuple, map | keyword list: a list of pairs; atoms as keys of a map: strings |
  | `set`, `frozenset` | `MapSet`, `{:frozenset, MapSet}` | |
  | `Ellipsis`, `NotImplemented` | `:ellipsis`, `:not_implemented` | |
  | `Path` | `{:path, text}` | |
  | `date`, `time`, `datetime` | `Date`, `Time`, `NaiveDateTime` | |
  | `datetime` with a time zone | `DateTime` with a fixed offset; `time_zone` is the zone's name, `"Etc/UTC"` for UTC | any `DateTime` |
  | `time` with a time zone | `{:time, Time, offset_seconds, name or nil}` | |
  | `timedelta` | `{:timedelta, %{days: d, seconds: s, microseconds: us}}` | the same, not normalised |
  | `timezone` | `{:timezone, %{offset_seconds: s, name: name or nil}}` | |
  | `Decimal`, `complex` | `{:decimal, text}`, `{:complex, re, im}` | |
  | named tuple, result of `stat` | `{:named_tuple, name, [{field, value}]}` | |
  | instance of a class | `ExMonty.Dataclass` | |
  | exception | `ExMonty.Exception` | |
  | function given by the host | `{:function, name}` | |
  | module given by the host | `{:module, name, %{attribute => value}}` | |
  | open file | `{:file_handle, %{path: path, mode: mode, position: n}}` | |
  | type, class | `{:type, name}` | not accepted |
  | container inside itself | `{:cycle, text}` | not accepted |
  | anything else | `{:repr, text}` | not accepted |

  Microseconds come out with six digits. Names of fields, attributes and keyword arguments are strings: nothing that
  comes out of a run ever makes an atom.

  ## What is refused

  A value may be nested 200 deep and, written out in full, as large as the run's `:max_memory`. What is beyond that, in
  either direction, is refused before it is built, with an `ExMonty.Error` whose `reason` is `:value_too_deep` or
  `:value_too_large`. Everything else that the other side has no value for is `:invalid_value`, and the message names the
  place:

      iex> {:error, error} = ExMonty.eval("x", inputs: %{x: [1, %{"pids" => [self()]}]})
      iex> {error.reason, error.message}
      {:invalid_value, ~S(inputs["x"][1]["pids"][0]: a pid cannot become a Python value)}

  Refused are pids, ports, references, functions, improper lists, bitstrings, structs that are not in the table, keys that
  Python cannot hash, and keys that differ in Elixir but are one key in Python, such as `1` and `1.0`.

  ## Tags

  A tuple whose first element is one of the atoms `:bytes`, `:frozenset`, `:path`, `:time`, `:timedelta`, `:timezone`,
  `:decimal`, `:complex`, `:named_tuple`, `:function`, `:module`, `:file_handle`, `:type`, `:cycle` and `:repr` is that
  value, or refused; this holds in keyword lists, too. A plain tuple begins with the string instead. A Python value never
  looks like a tagged tuple: only the values in the first, second and sixth row come out as atoms, and no tag is one of them.

  ## Identity

  What two places of a Python value share, they share in Elixir. In the other direction only long binaries are shared,
  because an Elixir value has no identity: two places of an input never become one Python list, in which a change at one
  place would show at the other.
  """

  alias ExMonty.{Dataclass, Exception}

  @typedoc "A value as it comes out of a run. What is also accepted into one is wider; see the module's documentation."
  @type t ::
          nil
          | boolean()
          | number()
          | :infinity
          | :neg_infinity
          | :nan
          | :ellipsis
          | :not_implemented
          | String.t()
          | {:bytes, binary()}
          | [t()]
          | tuple()
          | %{optional(t()) => t()}
          | MapSet.t()
          | {:frozenset, MapSet.t()}
          | {:path, String.t()}
          | Date.t()
          | Time.t()
          | NaiveDateTime.t()
          | DateTime.t()
          | {:time, Time.t(), offset_seconds :: integer(), name :: String.t() | nil}
          | {:timedelta, %{days: integer(), seconds: integer(), microseconds: integer()}}
          | {:timezone, %{offset_seconds: integer(), name: String.t() | nil}}
          | {:decimal, String.t()}
          | {:complex, number() | atom(), number() | atom()}
          | {:named_tuple, String.t(), [{String.t(), t()}]}
          | Dataclass.t()
          | Exception.t()
          | {:function, String.t()}
          | {:module, String.t(), %{optional(String.t()) => t()}}
          | {:file_handle, %{path: String.t(), mode: String.t(), position: non_neg_integer()}}
          | {:type, String.t()}
          | {:cycle, String.t()}
          | {:repr, String.t()}

  @typedoc "What every JSON library can write."
  @type json ::
          nil | boolean() | number() | String.t() | [json()] | %{optional(String.t()) => json()}

  @doc """
  Makes plain JSON types of a value that came out of a run.

  Numbers, strings, booleans and `nil` stay what they are. The rest becomes

  | value | JSON |
  |---|---|
  | `:infinity`, `:neg_infinity`, `:nan` | `"inf"`, `"-inf"`, `"nan"`, as Python's `str` writes them |
  | `:ellipsis`, `:not_implemented` | `"Ellipsis"`, `"NotImplemented"` |
  | bytes | their Base64 text |
  | lists, tuples | an array |
  | sets | an array, in Elixir's term order |
  | dict | an object; a key that is no string becomes a text such as `1`, `null` or `[1,2]` |
  | dict whose keys would then be the same | an array of `[key, value]` |
  | path, decimal | its text |
  | dates and times | ISO 8601, with the offset where there is one |
  | timedelta | seconds, an integer where there are no microseconds |
  | timezone | its name, or `"UTC+02:00"` |
  | complex | `"1.0+2.0j"` |
  | named tuple, instance of a class | an object of its fields |
  | exception | `%{"type" => "ValueError", "message" => …}` |
  | open file | an object of path, mode and position |
  | function, module, type | `"<function 'f'>"`, `"<module 'm'>"`, `"<class 'int'>"` |
  | `{:cycle, text}`, `{:repr, text}` | the text |

  What cannot have come out of a run raises `ArgumentError`.

      iex> {:ok, value, ""} = ExMonty.eval("{'when': (1, 2.5), 'raw': b'\\\\xff', 3: {4}}")
      iex> ExMonty.Value.to_json_safe(value)
      %{"when" => [1, 2.5], "raw" => "/w==", "3" => [4]}
  """
  @spec to_json_safe(t()) :: json()
  def to_json_safe(value) when value in [nil, true, false] or is_number(value), do: value
  def to_json_safe(:infinity), do: "inf"
  def to_json_safe(:neg_infinity), do: "-inf"
  def to_json_safe(:nan), do: "nan"
  def to_json_safe(:ellipsis), do: "Ellipsis"
  def to_json_safe(:not_implemented), do: "NotImplemented"

  def to_json_safe(text) when is_binary(text) do
    if String.valid?(text), do: text, else: Base.encode64(text)
  end

  def to_json_safe(list) when is_list(list) do
    if List.improper?(list), do: refuse!(list), else: Enum.map(list, &to_json_safe/1)
  end

  def to_json_safe({:bytes, bytes}) when is_binary(bytes), do: Base.encode64(bytes)
  def to_json_safe({:frozenset, %MapSet{} = set}), do: to_json_safe(set)
  def to_json_safe({tag, text}) when tag in [:path, :decimal, :cycle, :repr], do: text
  def to_json_safe({:function, name}), do: "<function '#{name}'>"
  def to_json_safe({:module, name, _attributes}), do: "<module '#{name}'>"
  def to_json_safe({:type, name}), do: "<class '#{name}'>"
  def to_json_safe({:complex, re, im}), do: complex(re, im)
  def to_json_safe({:timezone, zone}), do: zone.name || "UTC" <> offset(zone.offset_seconds)
  def to_json_safe({:time, time, seconds, _name}), do: Time.to_iso8601(time) <> offset(seconds)
  def to_json_safe({:named_tuple, _name, fields}) when is_list(fields), do: object(fields)
  def to_json_safe({:file_handle, handle}), do: object(handle)

  def to_json_safe({:timedelta, %{days: days, seconds: seconds, microseconds: micros}}) do
    seconds = days * 86_400 + seconds
    if micros == 0, do: seconds, else: seconds + micros / 1_000_000
  end

  def to_json_safe(tuple) when is_tuple(tuple), do: tuple |> Tuple.to_list() |> to_json_safe()

  def to_json_safe(%MapSet{} = set), do: set |> Enum.sort() |> to_json_safe()
  def to_json_safe(%Date{} = date), do: Date.to_iso8601(date)
  def to_json_safe(%Time{} = time), do: Time.to_iso8601(time)
  def to_json_safe(%NaiveDateTime{} = naive), do: NaiveDateTime.to_iso8601(naive)
  def to_json_safe(%DateTime{} = aware), do: DateTime.to_iso8601(aware)
  def to_json_safe(%Dataclass{fields: fields}), do: object(fields)

  def to_json_safe(%Exception{} = exception) do
    %{"type" => Exception.type_name(exception.type), "message" => exception.message}
  end

  def to_json_safe(%{} = map) when not is_struct(map) do
    pairs = for {key, value} <- map, do: {key(key), to_json_safe(value)}
    object = Map.new(pairs)

    if map_size(object) == map_size(map) do
      object
    else
      for {key, value} <- Enum.sort(map), do: [to_json_safe(key), to_json_safe(value)]
    end
  end

  def to_json_safe(other), do: refuse!(other)

  @spec refuse!(term) :: no_return
  defp refuse!(other) do
    raise ArgumentError, "this is no value that a run can have: #{inspect(other, limit: 5)}"
  end

  defp object(fields), do: Map.new(fields, fn {name, value} -> {to_string(name), to_json_safe(value)} end)

  defp key(key) do
    case to_json_safe(key) do
      text when is_binary(text) -> text
      other -> text(other)
    end
  end

  defp text(nil), do: "null"
  defp text(list) when is_list(list), do: "[" <> Enum.map_join(list, ",", &text/1) <> "]"
  defp text(text) when is_binary(text), do: inspect(text, printable_limit: :infinity)

  defp text(%{} = object) do
    "{" <> Enum.map_join(object, ",", fn {name, value} -> text(name) <> ":" <> text(value) end) <> "}"
  end

  defp text(other), do: to_string(other)

  defp complex(re, im) do
    im = float(im)
    float(re) <> if(String.starts_with?(im, "-"), do: im, else: "+" <> im) <> "j"
  end

  defp float(value), do: value |> to_json_safe() |> to_string()

  defp offset(seconds) do
    sign = if seconds < 0, do: "-", else: "+"
    seconds = abs(seconds)

    [div(seconds, 3600), rem(div(seconds, 60), 60), rem(seconds, 60)]
    |> then(fn [hours, minutes, rest] -> if rest == 0, do: [hours, minutes], else: [hours, minutes, rest] end)
    |> Enum.map_join(":", &String.pad_leading(to_string(&1), 2, "0"))
    |> then(&(sign <> &1))
  end
end
