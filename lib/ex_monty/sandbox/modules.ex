defmodule ExMonty.Sandbox.Modules do
  @moduledoc false

  # Modules of the host: maps of attributes, some of which are functions.
  #
  # In the script a function of a module is a function called `module.attribute`. No script can make up such a name, so
  # a call of it is a call of this function.

  @doc "Whether a term is a map of attributes."
  defguard is_attributes(term) when is_map(term) and not is_struct(term)

  @doc """
  The module `name` as a value, and its functions by the names that their calls have.

      iex> {value, functions} = ExMonty.Sandbox.Modules.build("shop", %{"tax" => 0.08, price: fn _, _ -> {:ok, 1} end})
      iex> value
      {:module, "shop", %{"price" => {:function, "shop.price"}, "tax" => 0.08}}
      iex> Map.keys(functions)
      ["shop.price"]
  """
  @spec build(String.t(), map) :: {ExMonty.Value.t(), %{String.t() => function}}
  def build(name, attributes) do
    {attributes, functions} =
      Enum.map_reduce(attributes, %{}, fn {attribute, value}, functions ->
        attribute = to_string(attribute)
        {value, found} = attribute("#{name}.#{attribute}", value)
        {{attribute, value}, Map.merge(functions, found)}
      end)

    {{:module, name, Map.new(attributes)}, functions}
  end

  @doc """
  Modules by name, those whose names have a dot as attributes of what is before it.

  The interpreter asks for `shop`, whether a script imports `shop` or `shop.tea`, and looks for the rest in that.
  A name that is an attribute already is an error.

      iex> ExMonty.Sandbox.Modules.nest(%{"shop" => %{"tax" => 0.5}, "shop.tea" => %{"price" => 3}})
      {:ok, %{"shop" => %{"tax" => 0.5, "tea" => {:module, "tea", %{"price" => 3}}}}}
      iex> ExMonty.Sandbox.Modules.nest(%{"shop" => %{tea: 3}, "shop.tea" => %{}})
      {:error, "shop.tea"}
  """
  @spec nest(%{String.t() => map}) :: {:ok, %{String.t() => map}} | {:error, name :: String.t()}
  def nest(modules) do
    # A module comes before what is in it.
    modules
    |> Enum.sort_by(&elem(&1, 0))
    |> Enum.reduce_while({:ok, %{}}, fn {name, attributes}, {:ok, nested} ->
      case put(nested, String.split(name, "."), attributes) do
        {:ok, nested} -> {:cont, {:ok, nested}}
        :error -> {:halt, {:error, name}}
      end
    end)
  end

  defp put(modules, [name], attributes), do: {:ok, Map.put(modules, name, attributes)}

  defp put(modules, [name | below], attributes) do
    with {:ok, inside} <- put_below(Map.get(modules, name, %{}), below, attributes),
         do: {:ok, Map.put(modules, name, inside)}
  end

  defp put_below(attributes, [name | below], given) do
    case {Enum.find(attributes, fn {key, _value} -> to_string(key) == name end), below} do
      {nil, []} ->
        {:ok, Map.put(attributes, name, {:module, name, given})}

      {nil, below} ->
        with {:ok, inside} <- put_below(%{}, below, given),
             do: {:ok, Map.put(attributes, name, {:module, name, inside})}

      {{key, {:module, _name, inside}}, [_ | _]} when is_attributes(inside) ->
        with {:ok, inside} <- put_below(inside, below, given),
             do: {:ok, Map.put(attributes, key, {:module, name, inside})}

      _taken ->
        :error
    end
  end

  @doc "What is wrong with the attributes of a module, or nothing."
  @spec flaw(term) :: nil | {attribute :: term, got :: term, accepted :: String.t()}
  def flaw(attributes) do
    Enum.find_value(attributes, fn {name, value} ->
      cond do
        not name?(name) -> {name, name, names()}
        is_atom(name) and is_map_key(attributes, Atom.to_string(name)) -> {name, name, "each name once"}
        true -> flaw(name, value)
      end
    end)
  end

  @doc "Whether a term can be a name in Python, as `names/0` says it."
  @spec name?(term) :: boolean
  def name?(name),
    do: (is_atom(name) and name not in [nil, true, false]) or (is_binary(name) and String.valid?(name))

  @spec names() :: String.t()
  def names, do: "a name that is an atom or a UTF-8 string"

  defp attribute(name, fun) when is_function(fun), do: {{:function, name}, %{name => fun}}

  defp attribute(name, {:module, _name, attributes}) when is_attributes(attributes),
    do: build(name, attributes)

  defp attribute(_name, value), do: {value, %{}}

  defp flaw(name, fun) when is_function(fun) and not is_function(fun, 2) do
    {name, fun, "a function of two arguments (args and kwargs), or a value"}
  end

  defp flaw(_name, {:module, _name_inside, attributes}) when is_attributes(attributes), do: flaw(attributes)
  defp flaw(_name, _value), do: nil
end
