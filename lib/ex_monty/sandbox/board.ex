defmodule ExMonty.Sandbox.Board do
  @moduledoc false

  # The call that the functions' process is at, for the driver to see and to give up on.
  #
  # A call is open from the moment it is posted until one of the two takes it: the process, to answer it, or the driver,
  # which has waited long enough. Exactly one of them gets it. What was posted last can be read also when the process is
  # dead.

  @enforce_keys [:table, :cells]
  defstruct @enforce_keys

  @type t :: %__MODULE__{table: :ets.tid(), cells: :atomics.atomics_ref()}

  # The state is odd while no call is open, and even while one is; it never comes back to what it was.
  @state 1
  @posted_at 2

  @doc "A board of the calling process, with nothing on it."
  @spec new() :: t
  def new do
    cells = :atomics.new(2, signed: true)
    :atomics.put(cells, @state, 1)
    %__MODULE__{table: :ets.new(__MODULE__, [:public]), cells: cells}
  end

  @doc "Opens a call, where none is open. On a board whose driver is dead, the calling process exits."
  @spec post(t, call :: term) :: :ok
  def post(%__MODULE__{table: table, cells: cells}, call) do
    :ets.insert(table, {:call, call})
    :atomics.put(cells, @posted_at, now())
    :atomics.add(cells, @state, 1)
  rescue
    ArgumentError -> exit(:normal)
  end

  @doc "Takes the call that is open. Answers whether there was one, and nobody else has it."
  @spec take(t) :: boolean
  def take(%__MODULE__{cells: cells}) do
    state = :atomics.get(cells, @state)
    open?(state) and :atomics.compare_exchange(cells, @state, state, state + 1) == :ok
  end

  @doc "The call that was posted last."
  @spec last(t) :: term
  def last(%__MODULE__{table: table}) do
    [{:call, call}] = :ets.lookup(table, :call)
    call
  end

  @doc """
  Milliseconds until an open call has had its `timeout`, or until the time `deadline`.

  While no call is open, the next one cannot be late before a whole `timeout` is over.
  """
  @spec patience(t, timeout, deadline :: integer | :infinity) :: timeout
  def patience(%__MODULE__{cells: cells}, timeout, deadline) do
    state = :atomics.get(cells, @state)
    posted_at = :atomics.get(cells, @posted_at)

    cond do
      not open?(state) -> timeout
      timeout == :infinity -> left(deadline)
      true -> min(left(posted_at + timeout), left(deadline))
    end
  end

  @doc "Takes the board down."
  @spec drop(t) :: :ok
  def drop(%__MODULE__{table: table}) do
    :ets.delete(table)
    :ok
  end

  defp open?(state), do: rem(state, 2) == 0

  defp left(:infinity), do: :infinity
  defp left(time), do: max(time - now(), 0)

  defp now, do: System.monotonic_time(:millisecond)
end
