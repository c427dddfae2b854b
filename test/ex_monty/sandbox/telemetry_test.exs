defmodule ExMonty.Sandbox.TelemetryTest do
  # The module :telemetry is made for these tests, and is everybody's.
  use ExUnit.Case, async: false

  alias ExMonty.Sandbox
  alias ExMonty.Test.Telemetry

  doctest ExMonty.Telemetry

  setup do: Telemetry.install([])

  test "a run that ends well is a start and a stop" do
    assert {:ok, 2, ""} = Sandbox.run("1 + 1", script_name: "sum.py")

    assert_received {:telemetry, [:ex_monty, :run, :start], %{system_time: _, monotonic_time: began},
                     metadata}

    assert metadata == %{script_name: "sum.py"}

    assert_received {:telemetry, [:ex_monty, :run, :stop], %{duration: duration, monotonic_time: ended},
                     metadata}

    assert metadata == %{script_name: "sum.py", outcome: :ok}
    assert duration == ended - began
    refute_received {:telemetry, _, _, _}
  end

  test "a run that fails is a start and an exception, with the reason" do
    assert {:error, reason} = Sandbox.run("print('x')\n1 / 0")
    assert_received {:telemetry, [:ex_monty, :run, :start], _, _}
    assert_received {:telemetry, [:ex_monty, :run, :exception], %{duration: _}, metadata}
    assert metadata == %{script_name: "main.py", kind: :error, reason: reason, stacktrace: []}
    refute_received {:telemetry, _, _, _}
  end

  test "a run that raises over an input is a start and an exception, too" do
    frozen = Map.put(ExMonty.Dataclass.new("P", []), :frozen, true)
    error = assert_raise ArgumentError, fn -> Sandbox.run("p", inputs: %{p: frozen}) end
    assert_received {:telemetry, [:ex_monty, :run, :start], _, _}
    assert_received {:telemetry, [:ex_monty, :run, :exception], %{duration: _}, metadata}
    assert %{kind: :error, reason: ^error, stacktrace: [_ | _]} = metadata
    refute_received {:telemetry, _, _, _}
  end

  test "a source that does not compile is no run" do
    assert {:error, %{type: :syntax_error}} = Sandbox.run("1 +")
    refute_received {:telemetry, _, _, _}
  end

  test "a step of a workspace is a start and a stop, around those of its run" do
    {:ok, ws} = ExMonty.Workspace.start_link(name: :told_of)
    assert {:error, _} = ExMonty.Workspace.run(ws, "1 / 0")

    assert_received {:telemetry, [:ex_monty, :workspace, :step, :start], %{system_time: _},
                     %{name: :told_of, step: 1}}

    assert_received {:telemetry, [:ex_monty, :run, :exception], _, _}
    assert_received {:telemetry, [:ex_monty, :workspace, :step, :stop], %{duration: _}, metadata}
    assert metadata == %{name: :told_of, step: 1, outcome: :error}
  end

  test "without :telemetry a run is the same" do
    Telemetry.uninstall()
    assert {:ok, 2, ""} = Sandbox.run("1 + 1")
    refute_received {:telemetry, _, _, _}
  end
end
