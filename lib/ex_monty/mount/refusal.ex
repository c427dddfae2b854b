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
    not_restorable: "the snapshot holds no state of what is mounted here",
    not_committable: "no overlay of a host directory is mounted there",
    conflict: "the host has changed what would be changed; nothing was done",
    drift: "the host has changed what the dump owns",
    overlaps: "its host directory overlaps that of another mount"
  }

  @spec value!(:ok | {:ok, value} | {:error, term}, String.t()) :: :ok | value when value: term
  def value!(:ok, _doing), do: :ok
  def value!({:ok, value}, _doing), do: value
  def value!({:error, reason}, doing), do: raise(exception(reason, doing))

  @spec exception(term, String.t()) :: Error.t()
  def exception(%Error{} = error, _doing), do: error

  def exception({:incomplete, posix, report}, doing) do
    left = length(report.pending)
    %Error{reason: :incomplete, message: "could not #{doing} to its end, #{left} left: #{sentence(posix)}"}
  end

  def exception({reason, about}, doing) do
    %Error{reason: reason, message: "could not #{doing}: #{named(about)}: #{sentence(reason)}"}
  end

  def exception(reason, doing) do
    %Error{reason: reason, message: "could not #{doing}: #{sentence(reason)}"}
  end

  # The path that it is about, or the first of several.
  defp named([{path, _why} | more]), do: named([path | more])
  defp named([path]), do: path
  defp named([path | more]), do: "#{path} and #{length(more)} more"
  defp named(path), do: path

  defp sentence(reason) do
    Map.get_lazy(@sentences, reason, fn -> reason |> :file.format_error() |> List.to_string() end)
  end
end
