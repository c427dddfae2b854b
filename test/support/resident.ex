defmodule ExMonty.Test.Resident do
  @moduledoc false

  # What this operating system process holds in memory, in MiB, as Linux tells it.

  @spec now() :: integer
  def now, do: read("VmRSS")

  @spec peak() :: integer
  def peak, do: read("VmHWM")

  @doc false
  # Makes the peak begin anew.
  @spec forget_peak() :: :ok
  def forget_peak, do: File.write!("/proc/self/clear_refs", "5")

  @doc false
  # What is held once that is no more than `most` MiB, or is not for twenty seconds.
  @spec settled(integer, non_neg_integer) :: integer
  def settled(most, left \\ 2_000) do
    Enum.each(Process.list(), &:erlang.garbage_collect/1)
    now = now()

    if now <= most or left == 0 do
      now
    else
      Process.sleep(10)
      settled(most, left - 1)
    end
  end

  defp read(field) do
    status = File.read!("/proc/self/status")
    [_, kilobytes] = Regex.run(~r/^#{field}:\s+(\d+) kB$/m, status)
    div(String.to_integer(kilobytes), 1024)
  end
end
