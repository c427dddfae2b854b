# The loop of an agent whose one tool is Python, in which your functions are the other tools.
#
#     mix run examples/agent_tools.exs
#
# A model that writes Python can call many tools in one turn, combine what they answer, and handle their failures, where a
# model that emits one call at a time needs a turn for each. The "model" here is a list of canned steps, so the example
# runs the same every time and without a network; everything else is what an application would have.

defmodule AgentTools do
  alias ExMonty.Sandbox

  @task "What do a teapot and six cups cost in Swiss francs?"

  # The model's first try calls a tool that there is not.
  @first_try ~S'''
  items = search_catalogue('teapot')
  '''

  # The second knows from the error what the tools are called.
  @second_try ~S'''
  import asyncio

  wanted = {'teapot': 1, 'cup': 6}

  async def cost(text, quantity):
      item = find_items(text, limit=1)[0]
      return quantity * await price_of(item)

  # Both prices are fetched at the same time.
  costs = await asyncio.gather(*[cost(text, quantity) for text, quantity in wanted.items()])

  # A tool that fails raises, and the script has a way out.
  try:
      rate = exchange_rate('Swiss francs')
  except ValueError as error:
      print(f'{error}; trying the code')
      rate = exchange_rate('CHF')

  round(sum(costs) * rate, 2)
  '''

  # Each step is what the model says when it has been told something that contains the text on the left.
  @steps [
    {@task, {:python, @first_try}},
    {"NameError: name 'search_catalogue' is not defined", {:python, @second_try}},
    {"no currency 'Swiss francs'; trying the code\nvalue: ", :answer}
  ]

  @prices %{"teapot, blue" => 24.0, "teapot, iron" => 60.0, "cup, blue" => 3.5}

  @doc "Runs the loop for at most `max_turns` turns. `tools` are the functions that scripts may call."
  def run(tools \\ tools(), max_turns \\ 5), do: loop(tools, max_turns, @steps, [{:told, @task}])

  # The transcript, newest first, is all that the model has from turn to turn.
  defp loop(_tools, 0, _steps, transcript), do: {:gave_up, Enum.reverse(transcript)}

  defp loop(tools, turns, steps, [{:told, told} | _] = transcript) do
    case propose(steps, told) do
      {{:answer, answer}, _steps} ->
        {:ok, answer, Enum.reverse(transcript)}

      {{:python, code}, steps} ->
        observed = observe(Sandbox.run(code, functions: tools, limits: %{max_duration_secs: 2}))
        loop(tools, turns - 1, steps, [{:told, observed}, {:python, code} | transcript])

      :nothing_to_say ->
        {:gave_up, Enum.reverse(transcript)}
    end
  end

  defp propose([{expected, step} | steps], told) do
    cond do
      not String.contains?(told, expected) -> :nothing_to_say
      step == :answer -> {{:answer, "It is CHF #{told |> String.split("value: ") |> List.last()}."}, steps}
      true -> {step, steps}
    end
  end

  defp propose([], _told), do: :nothing_to_say

  # A failed run is an observation like any other. The traceback shows the model the line that it has to change.
  defp observe({:ok, value, output}), do: "#{output}value: #{inspect(value)}"
  defp observe({:error, %ExMonty.Exception{} = e}), do: e.output <> ExMonty.Exception.format(e)
  defp observe({:error, reason}), do: "the sandbox failed: #{inspect(reason)}"

  @doc "The functions that scripts may call: positional arguments in a list, keyword arguments by name."
  def tools do
    %{
      "find_items" => &find_items/2,
      "price_of" => &price_of/2,
      "exchange_rate" => &exchange_rate/2
    }
  end

  defp find_items([text], kwargs) do
    found = @prices |> Map.keys() |> Enum.sort() |> Enum.filter(&String.contains?(&1, text))
    {:ok, Enum.take(found, Map.get(kwargs, "limit", 10))}
  end

  # An {:async, fun} is awaitable in Python, and runs in a process of its own.
  defp price_of([item], _kwargs), do: {:async, fn -> price(item) end}

  defp price(item) do
    case @prices do
      %{^item => price} -> {:ok, price}
      _ -> {:error, :lookup_error, "no item #{inspect(item)}"}
    end
  end

  # What goes wrong is said in words that the model can act on.
  defp exchange_rate(["CHF"], _kwargs), do: {:ok, 0.9}
  defp exchange_rate([other], _kwargs), do: {:error, :value_error, "no currency '#{other}'"}

  def print({:ok, answer, transcript}) do
    print_transcript(transcript)
    IO.puts("── answer\n#{answer}")
  end

  def print({:gave_up, transcript}) do
    print_transcript(transcript)
    IO.puts("── gave up")
  end

  defp print_transcript(transcript) do
    for {who, text} <- transcript do
      IO.puts("── #{if who == :told, do: "told to the model", else: "proposed by the model"}\n#{text}")
    end
  end
end

# `mix test` loads the module and runs it itself.
unless Code.ensure_loaded?(ExUnit) and Process.whereis(ExUnit.Server) do
  AgentTools.run() |> AgentTools.print()
end
