defmodule ExMonty.Sandbox.Listener do
  @moduledoc false

  # The process that tells `:on_output` what a run prints. The run does not wait for it, except at its end.

  alias ExMonty.Sandbox.{Callbacks, Guard}

  @doc "Starts the process, guarded by `guard`."
  @spec start((String.t() -> any), guard :: pid) :: pid
  def start(fun, guard) do
    driver = self()
    callers = [driver | Process.get(:"$callers", [])]
    listener = Guard.prepare(driver, callers, fn _reference -> listen(fun, 0, :silent) end)
    Guard.begin(listener, guard, make_ref())
    listener
  end

  @doc "Tells what a turn has printed that goes on, since it was told last."
  @spec tell(pid, String.t()) :: :ok
  def tell(listener, text) do
    send(listener, {:printed, text})
    :ok
  end

  @doc "Tells what a turn has printed from its begin to its end, some of which may have been told."
  @spec turn_ended(pid, String.t()) :: :ok
  def turn_ended(_listener, ""), do: :ok

  def turn_ended(listener, output) do
    send(listener, {:turn, output})
    :ok
  end

  @doc "Waits until the listener has heard everything, for at most `timeout` milliseconds, and ends it."
  @spec finish(pid, timeout) :: :ok
  def finish(listener, timeout) do
    reference = :erlang.monitor(:process, listener, alias: :reply_demonitor)
    send(listener, {:finish, reference})

    receive do
      {^reference, :heard} -> :ok
      {:DOWN, ^reference, :process, ^listener, _reason} -> :ok
    after
      timeout ->
        Process.demonitor(reference, [:flush])

        receive do
          {^reference, :heard} -> :ok
        after
          0 -> :ok
        end
    end

    Guard.kill(listener)
  end

  # `told` bytes of the turn under way have been told.
  defp listen(fun, told, complained) do
    receive do
      {:finish, reference} ->
        send(reference, {reference, :heard})

      message ->
        {text, told} = message |> hear(told) |> hear_more()
        listen(fun, told, tell_safely(fun, IO.iodata_to_binary(text), complained))
    end
  end

  # What has come meanwhile is told at once.
  defp hear_more({text, told}) do
    receive do
      message when elem(message, 0) in [:printed, :turn] ->
        {more, told} = hear(message, told)
        hear_more({[text | more], told})
    after
      0 -> {text, told}
    end
  end

  defp hear({:printed, text}, told), do: {[text], told + byte_size(text)}
  defp hear({:turn, output}, told), do: {[binary_part(output, told, byte_size(output) - told)], 0}
  # Whatever else a process may be sent that somebody else's code runs in.
  defp hear(_message, told), do: {[], told}

  defp tell_safely(_fun, "", complained), do: complained

  defp tell_safely(fun, text, complained) do
    complain(Callbacks.safely(fn -> fun.(text) end), complained)
  end

  # Of a listener that fails, the run goes on, and the log hears once.
  defp complain({:failed, reason}, :silent) do
    :logger.warning("ExMonty: :on_output failed: #{reason}", %{domain: [:ex_monty]})
    :complained
  end

  defp complain(_reply, complained), do: complained
end
