defmodule ExMonty.Mount.Leases do
  @moduledoc """
  Taking and ending leases. Each function is called through `ExMonty.Mount`, which has it too; `ExMonty.Mount.Lease` says
  when a lease ends.
  """

  alias ExMonty.{Mount, Native}
  alias ExMonty.Mount.{Lease, Refusal, Telemetry}

  @doc """
  Leases the table to the calling process.

    * `:exclusive` (default) keeps every other lease and change out;
    * `:shared` only exclusive leases and changes of the mounts;
    * `{:wait, ms}` and `{:wait, :shared, ms}` wait their turn for an exclusive or a shared lease, at most so many
      milliseconds, or `:infinity`. The others answer at once.

  Who waits is served in the order of arrival, whatever the modes, and nobody overtakes: also `:exclusive` and `:shared`
  are refused while somebody waits. Waiting holds no scheduler. It ends with the process, and with the time: then the
  request is out of the line.

      iex> mounts = ExMonty.Mount.new!([{"/scratch", :memory}])
      iex> {:ok, lease} = ExMonty.Mount.checkout(mounts)
      iex> ExMonty.Mount.checkout(mounts, :shared)
      {:error, :mount_in_use}
      iex> ExMonty.Mount.write(mounts, "/scratch/a", "from outside")
      {:error, :mount_in_use}
      iex> ExMonty.Mount.write(lease, "/scratch/a", "through the lease")
      :ok
      iex> waiting = Task.async(fn -> ExMonty.Mount.checkout!(mounts, {:wait, 5_000}) end)
      iex> ExMonty.Mount.release(lease)
      iex> ExMonty.Mount.write(lease, "/scratch/a", "too late")
      {:error, :lease_released}
      iex> %ExMonty.Mount.Lease{mode: :exclusive} = Task.await(waiting)
  """
  @spec checkout(Mount.t(), Lease.request()) :: {:ok, Lease.t()} | {:error, :mount_in_use}
  def checkout(%Mount{ref: ref}, request \\ :exclusive) do
    request = Lease.request!("the mode of a lease", request)
    Telemetry.watch(ref)

    case request do
      {:wait, mode, timeout} ->
        wait(ref, mode, timeout)

      mode ->
        with {:ok, lease} <- take(ref, mode), do: {:ok, %Lease{ref: lease, mode: mode}}
    end
  end

  # Changes in flight are waited for, on a scheduler that is there to be waited on.
  defp take(table, mode) do
    with {:ok, nil} <- Native.mount_checkout(table, mode),
         do: Native.mount_checkout_after_changes(table, mode)
  end

  # The lease is in the line, or granted, as long as this process refers to it and lives.
  defp wait(table, mode, timeout) do
    reference = make_ref()

    with {:ok, lease} <- Native.mount_wait(table, mode, reference) do
      receive do
        {:ex_monty, ^reference, :leased} -> {:ok, %Lease{ref: lease, mode: mode}}
      after
        timeout -> give_up(lease, mode, reference)
      end
    end
  end

  defp give_up(lease, mode, reference) do
    case Native.mount_withdraw(lease) do
      {:ok, true} ->
        {:error, :mount_in_use}

      # Granted as the time ran out: the message is there, or on its way.
      {:ok, false} ->
        receive do
          {:ex_monty, ^reference, :leased} -> {:ok, %Lease{ref: lease, mode: mode}}
        end

      error ->
        error
    end
  end

  @doc "As `checkout/2`, but returns the lease and raises `ExMonty.Error`."
  @spec checkout!(Mount.t(), Lease.request()) :: Lease.t()
  def checkout!(mounts, request \\ :exclusive),
    do: Refusal.value!(checkout(mounts, request), "lease the mount table")

  @doc "Ends a lease, at once or with the native call in flight. One that has ended stays so."
  @spec release(Lease.t()) :: :ok
  def release(%Lease{ref: ref}), do: Native.mount_release(ref)
end
