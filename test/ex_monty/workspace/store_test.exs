defmodule ExMonty.Workspace.StoreTest do
  use ExUnit.Case, async: true
  doctest ExMonty.Workspace.Store

  alias ExMonty.Test.HostDirectory
  alias ExMonty.Workspace.Store
  alias ExMonty.Workspace.Store.Directory

  defmodule Faulty do
    @behaviour Store
    @impl true
    def put(:raise, _key, _value), do: raise("no connection")
    def put(:exit, _key, _value), do: exit(:timeout)
    def put(:throw, _key, _value), do: throw(:out)
    def put(answer, _key, _value), do: answer
    @impl true
    def get(answer, _key), do: answer
    @impl true
    def delete(answer, _key), do: answer
    @impl true
    def list(answer), do: answer
  end

  test "the names of workspaces are those of heads, and nothing else" do
    store = {Directory, HostDirectory.create!()}
    for key <- ["head/b", "head/a/b", "step/c", "pack/d/00"], do: :ok = Store.call(store, :put, [key, ""])
    assert Store.workspaces(store) == {:ok, ["a/b", "b"]}
  end

  test "whatever a store does wrong is an error of the call" do
    for config <- [:raise, :exit, :throw, :nonsense, {:ok, 1}] do
      assert {:error, %ExMonty.Error{reason: :store_failed, message: message}} =
               Store.call({Faulty, config}, :put, ["k", "v"])

      assert message =~ "StoreTest.Faulty.put "
    end

    for {function, arguments} <- [get: ["k"], list: [], delete: ["k"]] do
      assert {:error, %ExMonty.Error{reason: :store_failed}} = Store.call({Faulty, :odd}, function, arguments)
      assert Store.call({Faulty, {:error, :full}}, function, arguments) == {:error, :full}
    end
  end

  test "a store that is none is refused by what it lacks" do
    assert Store.validate!({Directory, "x"}) == {Directory, "x"}
    assert_raise ArgumentError, ~r/Enum lacks put\/3, get\/2, delete\/2/, fn -> Store.validate!({Enum, 1}) end
    assert_raise ArgumentError, ~r/accepted: \{module, config\}/, fn -> Store.validate!("directory") end
  end
end
