defmodule ExMonty.Sandbox.MistakesTest do
  # Whoever answers a script may get it wrong in any way, at any door. A frozen dataclass once was refused by an
  # exception in the process that drives the run: one that a function answered ended the run as `:interrupted`, and one
  # from anybody else was raised in the caller, whose processes then stayed behind. Every mistake of an answer is an
  # exception that the script can catch, the run goes on, and nothing is left of it.
  use ExUnit.Case, async: true

  alias ExMonty.{Dataclass, Sandbox}

  defmodule Host do
    @behaviour Sandbox

    # What is answered is told by the process that drives, which is the caller of this one.
    defp answer, do: :persistent_term.get({__MODULE__, hd(Process.get(:"$callers"))}).()

    @impl true
    def handle_function(_name, _args, _kwargs), do: answer()
    @impl true
    def handle_os(_function, _args, _kwargs), do: answer()
    @impl true
    def handle_name_lookup(_name), do: answer()
    @impl true
    def handle_attribute(_instance, _name), do: answer()
    @impl true
    def handle_import(_name), do: answer()
  end

  @frozen Map.put(Dataclass.new("P", x: 1), :frozen, true)

  @mistakes [
    {"a frozen dataclass", {:ok, @frozen}, "cannot be sent"},
    {"a frozen dataclass inside a value", {:ok, %{"v" => [@frozen]}}, "cannot be sent"},
    {"a reference", {:ok, %{"v" => :reference}}, "a reference cannot become a Python value"},
    {"a type that Python does not have", {:error, :no_such_error, "x"},
     "no Python exception has that type (:no_such_error; ExMonty.Exception.types/0 has them all)"},
    {"a type that is no atom", {:error, "ValueError", "x"}, "failed: it answered neither"},
    {"a message that is no text", {:error, :value_error, <<255>>}, "the message must be a UTF-8 binary"},
    {"a message that is no text, and no type", {:error, <<255>>}, "the message must be a UTF-8 binary"},
    {"nothing of that", :nonsense, "failed: it answered neither"},
    {"a raise", {:raise, "no"}, "failed: (RuntimeError) no"},
    {"a raise with what is no text", {:raise, <<"no ", 255>>}, "failed: (RuntimeError) no \uFFFD"}
  ]

  @doors [
    {"a function", "host()"},
    {"a method", "p.method()"},
    {"an awaited call", "await later()"},
    {"an OS call", "os.urandom(1)"},
    {"a name", "[name]"},
    {"an attribute", "p.attribute"},
    {"an import", "import module"}
  ]

  # A module is a map, so what is none is not even looked at.
  for {door, code} <- @doors,
      {mistake, answer, expected} <- @mistakes,
      {door, mistake} != {"an import", "a frozen dataclass"} do
    test "#{mistake} from #{door} is an exception of the script, and nothing is left" do
      answer = unquote(Macro.escape(answer))
      :persistent_term.put({Host, self()}, fn -> give(answer) end)
      assert {:ok, {caught, 42}, "on\n"} = run(unquote(code), answer)
      :persistent_term.erase({Host, self()})
      assert caught =~ unquote(expected), caught
      assert left() == []
      assert Process.info(self(), :messages) == {:messages, []}
    end
  end

  test "an input that is a mistake raises in the caller, and nothing is left" do
    assert_raise ArgumentError, ~r/inputs\["p"\]: a dataclass with frozen: true/, fn ->
      Sandbox.run("p", inputs: %{p: @frozen}, on_output: fn _ -> :ok end, timeout: 60_000)
    end

    assert left() == []
  end

  # The processes that know this one as their caller.
  defp left do
    for pid <- Process.list(),
        {:dictionary, dictionary} <- [Process.info(pid, :dictionary)],
        self() in List.wrap(dictionary[:"$callers"]),
        do: pid
  end

  defp run(code, answer) do
    script = """
    import os
    try:
        #{code}
        caught = 'nothing'
    except Exception as error:
        caught = str(error)
    print('on')
    (caught, fine())
    """

    functions = %{
      "later" => fn _, _ -> {:async, fn -> give(answer) end} end,
      "fine" => fn _, _ -> {:ok, 42} end
    }

    Sandbox.run(script,
      functions: functions,
      handler: Host,
      os: %{urandom: fn _, _ -> give(answer) end},
      inputs: %{p: Dataclass.new("P", x: 1)},
      on_output: fn _ -> :ok end,
      timeout: 60_000
    )
  end

  defp give({:raise, message}), do: raise(message)
  defp give({:ok, %{"v" => :reference}}), do: {:ok, %{"v" => make_ref()}}
  defp give(answer), do: answer
end
