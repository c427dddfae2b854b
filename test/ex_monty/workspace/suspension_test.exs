defmodule ExMonty.Workspace.SuspensionTest do
  use ExUnit.Case, async: true

  alias ExMonty.Workspace.Suspension

  test "tags of plain data come back, and equal ones are equal bytes" do
    for tag <- ["approve", :approve, 7, 1.5, {"a", [:b, 1]}, %{"id" => 1, b: nil}, [], {}, ""] do
      assert {:ok, bytes} = Suspension.pack_tag(tag)
      assert {:ok, ^bytes} = Suspension.pack_tag(tag)
      assert Suspension.unpack_tag(bytes) == tag
    end
  end

  test "what means nothing on another node, or is no plain data, is refused by its name" do
    improper = [1 | 2]

    for tag <- [
          self(),
          make_ref(),
          fn -> :ok end,
          {:ok, self()},
          %{a: self()},
          improper,
          String.duplicate("x", 70_000)
        ] do
      assert {:error, %ExMonty.Error{reason: :invalid_tag, message: message}} = Suspension.pack_tag(tag)
      assert message =~ "accepted: strings"
    end
  end

  test "a tag with an atom that this node does not know makes none" do
    atom = "an_atom_of_another_node_#{System.unique_integer([:positive])}"
    bytes = <<131, 119, byte_size(atom), atom::binary>>
    assert {:unknown, _hex} = Suspension.unpack_tag(bytes)
    assert_raise ArgumentError, fn -> String.to_existing_atom(atom) end
  end
end
