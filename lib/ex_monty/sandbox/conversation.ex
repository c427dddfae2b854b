defmodule ExMonty.Sandbox.Conversation do
  @moduledoc false

  # Calls of functions, one after the other, in the process that the functions run in.
  #
  # A script that calls functions of its host in a loop would cost two switches between processes for each call, and on
  # a busy machine two wake-ups of a scheduler. So the process that has called a function hands the run the answer
  # itself, and when the run asks for another function, it calls that one. Whatever else happens is the driver's.
  #
  # The driver gives up on a call, or learns that the process died in it, by the board. In the middle of a turn the
  # process is not to die of a link that a function left behind, and the run with it: it traps exits there, and dies of
  # them afterwards.

  alias ExMonty.{FunctionCall, Turn}
  alias ExMonty.Sandbox.{Answer, Board, Callbacks, Guard, Host}

  @enforce_keys [:host, :lease, :board, :deadline, :driver]
  defstruct @enforce_keys

  @typedoc "What it is held with: who answers, the lease of the run, when its time is over, and who drives it."
  @type t :: %__MODULE__{
          host: Host.t(),
          lease: reference | nil,
          board: Board.t(),
          deadline: integer | :infinity,
          driver: pid
        }

  @typedoc "A call, the question it is, and the snapshot that waits for the answer."
  @type call :: {FunctionCall.t(), Answer.question(), ExMonty.snapshot()}

  @typedoc "A reply that the driver makes an answer of, or how the run went on after an answer."
  @type outcome ::
          {:replied, Callbacks.reply(), call}
          | {:resumed, {:ok, ExMonty.progress()} | {:error, term}, ExMonty.result(), call}

  @doc "Makes the call that was posted, and those that follow it. `tell` is given what they come to."
  @spec hold(t, Host.request(), call, (outcome -> any)) :: :ok
  def hold(%__MODULE__{} = conversation, request, call, tell) do
    {:trap_exit, trapping} = Process.info(self(), :trap_exit)
    {outcome, trapping} = ask(request, call, trapping, conversation)
    tell.(outcome)
    exposed(trapping)
  end

  defp ask(request, call, trapping, conversation) do
    exposed(trapping)
    reply = Callbacks.safely(fn -> Host.perform(conversation.host, request) end)
    trapping = Process.flag(:trap_exit, true)

    # Whose call was given up on is about to be killed.
    if Board.take(conversation.board),
      do: go_on(reply, call, trapping, conversation),
      else: exit(:normal)
  end

  defp go_on({:returned, {:ok, _value} = result}, {_, _, snapshot} = call, trapping, conversation) do
    resumed = Turn.attempt(:resume, [snapshot, result, conversation.lease])

    with {:ok, {kind, asked, snapshot, ""}} when kind in [:function_call, :method_call] <- resumed,
         {:ask, request, {:function, _label} = question} <- Host.route(conversation.host, kind, asked),
         true <- in_time?(conversation.deadline) and (trapping or not doomed?()) do
      call = {asked, question, snapshot}
      Board.post(conversation.board, call)
      ask(request, call, trapping, conversation)
    else
      _the_drivers -> {{:resumed, resumed, result, call}, trapping}
    end
  end

  defp go_on({:returned, {:async, fun}}, call, trapping, conversation) when is_function(fun, 0) do
    # A process that a function starts has the callers that a task would have.
    callers = Process.get(:"$callers")

    pid = Guard.prepare(conversation.driver, callers, &send(&1, {&1, Callbacks.safely(fun)}))

    {{:replied, {:async, pid}, call}, trapping}
  end

  defp go_on(reply, call, trapping, _conversation), do: {{:replied, reply, call}, trapping}

  # Exits reach the process as its functions want them to.
  defp exposed(true) do
    Process.flag(:trap_exit, true)
    :ok
  end

  defp exposed(false) do
    Process.flag(:trap_exit, false)

    receive do
      {:EXIT, _from, :normal} -> exposed(false)
      {:EXIT, _from, reason} -> exit(reason)
    after
      0 -> :ok
    end
  end

  # Whether a process is to die that did not trap exits before.
  defp doomed? do
    receive do
      {:EXIT, _from, :normal} ->
        doomed?()

      {:EXIT, _from, _reason} = signal ->
        send(self(), signal)
        true
    after
      0 -> false
    end
  end

  defp in_time?(:infinity), do: true
  defp in_time?(deadline), do: System.monotonic_time(:millisecond) < deadline
end
