defmodule ExMonty.Workspace.Step do
  @moduledoc false

  # One step of a workspace, from its beginning or from where it was suspended, to its end or the next suspension.
  # Runs in a process of its own, which owns the lease.

  alias ExMonty.{Error, Exception, Mount, Session}
  alias ExMonty.Sandbox.Driver
  alias ExMonty.Workspace.{Contents, Suspension, Variables}

  # What a resumption says of a result that cannot be: the suspension stays.
  @refused [:invalid_result, :invalid_value, :value_too_deep, :value_too_large]

  # How long a step waits for its session, and how often it asks, in milliseconds.
  @patience 10_000
  @pause 5

  @type reply ::
          {:ok, term, String.t()} | {:suspended, term, String.t()} | {:error, term}

  @doc """
  Runs `code`. `session` are the options of a session, `start` those of the evaluation, `driver` those of the driver.
  """
  @spec run(Contents.t(), String.t(), map) :: {reply, Contents.t()}
  def run(%Contents{} = contents, code, options) do
    with {:ok, before, contents} <- before(contents, options.on_error),
         {:ok, session} <- Variables.live(contents.variables, options.session),
         {:ok, lease} <- Contents.lease(contents.mounts) do
      contents = %{contents | variables: Variables.of_session(session)}

      start = fn overseer ->
        begin(fn -> Session.begin(session, code, options.start, lease.ref, overseer) end, @patience)
      end

      outcome = drive(lease, options, fn -> Driver.run(start, lease, options.driver) end)
      settle(outcome, contents, before)
    else
      {:error, reason} -> {{:error, reason}, contents}
    end
  end

  # The session is this workspace's alone, so it is busy only until the turn of a step that was given up has ended, or what
  # that step left has been freed; both happen on threads of the native library.
  defp begin(attempt, left) do
    case attempt.() do
      {:error, %Error{reason: :busy}} when left > 0 ->
        receive do
        after
          @pause -> begin(attempt, left - @pause)
        end

      begun ->
        begun
    end
  end

  @doc "Answers the call at which the step was suspended, and goes on."
  @spec resume(Contents.t(), Suspension.t(), term, map) :: {reply, Contents.t()}
  def resume(%Contents{} = contents, %Suspension{} = suspension, result, options) do
    suspended = %{contents | suspension: suspension}

    with {:ok, snapshot} <- ExMonty.load_snapshot(suspension.run),
         {:ok, session} <- Session.of(snapshot),
         {:ok, lease} <- Contents.lease(contents.mounts) do
      contents = %{contents | suspension: nil, variables: Variables.of_session(session)}

      go_on = fn -> Driver.resume(snapshot, result(result), lease, options.driver) end

      case drive(lease, options, go_on) do
        {:error, %Error{reason: reason}} = refused when reason in @refused -> {refused, suspended}
        outcome -> settle(outcome, contents, suspension.before)
      end
    else
      {:error, reason} -> {{:error, reason}, suspended}
    end
  end

  # What a function may answer, as a snapshot takes it.
  defp result({:error, message}) when is_binary(message), do: {:error, :runtime_error, message}
  defp result(result), do: result

  defp before(contents, :keep), do: {:ok, nil, contents}
  defp before(contents, :rollback), do: Contents.before(contents)

  defp drive(lease, options, work) do
    settle_tag(work.(), lease, options)
  after
    Mount.release(lease)
  end

  # A tag that cannot be kept is a fault of the function that answered it, so the script hears of it.
  defp settle_tag({:suspended, tag, snapshot, output} = suspended, lease, options) do
    case Suspension.pack_tag(tag) do
      {:ok, _packed} ->
        suspended

      {:error, %Error{message: message}} ->
        snapshot
        |> Driver.resume({:error, :type_error, message}, lease, options.driver)
        |> settle_tag(lease, options)
        |> printed_before(output)
    end
  end

  defp settle_tag(outcome, _lease, _options), do: outcome

  defp printed_before({:ok, value, output}, before), do: {:ok, value, before <> output}

  defp printed_before({:suspended, tag, snapshot, output}, before),
    do: {:suspended, tag, snapshot, before <> output}

  defp printed_before({:error, %Exception{} = exception}, before),
    do: {:error, %{exception | output: before <> exception.output}}

  defp printed_before(error, _before), do: error

  defp settle({:ok, value, output}, contents, _before), do: {{:ok, value, output}, contents}

  defp settle({:suspended, tag, snapshot, output}, contents, before) do
    with {:ok, packed} <- Suspension.pack_tag(tag),
         {:ok, run} <- ExMonty.dump_snapshot(snapshot) do
      suspension = %Suspension{tag: packed, run: run, before: before}
      {{:suspended, tag, output}, %{contents | suspension: suspension, variables: Variables.new()}}
    else
      # The evaluation ends with its snapshot; the session has what it did so far.
      {:error, reason} -> settle({:error, reason}, contents, before)
    end
  end

  defp settle({:error, reason}, contents, nil) do
    # A turn that was given up may be in the middle of a change.
    _ = Contents.calm(contents)
    {{:error, reason}, contents}
  end

  defp settle({:error, reason}, contents, before) do
    case Contents.roll_back(contents, before) do
      {:ok, contents} -> {{:error, reason}, contents}
      {:error, why} -> {{:error, {:not_rolled_back, why, reason}}, contents}
    end
  end
end
