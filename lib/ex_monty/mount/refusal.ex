defmodule ExMonty.Mount.Refusal do
  @moduledoc false

  # The exception of the functions that end in `!`: what a reason says to people.

  alias ExMonty.Error

  @sentences %{
    mount_in_use: "the mount table is in use by another lease",
    lease_released: "the lease has ended: it was released, or its owner died",
    invalid_virtual_path:
      "a virtual path is UTF-8, starts with \"/\", has no NUL byte, at most 4096 bytes and 64 names of at most 255 bytes",
    invalid_mode:
      "the modes are :read_only, :read_write, :overlay for a host directory, :read_only, :overlay for a snapshot",
    host_path_not_found: "the host directory does not exist",
    host_path_not_directory: "the host path is not a directory",
    host_path_denied: "the host directory may not be opened",
    host_path_canonicalize_failed: "the host path cannot be resolved",
    already_mounted: "something is mounted there already",
    not_mounted: "nothing is mounted there",
    overlaps: "its host directory overlaps that of another mount"
  }

  @spec value!(:ok | {:ok, value} | {:error, term}, String.t()) :: :ok | value when value: term
  def value!(:ok, _doing), do: :ok
  def value!({:ok, value}, _doing), do: value
  def value!({:error, reason}, doing), do: raise(exception(reason, doing))

  defp exception(%Error{} = error, _doing), do: error

  defp exception({reason, virtual}, doing) do
    %Error{reason: reason, message: "could not #{doing}: #{virtual}: #{sentence(reason)}"}
  end

  defp exception(reason, doing) do
    %Error{reason: reason, message: "could not #{doing}: #{sentence(reason)}"}
  end

  defp sentence(reason) do
    Map.get_lazy(@sentences, reason, fn -> reason |> :file.format_error() |> List.to_string() end)
  end
end
