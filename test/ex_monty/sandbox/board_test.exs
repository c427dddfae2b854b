defmodule ExMonty.Sandbox.BoardTest do
  use ExUnit.Case, async: true

  alias ExMonty.Sandbox.Board

  test "a call that is posted is open until it is taken, once" do
    board = Board.new()
    refute Board.take(board)

    for call <- [:first, :second] do
      Board.post(board, call)
      assert Board.last(board) == call
      assert Board.take(board)
      refute Board.take(board)
      assert Board.last(board) == call
    end
  end

  test "of many who want a call, one gets it" do
    board = Board.new()

    for n <- 1..200 do
      Board.post(board, n)
      takers = for _ <- 1..8, do: Task.async(fn -> Board.take(board) end)
      assert Enum.count(Task.await_many(takers, :infinity), & &1) == 1
    end
  end

  test "patience is what is left of the time of an open call, and all of it while none is open" do
    board = Board.new()
    assert Board.patience(board, 1_000_000, :infinity) == 1_000_000
    assert Board.patience(board, :infinity, 0) == :infinity
    Board.post(board, :call)
    assert Board.patience(board, 1_000_000, :infinity) in 1..1_000_000
    assert Board.patience(board, :infinity, :infinity) == :infinity
    assert Board.patience(board, 0, :infinity) == 0
    assert Board.patience(board, 1_000_000, System.monotonic_time(:millisecond)) == 0
    assert Board.patience(board, :infinity, System.monotonic_time(:millisecond) + 1_000_000) in 1..1_000_000
  end

  test "who posts on the board of a driver that is dead, exits" do
    board = Task.await(Task.async(fn -> Board.new() end), :infinity)
    {pid, monitor} = spawn_monitor(fn -> Board.post(board, :call) end)
    assert_receive {:DOWN, ^monitor, :process, ^pid, :normal}
  end
end
