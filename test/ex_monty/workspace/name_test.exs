defmodule ExMonty.Workspace.NameTest do
  use ExUnit.Case, async: true

  alias ExMonty.Workspace.Name

  test "a string is a name on all nodes, and everything else is what OTP takes" do
    assert Name.registered!("agent") == {:global, {ExMonty.Workspace, "agent"}}

    for name <- [nil, :agent, {:global, 1}, {:via, Registry, {R, 1}}],
        do: assert(Name.registered!(name) == name)

    for name <- [1, true, {:other, 1}, {:via, "m", 1}, ["agent"]] do
      assert_raise ArgumentError, ~r/invalid option :name: .*accepted: an atom, a string/, fn ->
        Name.registered!(name)
      end
    end
  end

  test "a store has a workspace under the string or atom in its name" do
    for name <- ["agent", :agent, {:global, "agent"}, {:via, Registry, {R, "agent"}}, {:via, :global, :agent}] do
      assert Name.stored!(name) == "agent"
      assert Name.stored!(Name.registered!(name)) == "agent"
    end

    for name <- [nil, "", {:global, 1}, {:via, Registry, {R, {1, 2}}}] do
      assert_raise ArgumentError, ~r/accepted with :store/, fn -> Name.stored!(name) end
    end
  end

  test "whoever takes a name over has it at once, whoever had it" do
    name = Name.registered!("taken-over-#{System.unique_integer([:positive])}")
    holder = spawn_link(fn -> Process.sleep(:infinity) end)
    {:global, term} = name
    :yes = :global.register_name(term, holder)
    assert Name.whereis(name) == holder
    assert Name.take_over(name) == :ok
    assert Name.whereis(name) == self()
  end

  test "a local name stays with a process that is not the workspace's, and that is asked nothing" do
    name = :"local-#{System.unique_integer([:positive])}"
    {:ok, stranger} = Agent.start_link(fn -> nil end, name: name)
    {:ok, other} = ExMonty.Workspace.start_link()
    assert Name.take_over(name, other) == :ok
    assert Name.whereis(name) == stranger
    :ok = Agent.stop(stranger)
    assert Name.take_over(name, other) == :ok
    assert Name.whereis(name) == self()
  end
end
