defmodule ExMonty.CompilingTest do
  # Alone, because it looks at a counter of all runs.
  use ExUnit.Case, async: false

  alias ExMonty.{Exception, Sandbox, Session}

  @calls String.duplicate("len('')\n", 10_000)
  @little [limits: %{max_memory: 10_000_000}]

  defp refused({:error, %Exception{type: :memory_error} = exception}), do: exception.message

  test "a run's memory is what compiling its source may take, known before it begins" do
    for run <- [&ExMonty.eval/2, &Sandbox.run/2] do
      breaches = ExMonty.info().limit_breaches
      assert refused(run.(@calls, @little)) =~ "bytes to compile 50000 tokens > 10000000 bytes"
      assert ExMonty.info().limit_breaches == breaches + 1
      assert {:ok, 0, ""} = run.(@calls, limits: %{max_memory: 20_000_000})
      assert {:ok, 0, ""} = run.(@calls, limits: %{max_memory: :unlimited})
      assert {:ok, 0, ""} = run.(@calls, [])
    end
  end

  test "comments take none of it" do
    comments = String.duplicate("# nothing to be seen here\n", 5_000)
    assert {:ok, 1, ""} = ExMonty.eval(comments <> "1", limits: %{max_memory: 1_000_000})
  end

  test "a session holds each evaluation to it, and lives on" do
    {:ok, session} = Session.new(@little)
    {:ok, nil, "", session} = Session.eval(session, "x = 1")
    assert refused(Session.eval(session, @calls)) =~ "50000 tokens"
    assert {:ok, 1, "", session} = Session.eval(session, "x")
    assert {:ok, 0, "", _session} = Session.eval(session, @calls, limits: %{max_memory: 30_000_000})
  end

  test "a runner is compiled for any run" do
    assert {:ok, runner} = ExMonty.compile(@calls)
    assert {:ok, 0, ""} = ExMonty.run(runner)
  end
end
