defmodule ExMonty.ErrorTest do
  use ExUnit.Case, async: true

  alias ExMonty.Error

  doctest ExMonty.Error

  test "an error can be raised, and says what and why" do
    assert {:error, %Error{} = error} = ExMonty.eval("x", inputs: %{x: self()})

    assert_raise Error, ~S|inputs["x"]: a pid cannot become a Python value (invalid_value)|, fn ->
      raise error
    end
  end
end
