defmodule ExMonty.Sandbox.DriverTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Sandbox}
  alias ExMonty.Sandbox.{Driver, Options}

  defp options(opts, suspend) do
    opts |> Options.validate!() |> Map.put(:suspend, suspend)
  end

  defp start(code, lease) do
    {:ok, runner} = ExMonty.compile(code)

    fn _watch ->
      if lease, do: ExMonty.start_with_mounts(runner, lease), else: ExMonty.start(runner)
    end
  end

  @asking %{"ask" => &__MODULE__.suspend/2}

  def suspend([tag], _kwargs), do: {:suspend, tag}

  test "a function that suspends stops the run, which goes on with the answer given later" do
    code = "print('before')\nanswer = ask('approve?')\nprint('after')\nanswer + ask('sure?')"
    options = options([functions: @asking], :allowed)

    assert {:suspended, "approve?", snapshot, "before\n"} = Driver.run(start(code, nil), nil, options)
    assert {:suspended, "sure?", snapshot, "after\n"} = Driver.resume(snapshot, {:ok, 1}, nil, options)
    assert {:ok, 3, ""} = Driver.resume(snapshot, {:ok, 2}, nil, options)
  end

  test "a suspended run goes on in another process, under another lease, and may be answered with an exception" do
    mounts = Mount.new!([{"/m", :memory}])
    options = options([functions: @asking], :allowed)

    code = """
    try:
        ask('may I?')
    except PermissionError as error:
        open('/m/refused', 'w').write(str(error))
    """

    {:ok, lease} = Mount.checkout(mounts)
    assert {:suspended, "may I?", snapshot, ""} = Driver.run(start(code, lease), lease, options)
    Mount.release(lease)

    other =
      Task.async(fn ->
        {:ok, lease} = Mount.checkout(mounts)
        outcome = Driver.resume(snapshot, {:error, :permission_error, "no"}, lease, options)
        Mount.release(lease)
        outcome
      end)

    assert {:ok, nil, ""} = Task.await(other, :infinity)
    assert {:ok, "no"} = Mount.read(mounts, "/m/refused")
  end

  test "a result that cannot cross is told to whoever resumes, and the suspended run is as it was" do
    options = options([functions: @asking], :allowed)
    assert {:suspended, 1, snapshot, ""} = Driver.run(start("ask(1)", nil), nil, options)

    assert {:error, %ExMonty.Error{reason: :invalid_value}} =
             Driver.resume(snapshot, {:ok, self()}, nil, options)

    assert {:error, %ExMonty.Error{reason: :invalid_result}} =
             Driver.resume(snapshot, :nonsense, nil, options)

    assert {:ok, 2, ""} = Driver.resume(snapshot, {:ok, 2}, nil, options)

    assert {:error, %ExMonty.Error{reason: :snapshot_consumed}} =
             Driver.resume(snapshot, {:ok, 2}, nil, options)
  end

  test "where suspending is not allowed, it is a wrong answer like any other" do
    assert {:error, %ExMonty.Exception{type: :runtime_error, message: message}} =
             Sandbox.run("ask(1)", functions: @asking)

    assert message ==
             "ask() failed: it answered neither {:ok, value} nor {:async, fun} nor {:error, type, message} nor {:error, message}"
  end
end
