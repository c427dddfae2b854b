defmodule ExMonty.ProgressTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Exception, FunctionCall, OsCall}

  defp start!(code, inputs \\ %{}, opts \\ []) do
    {:ok, runner} = ExMonty.compile(code, inputs: Map.keys(inputs))
    ExMonty.start(runner, inputs, opts)
  end

  describe "a paused run" do
    test "tells the call: name, arguments, id, and what was printed since" do
      code = "print('one')\na = f(1, [2], key={'k': 3})\nprint('two')\nb = f(a)\n(a, b)"
      {:ok, {:function_call, call, snapshot, "one\n"}} = start!(code)
      assert %FunctionCall{name: "f", args: [1, [2]], kwargs: %{"key" => %{"k" => 3}}, call_id: first} = call
      {:ok, {:function_call, call, snapshot, "two\n"}} = ExMonty.resume(snapshot, {:ok, "A"})
      assert %FunctionCall{name: "f", args: ["A"], kwargs: kwargs, call_id: second} = call
      assert kwargs == %{} and first != second
      assert ExMonty.resume(snapshot, {:ok, nil}) == {:ok, {:complete, {"A", nil}, ""}}
    end

    test "takes an exception, which the script may catch" do
      code = "try:\n    f()\nexcept ValueError as e:\n    r = str(e)\nr"
      {:ok, {:function_call, _, snapshot, _}} = start!(code)
      assert {:ok, {:complete, "no", ""}} = ExMonty.resume(snapshot, {:error, :value_error, "no"})
    end

    test "that takes an exception and does not catch it ends, with its output" do
      {:ok, {:function_call, _, snapshot, _}} = start!("print('before')\nf()")
      {:ok, {:function_call, _, _, "before\n"}} = ExMonty.progress(snapshot)

      assert {:error, %Exception{type: :key_error, message: "'k'", output: ""}} =
               ExMonty.resume(snapshot, {:error, :key_error, "'k'"})
    end

    test "asks for a name that it does not know, once" do
      {:ok, {:name_lookup, "limit", snapshot, ""}} = start!("limit + limit")
      assert ExMonty.resume(snapshot, {:ok, 21}) == {:ok, {:complete, 42, ""}}

      {:ok, {:name_lookup, "f", snapshot, ""}} = start!("h = f\nh(1)")
      {:ok, {:function_call, call, snapshot, ""}} = ExMonty.resume(snapshot, {:ok, {:function, "g"}})
      assert call.name == "g"
      assert {:ok, {:complete, 2, ""}} = ExMonty.resume(snapshot, {:ok, 2})

      {:ok, {:name_lookup, "f", snapshot, ""}} = start!("x = f")
      assert {:error, %Exception{type: :name_error}} = ExMonty.resume(snapshot, :undefined)

      {:ok, {:name_lookup, "f", snapshot, ""}} = start!("x = f")
      assert {:error, %Exception{type: :os_error}} = ExMonty.resume(snapshot, {:error, :os_error, "e"})
    end

    test "is told again by progress/1, and by nobody once it has been resumed" do
      {:ok, {:function_call, call, snapshot, "x\n"}} = start!("print('x')\nf([1, 2])")
      for _ <- 1..3, do: assert({:ok, {:function_call, ^call, ^snapshot, "x\n"}} = ExMonty.progress(snapshot))
      {:ok, {:complete, nil, ""}} = ExMonty.resume(snapshot, {:ok, nil})
      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.progress(snapshot)
      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.resume(snapshot, {:ok, nil})
    end

    test "survives every answer that does not fit" do
      {:ok, {:function_call, _, snapshot, _}} = start!("f()")

      for {result, reason} <- [
            {:ok, :invalid_result},
            {nil, :invalid_result},
            {[], :invalid_result},
            {{:ok}, :invalid_result},
            {{:ok, 1, 2, 3}, :invalid_result},
            {:no_handler, :invalid_result},
            {:undefined, :invalid_result},
            {self(), :invalid_result},
            {[1 | self()], :invalid_result},
            {{:error, "text"}, :invalid_result},
            {{:error, :value_error, :text}, :invalid_result},
            {{:error, :value_error, <<0xFF>>}, :invalid_result},
            {{:error, :no_such_error, "text"}, :invalid_result},
            {{:error, "value_error", "text"}, :invalid_result},
            {{:ok, self()}, :invalid_value},
            {{:ok, [1 | 2]}, :invalid_value},
            {{:ok, make_ref()}, :invalid_value},
            {{:ok, fn -> 1 end}, :invalid_value},
            {{:ok, %{a: [hd(Port.list())]}}, :invalid_value},
            {{:ok, Enum.reduce(1..500, [], fn _, inner -> [inner] end)}, :value_too_deep}
          ] do
        assert {:error, %Error{reason: ^reason}} = ExMonty.resume(snapshot, result), inspect(result)
      end

      assert {:ok, {:complete, 1, ""}} = ExMonty.resume(snapshot, {:ok, 1})
    end

    test "is resumed by one of many who try" do
      {:ok, {:function_call, _, snapshot, _}} = start!("f()")

      results =
        1..50
        |> Task.async_stream(&ExMonty.resume(snapshot, {:ok, &1}), max_concurrency: 50, timeout: :infinity)
        |> Enum.to_list()

      assert Enum.count(results, &match?({:ok, {:ok, {:complete, _, ""}}}, &1)) == 1
      assert Enum.count(results, &match?({:ok, {:error, %Error{reason: :snapshot_consumed}}}, &1)) == 49
    end

    test "goes from process to process" do
      code = "total = 0\nfor i in range(20):\n    total += f(i)\ntotal"

      step = fn
        _step, {:ok, {:complete, value, _}} ->
          value

        step, {:ok, {:function_call, call, snapshot, _}} ->
          task = Task.async(fn -> ExMonty.resume(snapshot, {:ok, hd(call.args)}) end)
          step.(step, Task.await(task, :infinity))
      end

      assert step.(step, start!(code)) == 190
    end

    test "is no argument where something else is expected" do
      {:ok, {:function_call, _, snapshot, _}} = start!("f()")
      assert_raise ArgumentError, ~r/waits for futures/, fn -> ExMonty.resume_futures(snapshot, []) end
      assert_raise ArgumentError, ~r/waits for futures/, fn -> ExMonty.pending_call_ids(snapshot) end
      assert_raise ArgumentError, ~r/expected a runner/, fn -> ExMonty.start(snapshot) end

      {:ok, runner} = ExMonty.compile("1")

      for wrong <- [runner, make_ref(), :snapshot, self(), [1 | 2], nil] do
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.resume(wrong, {:ok, 1}) end
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.resume_futures(wrong, []) end
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.progress(wrong) end
        assert_raise ArgumentError, ~r/expected a snapshot/, fn -> ExMonty.pending_call_ids(wrong) end
      end
    end
  end

  describe "futures" do
    @gather """
    import asyncio
    async def all():
        return await asyncio.gather(f(1), f(2), f(3))
    await all()
    """

    defp futures!(code) do
      step = fn
        _step, {:ok, {:resolve_futures, futures, _}} -> futures
        step, {:ok, {_, _, snapshot, _}} -> step.(step, ExMonty.resume(snapshot, :pending))
      end

      step.(step, start!(code))
    end

    test "are answered bit by bit, in any order" do
      futures = futures!(@gather)
      assert [a, b, c] = ExMonty.pending_call_ids(futures)
      {:ok, {:resolve_futures, rest, ""}} = ExMonty.resume_futures(futures, [{c, {:ok, 30}}])
      assert Enum.sort(ExMonty.pending_call_ids(rest)) == Enum.sort([a, b])

      assert {:ok, {:complete, [10, 20, 30], ""}} =
               ExMonty.resume_futures(rest, [{b, {:ok, 20}}, {a, {:ok, 10}}])

      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.pending_call_ids(futures)
      assert {:error, %Error{reason: :snapshot_consumed}} = ExMonty.resume_futures(futures, [])
    end

    test "survive answers that do not fit" do
      futures = futures!(@gather)
      [a | _] = ExMonty.pending_call_ids(futures)

      for results <- [
            :ok,
            [{a, {:ok, 1}} | :more],
            [a],
            [{a, :pending}],
            [{a, {:ok, self()}}],
            [{a, {:error, :no_such_error, ""}}],
            [{999_999, {:ok, 1}}],
            [{-1, {:ok, 1}}],
            [{a, {:ok, 1}}, {a, {:ok, 2}}]
          ] do
        assert {:error, %Error{reason: reason}} = ExMonty.resume_futures(futures, results), inspect(results)
        assert reason in [:invalid_result, :invalid_value]
      end

      assert {:error, %Exception{type: :value_error}} =
               ExMonty.resume_futures(futures, [{a, {:error, :value_error, "first"}}])
    end

    test "are what async sleep may be answered with" do
      code = "import asyncio\nasync def nap():\n    await asyncio.sleep(0.5)\n    return 1\nawait nap()"
      {:ok, {:os_call, %OsCall{function: :async_sleep, args: [0.5]}, snapshot, _}} = start!(code)
      {:ok, {:resolve_futures, futures, _}} = ExMonty.resume(snapshot, :pending)
      [id] = ExMonty.pending_call_ids(futures)
      assert {:ok, {:complete, 1, ""}} = ExMonty.resume_futures(futures, [{id, {:ok, nil}}])
    end

    test "are no argument of resume/2" do
      futures = futures!(@gather)
      assert_raise ArgumentError, ~r/futures/, fn -> ExMonty.resume(futures, {:ok, 1}) end
    end
  end

  describe "objects of the host" do
    test "come back with method calls and attribute lookups" do
      user = ExMonty.Dataclass.new("User", %{"name" => "Ada"})
      code = "print(user.name)\nx = user.greet('hi', loud=True)\n[x, user.age]"
      {:ok, {:method_call, call, snapshot, "Ada\n"}} = start!(code, %{user: user})
      assert %FunctionCall{name: "greet", args: [instance, "hi"], kwargs: %{"loud" => true}} = call
      assert %ExMonty.Dataclass{name: "User", fields: %{"name" => "Ada"}} = instance
      {:ok, {:name_lookup, {:attribute, same, "age"}, snapshot, ""}} = ExMonty.resume(snapshot, {:ok, "HI"})
      assert same == instance
      assert {:ok, {:complete, ["HI", 36], ""}} = ExMonty.resume(snapshot, {:ok, 36})
    end
  end
end
