defmodule ExMonty.Workspace.Errand do
  @moduledoc false

  # What is done for one caller, in a process of its own, while the workspace's process goes on answering.

  alias ExMonty.Mount

  alias ExMonty.Workspace.{
    Checkpoint,
    Contents,
    Image,
    Options,
    Passage,
    Step,
    Suspension,
    Telemetry,
    Variables
  }

  @enforce_keys [:server, :options, :contents, :checkpoint]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          server: pid,
          options: Options.t(),
          contents: Contents.t(),
          checkpoint: Checkpoint.t() | nil
        }

  @doc "Does what was asked. Gives the reply, and the workspace after it."
  @spec perform(term, t) :: {reply :: term, t}
  def perform({:run, code, opts}, errand) do
    number = errand.contents.steps + 1

    case Checkpoint.note(errand.checkpoint, number, code) do
      {:ok, checkpoint} ->
        step(%{errand | checkpoint: checkpoint}, number, opts, fn errand, options ->
          Step.run(%{errand.contents | steps: number}, code, options)
        end)

      {:error, reason} ->
        {{:error, reason}, errand}
    end
  end

  def perform({%Suspension{} = suspension, {result, opts}}, errand) do
    errand = put_in(errand.contents.suspension, suspension)

    owned(errand, fn ->
      step(errand, errand.contents.steps, opts, fn errand, options ->
        Step.resume(errand.contents, suspension, result, options)
      end)
    end)
  end

  def perform({:write, path, data}, errand),
    do: owned(errand, fn -> saving(errand, Mount.write(errand.contents.mounts, path, data)) end)

  def perform({:commit, virtual, opts}, errand) do
    if opts[:dry_run],
      do: {Mount.commit(errand.contents.mounts, virtual, opts), errand},
      else: owned(errand, fn -> saving(errand, Mount.commit(errand.contents.mounts, virtual, opts)) end)
  end

  def perform({:discard, virtual}, errand),
    do: owned(errand, fn -> saving(errand, Mount.discard(errand.contents.mounts, virtual)) end)

  def perform(:dump, errand) do
    case dump(errand) do
      {:ok, bytes, contents} -> {{:ok, bytes}, %{errand | contents: contents}}
      {:error, reason} -> {{:error, reason}, errand}
    end
  end

  def perform(:fork, errand) do
    case Contents.fork(errand.contents) do
      {:ok, contents, copied} -> {{:ok, copied, node()}, %{errand | contents: contents}}
      {:error, reason} -> {{:error, reason}, errand}
    end
  end

  def perform(:sleep, errand) do
    case Variables.packed(errand.contents.variables) do
      {:ok, variables} ->
        {:ok, put_in(errand.contents.variables, Variables.asleep(variables))}

      {:error, reason} ->
        {{:error, reason}, errand}
    end
  end

  # Who waited while another moved it there.
  def perform({:move, node, _supervisor}, errand) when node == node(), do: {{:ok, errand.server}, errand}

  def perform({:move, node, supervisor}, errand) do
    with {:ok, image, contents} <- dump(errand),
         errand = %{errand | contents: contents},
         {:ok, pid} <- Passage.pass(errand.server, image, errand.options, node, supervisor) do
      {{:moved, pid}, errand}
    else
      {:error, reason} -> {{:error, reason}, errand}
    end
  end

  # Does what is to be saved, unless a workspace that was started later has the name.
  defp owned(errand, work) do
    case Checkpoint.check(errand.checkpoint) do
      :ok -> work.()
      {:error, reason} -> {{:error, reason}, errand}
    end
  end

  defp dump(errand) do
    with {:ok, image, contents} <- Contents.image(errand.contents, &Mount.dump/1) do
      {:ok, Image.seal(image, errand.options.key), contents}
    end
  end

  defp step(errand, number, opts, work) do
    errand = ready_to_roll_back(errand, opts)
    options = Options.step(errand.options, opts)
    metadata = %{name: errand.options.name, step: number}

    {reply, contents} =
      Telemetry.span(:step, metadata, fn -> work.(errand, options) end, fn {reply, _contents} ->
        %{outcome: elem(reply, 0)}
      end)

    saving(%{errand | contents: contents}, reply)
  end

  # Also if this process should be killed, the workspace can go back.
  defp ready_to_roll_back(errand, %{on_error: :rollback}) do
    case Variables.packed(errand.contents.variables) do
      {:ok, variables} ->
        contents = %{errand.contents | variables: variables}
        send(errand.server, {:contents, self(), contents})
        %{errand | contents: contents}

      # The step will say so.
      {:error, _reason} ->
        errand
    end
  end

  defp ready_to_roll_back(errand, _opts), do: errand

  defp saving(%{checkpoint: nil} = errand, reply), do: {reply, errand}

  defp saving(errand, reply) do
    metadata = %{name: errand.options.name}
    save = fn -> Checkpoint.save(errand.checkpoint, errand.contents) end

    case Telemetry.span(:save, metadata, save, &%{outcome: elem(&1, 0)}) do
      {:ok, checkpoint, contents} -> {reply, %{errand | checkpoint: checkpoint, contents: contents}}
      {:error, reason, contents} -> {{:error, {:not_saved, reason, reply}}, %{errand | contents: contents}}
    end
  end
end
