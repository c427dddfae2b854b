defmodule ExMonty.Workspace.Step do
  @moduledoc false

  # One step of a workspace, from its beginning or from where it was suspended, to its end or the next suspension.
  # Runs in a process of its own, which owns the lease.

  alias ExMonty.{Error, Exception, Mount, Session}
  alias ExMonty.Sandbox.Driver
  alias ExMonty.Workspace.{Contents, Suspension, Variables}

  # What a resumption says of a result that cannot be: the suspension stays.
  @refused [:invalid_result, :invalid_value, :value_too_deep, :value_too_large]

  # How long a step that failed waits until its session is free, in milliseconds. The engine gives a turn up within one
  # second, so one that is not free after three computes for long.
  @patience 3_000

  @type reply ::
          {:ok, term, String.t()} | {:suspended, term, String.t()} | {:error, term}

  @doc """
  Runs `code`. `session` are the options of a session, `start` those of the evaluation, `driver` those of the driver.
  """
  @spec run(Contents.t(), String.t(), map) :: {reply, Contents.t()}
  def run(%Contents{} = contents, code, options) do
    spare = spare(contents)

    with {:ok, before, contents} <- before(contents, options.on_error),
         {:ok, session} <- Variables.live(contents.variables, options.session),
         {:ok, lease} <- Contents.lease(contents.mounts) do
      contents = %{contents | variables: Variables.of_session(session)}

      start = fn overseer ->
        Variables.when_free(fn -> begin(session, code, options.start, lease, overseer) end)
      end

      outcome = drive(lease, options, fn -> Driver.run(start, lease, options.driver) end)
      settle(outcome, contents, before || spare)
    else
      {:error, reason} -> {{:error, reason}, contents}
    end
  end

  # An input that is refused by raising is refused to whoever gave it, who is in another process.
  defp begin(session, code, options, lease, overseer) do
    Session.begin(session, code, options, lease.ref, overseer)
  rescue
    error in ArgumentError -> {:error, %Error{reason: :invalid_value, message: error.message}}
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
        outcome -> settle(outcome, contents, suspension.before && {:back, suspension.before})
      end
    else
      {:error, reason} -> {{:error, reason}, suspended}
    end
  end

  # What a function may answer, as a snapshot takes it.
  defp result({:error, message}) when is_binary(message), do: {:error, :runtime_error, message}
  defp result(result), do: result

  # Where an error takes the step back to.
  defp before(contents, :keep), do: {:ok, nil, contents}

  defp before(contents, :rollback) do
    with {:ok, before, contents} <- Contents.before(contents), do: {:ok, {:back, before}, contents}
  end

  # Where it is taken back to if its variables cannot be had: what is at hand without a dump.
  defp spare(contents) do
    with true <- Variables.packed?(contents.variables),
         {:ok, before, _contents} <- Contents.before(contents) do
      {:spare, before}
    else
      _ -> nil
    end
  end

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
      suspension = %Suspension{
        tag: packed,
        run: run,
        before: with({:back, state} <- before, do: state, else: (_ -> nil))
      }

      {{:suspended, tag, output}, %{contents | suspension: suspension, variables: Variables.new()}}
    else
      # The evaluation ends with its snapshot; the session has what it did so far.
      {:error, reason} -> settle({:error, reason}, contents, before)
    end
  end

  defp settle({:error, reason}, contents, {:back, before}), do: back(reason, contents, before, reason)

  defp settle({:error, reason}, contents, before) do
    # A turn that was given up may be in the middle of a change.
    _ = Contents.calm(contents)
    kept(reason, contents, before)
  end

  # Files and variables stay as the step left them, unless an operation that cannot be stopped has the variables.
  defp kept(reason, contents, nil) do
    if Variables.lost?(contents.variables),
      do: {{:error, {:variables_lost, reason}}, %{contents | variables: Variables.new()}},
      else: {{:error, reason}, contents}
  end

  defp kept(reason, contents, {:spare, before}) do
    case Variables.packed(contents.variables, @patience) do
      {:ok, variables} -> {{:error, reason}, %{contents | variables: variables}}
      {:error, _busy_or_ended} -> back(reason, contents, before, {:taken_back, reason})
    end
  end

  defp back(reason, contents, before, told) do
    case Contents.roll_back(contents, before) do
      {:ok, contents} ->
        {{:error, told}, contents}

      {:error, why} ->
        {{:error, {:not_rolled_back, why, reason}}, contents}
    end
  end
end
