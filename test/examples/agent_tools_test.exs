Code.require_file("../../examples/agent_tools.exs", __DIR__)

defmodule ExMonty.Examples.AgentToolsTest do
  use ExUnit.Case, async: true

  import ExUnit.CaptureIO

  test "errors go back to the model, which corrects itself and answers" do
    outcome = AgentTools.run()
    assert {:ok, "It is CHF 40.5.", transcript} = outcome

    assert [told: task, python: _first, told: error, python: _second, told: value] = transcript
    assert task =~ "Swiss francs"
    assert error =~ "NameError: name 'search_catalogue' is not defined"
    assert error =~ "line 1"
    assert value == "no currency 'Swiss francs'; trying the code\nvalue: 40.5"

    printed = capture_io(fn -> AgentTools.print(outcome) end)
    assert printed =~ "── answer\nIt is CHF 40.5."
  end

  # Each price is answered only when both have been asked for: one after the other, neither would ever be.
  test "tools that are gathered run side by side, and get their keyword arguments" do
    test = self()
    tools = AgentTools.tools()

    price_of = fn [item], kwargs ->
      {:async, answer} = tools["price_of"].([item], kwargs)

      {:async,
       fn ->
         send(test, {:asked, item, self()})

         receive do
           :answer -> answer.()
         end
       end}
    end

    find_items = fn args, kwargs ->
      send(test, {:found, args, kwargs})
      tools["find_items"].(args, kwargs)
    end

    run = Task.async(fn -> AgentTools.run(%{tools | "price_of" => price_of, "find_items" => find_items}) end)
    assert_receive {:asked, "teapot, blue", teapot}
    assert_receive {:asked, "cup, blue", cup}
    for asked <- [cup, teapot], do: send(asked, :answer)

    assert {:ok, "It is CHF 40.5.", _transcript} = Task.await(run, :infinity)
    assert_received {:found, ["teapot"], %{"limit" => 1}}
    assert_received {:found, ["cup"], %{"limit" => 1}}
  end

  test "the loop ends at its bound, and where the model has nothing to say" do
    assert {:gave_up, [told: _task, python: _first, told: _error]} = AgentTools.run(AgentTools.tools(), 1)

    tools = Map.delete(AgentTools.tools(), "exchange_rate")
    assert {:gave_up, transcript} = outcome = AgentTools.run(tools)
    assert {:told, told} = List.last(transcript)
    assert told =~ "NameError: name 'exchange_rate' is not defined"
    assert capture_io(fn -> AgentTools.print(outcome) end) =~ "── gave up"
  end
end
