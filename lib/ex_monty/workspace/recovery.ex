defmodule ExMonty.Workspace.Recovery do
  @moduledoc false

  # What becomes of a workspace when the process that worked for a caller was killed.
  #
  # The turn of the interpreter that it waited for does not end with it: the engine stops that, and until it has, the turn
  # may be in the middle of a change of the files. So a recovery waits until the files are free, which no change of theirs
  # outlasts, and goes back then. The session, which is free a little later, is waited for by who needs it.

  alias ExMonty.Error
  alias ExMonty.Workspace.{Checkpoint, Contents, State}

  @typedoc "Whether the files are those from before; nothing is known when the recovery was killed, too."
  @type found :: :taken_back | :left | :unknown

  @doc """
  Goes back to `before`; without it the contents stay as they were left. What is in the store may be what the caller is told
  was lost, so it is saved; if that fails, the next save does it.
  """
  @spec perform(Contents.t(), Contents.before() | nil, Checkpoint.t() | nil) ::
          {Contents.t(), Checkpoint.t() | nil, found}
  def perform(%Contents{} = contents, before, checkpoint) do
    {contents, found} = back(contents, before)

    case checkpoint && Checkpoint.save(checkpoint, contents) do
      {:ok, checkpoint, contents} -> {contents, checkpoint, found}
      _not_saved -> {contents, checkpoint, found}
    end
  end

  defp back(contents, nil) do
    _ = Contents.calm(contents)
    {contents, :left}
  end

  defp back(contents, before) do
    case Contents.roll_back(contents, before) do
      {:ok, back} -> {%{back | suspension: contents.suspension}, :taken_back}
      # A mount that writes through to the host keeps what was written.
      {:error, _reason} -> {contents, :left}
    end
  end

  @doc "The error for the caller."
  @spec lost(State.Work.kind(), term, found) :: Error.t()
  def lost(:upkeep, reason, _found) do
    %Error{reason: :interrupted, message: "the work was interrupted: #{Exception.format_exit(reason)}"}
  end

  def lost(_kind, reason, found) do
    message = "the step was lost: its process ended with #{Exception.format_exit(reason)}; #{said(found)}"
    %Error{reason: :step_lost, message: message}
  end

  defp said(:taken_back), do: "its files are those from before it"
  defp said(:left), do: "its files are as it left them"
  defp said(:unknown), do: "its files may be as it left them"
end
