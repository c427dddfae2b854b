defmodule ExMonty.Dataclass do
  @moduledoc """
  An instance of a dataclass of the host, or of a class that a script defined.

  A host's instance is made with `new/3` and handed to a script as any value:

      iex> point = ExMonty.Dataclass.new("Point", x: 1, y: 2)
      iex> {:ok, text, ""} = ExMonty.eval("repr(p)", inputs: %{p: point})
      iex> text
      "Point(x=1, y=2)"

  The script gets a copy: it may change the fields, and the host sees that when the instance comes back. What the script
  calls or looks up on it and that is no field of it comes to the host as a pause.

  * `name` – the name of the class.
  * `fields` – a map of field name to value, `field_names` the same names in order.
  * `id` – a UUID, the identity of the instance; `type_id` that of its class. An instance that crosses twice keeps both.
  * `origin` – `:host`, or `:sandbox` for an instance of a class that the script defined. Handed back to the same run,
    a sandbox instance is the very object it was, and what the host changed in its fields is not looked at; in another run
    there is no such object.
  * `frozen` – always false. The interpreter cannot keep a script from assigning to a field, so a frozen dataclass is
    refused with an `ArgumentError`; in a sandbox, where a function answers one, with a `TypeError` in the script.
  """

  @typedoc "An instance; see the module's documentation."
  @type t :: %__MODULE__{
          name: String.t(),
          fields: %{optional(String.t() | atom()) => ExMonty.Value.t()},
          field_names: [String.t() | atom()] | nil,
          type_id: String.t() | nil,
          frozen: boolean(),
          id: String.t() | nil,
          origin: :host | :sandbox
        }

  defstruct [:name, :field_names, :type_id, :id, fields: %{}, frozen: false, origin: :host]

  @options [:type_id, :id, :frozen]

  @doc """
  Makes an instance of the host's class `name`.

  `fields` is a keyword list, a list of pairs or a map; the order of a list is the order of the fields, those of a map
  are sorted by name.

  Options:

  * `:type_id` – the UUID of the class. By default it is made of the name, so that all classes of one name are one class.
  * `:id` – the UUID of the instance, by default a new one.
  * `:frozen` – `true` raises `ArgumentError`, because the interpreter could not keep the promise.

      iex> ExMonty.Dataclass.new("User", %{"name" => "Ann"}).field_names
      ["name"]
      iex> ExMonty.Dataclass.new("User", [name: "Ann"], frozen: true)
      ** (ArgumentError) a dataclass cannot be frozen: the interpreter would let a script change it
  """
  @spec new(
          String.t() | atom(),
          [{String.t() | atom(), ExMonty.Value.t()}] | %{(String.t() | atom()) => ExMonty.Value.t()},
          keyword()
        ) :: t()
  def new(name, fields, opts \\ []) do
    validate_options!(opts)
    fields = named_fields!(fields)
    name = name!(name)

    %__MODULE__{
      name: name,
      fields: Map.new(fields),
      field_names: Enum.map(fields, &elem(&1, 0)),
      type_id: uuid!(opts, :type_id) || class_id(name),
      id: uuid!(opts, :id) || uuid(:crypto.strong_rand_bytes(16))
    }
  end

  defp validate_options!(opts) do
    ExMonty.Options.only!(opts, @options)

    case Keyword.get(opts, :frozen, false) do
      false ->
        :ok

      true ->
        raise ArgumentError,
              "a dataclass cannot be frozen: the interpreter would let a script change it"

      other ->
        raise ArgumentError, "option :frozen must be a boolean, got: #{inspect(other)}"
    end
  end

  defp named_fields!(fields) do
    named = fields |> pairs!() |> Enum.map(fn {name, value} -> {name!(name), value} end)
    named = if is_map(fields), do: Enum.sort_by(named, &elem(&1, 0)), else: named
    names = Enum.map(named, &elem(&1, 0))

    if names != Enum.uniq(names) do
      raise ArgumentError, "a field is given twice: #{inspect(hd(names -- Enum.uniq(names)))}"
    end

    named
  end

  defp pairs!(fields) when is_map(fields) and not is_struct(fields), do: Map.to_list(fields)

  defp pairs!(fields) do
    pairs? =
      is_list(fields) and not List.improper?(fields) and Enum.all?(fields, &match?({_name, _value}, &1))

    if pairs?, do: fields, else: refuse_fields!(fields)
  end

  @spec refuse_fields!(term) :: no_return
  defp refuse_fields!(fields) do
    raise ArgumentError,
          "the fields of a dataclass: got #{inspect(fields)}, accepted: a keyword list, a list of pairs of a name and a " <>
            "value, or a map"
  end

  defp name!(name) when is_binary(name), do: name
  defp name!(name) when is_atom(name) and name not in [nil, true, false], do: Atom.to_string(name)

  defp name!(name) do
    raise ArgumentError, "a name must be a string or an atom, got: #{inspect(name)}"
  end

  defp uuid!(opts, name) do
    case opts[name] do
      nil ->
        nil

      <<_::64, ?-, _::32, ?-, _::32, ?-, _::32, ?-, _::96>> = id ->
        id

      other ->
        raise ArgumentError,
              "option #{inspect(name)} must be a UUID such as " <>
                "\"0d1f3c9a-5b7e-4c21-9f8a-2e6b4d0c7a13\", got: #{inspect(other)}"
    end
  end

  # The same on every node and in every run, and what the native half makes for an instance that comes without.
  defp class_id(name), do: uuid(<<fnv1a(name, 0xCBF29CE484222325)::64, fnv1a(name, 0x6C62272E07BB0142)::64>>)

  defp fnv1a(name, basis) do
    for <<byte <- name>>, reduce: basis do
      sum -> rem(Bitwise.bxor(sum, byte) * 0x100000001B3, 0x10000000000000000)
    end
  end

  defp uuid(<<a::48, _::4, b::12, _::2, c::62>>) do
    <<a::32, b::16, c::16, d::16, e::48>> = <<a::48, 4::4, b::12, 2::2, c::62>>

    [{a, 8}, {b, 4}, {c, 4}, {d, 4}, {e, 12}]
    |> Enum.map_join("-", fn {part, digits} ->
      part |> Integer.to_string(16) |> String.downcase() |> String.pad_leading(digits, "0")
    end)
  end
end
