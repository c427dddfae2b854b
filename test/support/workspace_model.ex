defmodule ExMonty.Test.WorkspaceModel do
  @moduledoc false

  # What a step may do to a workspace, in Python and in a plain model of it: a map of variables, of which one is the order
  # of all steps, and a map of files.

  @names ~w(a b c)

  @doc "An effect that a step may have, by chance."
  def effect do
    {Enum.random([:set, :add, :write, :append, :remove]), Enum.random(@names), :rand.uniform(1000)}
  end

  @doc "The variables and files that a workspace begins with, and the code that makes them."
  def begin do
    {%{"a" => 0, "b" => 0, "c" => 0, "order" => []}, %{}, "import os; order = []; a = b = c = 0"}
  end

  @doc "The effect, in Python."
  def python({:set, name, n}), do: "#{name} = #{n}; order.append(#{n})"
  def python({:add, name, n}), do: "#{name} = #{name} + #{n}; order.append(#{n})"
  def python({:write, name, n}), do: "f = open('/w/#{name}', 'w').write('#{n}'); order.append(#{n})"
  def python({:append, name, n}), do: "f = open('/w/#{name}', 'a').write('#{n}'); order.append(#{n})"

  def python({:remove, name, n}),
    do: "f = os.path.exists('/w/#{name}') and os.remove('/w/#{name}'); order.append(#{n})"

  @doc "The effect, in the model."
  def model(%{vars: _, files: _} = life, {kind, name, n}) do
    life = update_in(life.vars["order"], &(&1 ++ [n]))

    case kind do
      :set -> put_in(life.vars[name], n)
      :add -> update_in(life.vars[name], &(&1 + n))
      :write -> put_in(life.files[name], "#{n}")
      :append -> %{life | files: Map.update(life.files, name, "#{n}", &(&1 <> "#{n}"))}
      :remove -> %{life | files: Map.delete(life.files, name)}
    end
  end
end
