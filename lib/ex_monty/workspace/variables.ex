defmodule ExMonty.Workspace.Variables do
  @moduledoc false

  # The variables of a workspace: an interpreter's session, or its bytes, or both while nothing has changed since the
  # bytes were made. A workspace that does nothing needs no session, and a fork shares the bytes of its template.

  alias ExMonty.{Error, Native, Session}

  # How long a session is waited for, and how often it is asked, in milliseconds.
  @patience 10_000
  @pause 5

  defstruct session: nil, bytes: nil

  @type t :: %__MODULE__{session: Session.t() | nil, bytes: binary | nil}

  @doc "Those of a workspace in which nothing was run yet."
  def new, do: %__MODULE__{}

  @doc "As somebody else has them: as bytes."
  def of_bytes(bytes), do: %__MODULE__{bytes: bytes}

  @doc "Those of a session in which something may have been run."
  def of_session(session), do: %__MODULE__{session: session}

  @doc """
  The session, made where there is none.

  Bytes are loaded without a ceiling, whatever they take: a step may have had a limit of its own, and what was there before
  must be there after. The limits of the next step are looked at when it begins.
  """
  @spec live(t, keyword) :: {:ok, Session.t()} | {:error, term}
  def live(%__MODULE__{session: nil, bytes: nil}, options), do: Session.new(options)

  def live(%__MODULE__{session: nil, bytes: bytes}, _options), do: Session.load(bytes)

  def live(%__MODULE__{session: session}, _options), do: {:ok, session}

  @doc "Whether `packed/2` has nothing to do: the bytes are those of what the variables are now."
  @spec packed?(t) :: boolean
  def packed?(%__MODULE__{session: session, bytes: bytes}), do: session == nil or is_binary(bytes)

  @doc "With their bytes; nil where nothing was run yet."
  @spec packed(t, milliseconds :: non_neg_integer) :: {:ok, t} | {:error, term}
  def packed(variables, patience \\ @patience)
  def packed(%__MODULE__{session: nil} = variables, _patience), do: {:ok, variables}
  def packed(%__MODULE__{bytes: bytes} = variables, _patience) when is_binary(bytes), do: {:ok, variables}

  def packed(%__MODULE__{session: session} = variables, patience) do
    with {:ok, bytes} <- when_free(fn -> Session.dump(session) end, patience),
         do: {:ok, %{variables | bytes: bytes}}
  end

  @doc """
  What `attempt` comes to when the session is free.

  It is this workspace's alone, so it is busy only until the turn of a step that was given up has ended, or what that step
  left has been freed: by threads of the native library, or by this process, which may have been the step's.
  """
  @spec when_free((() -> result), milliseconds :: non_neg_integer) :: result when result: term
  def when_free(attempt, patience \\ @patience) do
    case attempt.() do
      {:error, %Error{reason: :busy}} when patience > 0 ->
        :erlang.garbage_collect()

        receive do
        after
          @pause -> when_free(attempt, patience - @pause)
        end

      result ->
        result
    end
  end

  @doc "Whether there is nothing left of them: their session has ended."
  @spec lost?(t) :: boolean
  def lost?(%__MODULE__{session: nil}), do: false
  def lost?(%__MODULE__{session: session}), do: Native.session_has_ended(session.ref)

  @doc "Without the session, when the bytes are there."
  def asleep(%__MODULE__{bytes: bytes} = variables) when is_binary(bytes), do: %{variables | session: nil}
  def asleep(%__MODULE__{} = variables), do: variables
end
