defmodule ExMonty.Sandbox.Listener do
  @moduledoc false

  # The process that tells `:on_output` what a run prints. The run does not wait for it, except at its end.
  #
  # The native library says that there is something to hear, and this process fetches it. While it is busy with the
  # function nothing piles up here.

  alias ExMonty.Native
  alias ExMonty.Sandbox.{Callbacks, Guard}

  @doc "Starts the process, guarded by `guard`."
  @spec start((String.t() -> any), guard :: pid) :: pid
  def start(fun, guard) do
    driver = self()
    callers = [driver | Process.get(:"$callers", [])]
    listener = Guard.prepare(driver, callers, fn _reference -> await_overseer(fun) end)
    Guard.begin(listener, guard, make_ref())
    listener
  end

  @doc "Gives the listener the overseer that hears what is printed."
  @spec listen_to(pid, reference) :: :ok
  def listen_to(listener, overseer) do
    send(listener, {:listen_to, overseer})
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

  defp await_overseer(fun) do
    receive do
      {:listen_to, overseer} -> listen(fun, overseer, :silent)
    end
  end

  defp listen(fun, overseer, complained) do
    receive do
      {:ex_monty, :printed} ->
        listen(fun, overseer, tell_safely(fun, Native.overseer_fetch(overseer), complained))

      {:finish, reference} ->
        tell_safely(fun, Native.overseer_fetch(overseer), complained)
        send(reference, {reference, :heard})

      # Whatever else a process may be sent that somebody else's code runs in.
      _message ->
        listen(fun, overseer, complained)
    end
  end

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
