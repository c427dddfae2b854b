defmodule ExMonty.Workspace.Variables do
  @moduledoc false

  # The variables of a workspace: an interpreter's session, or its bytes, or both while nothing has changed since the
  # bytes were made. A workspace that does nothing needs no session, and a fork shares the bytes of its template.

  alias ExMonty.Session

  defstruct session: nil, bytes: nil

  @type t :: %__MODULE__{session: Session.t() | nil, bytes: binary | nil}

  @doc "Those of a workspace in which nothing was run yet."
  def new, do: %__MODULE__{}

  @doc "As somebody else has them: as bytes."
  def of_bytes(bytes), do: %__MODULE__{bytes: bytes}

  @doc "Those of a session in which something may have been run."
  def of_session(session), do: %__MODULE__{session: session}

  @doc "The session, made where there is none."
  @spec live(t, keyword) :: {:ok, Session.t()} | {:error, term}
  def live(%__MODULE__{session: nil, bytes: nil}, options), do: Session.new(options)

  def live(%__MODULE__{session: nil, bytes: bytes}, options),
    do: Session.load(bytes, Keyword.take(options, [:limits]))

  def live(%__MODULE__{session: session}, _options), do: {:ok, session}

  @doc "With their bytes; nil where nothing was run yet."
  @spec packed(t) :: {:ok, t} | {:error, term}
  def packed(%__MODULE__{session: nil} = variables), do: {:ok, variables}
  def packed(%__MODULE__{bytes: bytes} = variables) when is_binary(bytes), do: {:ok, variables}

  def packed(%__MODULE__{session: session} = variables) do
    with {:ok, bytes} <- Session.dump(session), do: {:ok, %{variables | bytes: bytes}}
  end

  @doc "Without the session, when the bytes are there."
  def asleep(%__MODULE__{bytes: bytes} = variables) when is_binary(bytes), do: %{variables | session: nil}
  def asleep(%__MODULE__{} = variables), do: variables
end
