defmodule ExMonty.Workspace.Arrival do
  @moduledoc false

  # How a workspace comes to hold something when its process starts.

  alias ExMonty.{Error, Mount}
  alias ExMonty.Workspace.{Checkpoint, Contents, Image, Name, Options}

  @typedoc """
  Where it comes from: the store, else a dump or the mounts of the options; another workspace of this node that was
  forked; a workspace that is about to move here.
  """
  @type origin :: :options | {:fork, Contents.t()} | {:adopted, former :: pid, token :: reference}

  @type arrived :: %{
          contents: Contents.t(),
          checkpoint: Checkpoint.t() | nil,
          lost: Checkpoint.lost() | nil,
          role: :serving | {:waiting, former :: pid, monitor :: reference, token :: reference}
        }

  @spec arrive(Options.t(), origin) :: {:ok, arrived} | :ignore | {:error, term}
  def arrive(%Options{store: nil} = options, :options) do
    with {:ok, contents} <- begin(options), do: arrived(contents, nil)
  end

  def arrive(%Options{} = options, :options) do
    with {:error, :not_found} <- load(options),
         {:ok, contents} <- begin(options),
         # Somebody was first.
         {:error, :already_stored} <- save_first(options, contents),
         do: load(options)
  end

  def arrive(%Options{store: nil}, {:fork, contents}), do: arrived(contents, nil)

  def arrive(%Options{} = options, {:fork, contents}) do
    with {:error, :already_stored} <- save_first(options, contents) do
      message = "the store has a workspace named #{inspect(options.stored)} already"
      {:error, %Error{reason: :already_stored, message: message}}
    end
  end

  def arrive(%Options{} = options, {:adopted, former, token}) do
    case handed_over(former, token) do
      {:ok, image, mover} ->
        with {:ok, contents} <- open(image, options),
             {:ok, checkpoint} <- known(options) do
          # It ends with the former, and when the move is over, however that ends.
          role = {:waiting, former, Process.monitor(mover), token}
          {:ok, %{contents: contents, checkpoint: checkpoint, lost: nil, role: role}}
        end

      # It was, and this is a restart.
      :gone ->
        again(options)
    end
  end

  defp again(%Options{store: nil}), do: :ignore

  defp again(options) do
    case options.registered && Name.whereis(options.registered) do
      nil ->
        with {:ok, arrived} <- arrive(options, :options) do
          Name.take_over(options.registered)
          {:ok, arrived}
        end

      pid ->
        {:error, {:already_started, pid}}
    end
  end

  defp handed_over(former, token) do
    GenServer.call(former, {:hand_over, token}, :timer.seconds(60))
  catch
    :exit, _reason -> :gone
  end

  defp begin(%Options{from: nil} = options), do: Contents.new(options.mounts)
  defp begin(%Options{from: dump} = options), do: open(dump, options)

  defp open(dump, options) do
    with {:ok, image} <- Image.open(dump, options.key) do
      Contents.open(image, fn
        files when is_binary(files) -> Mount.load(files, load_options(options))
        _other -> Image.invalid("its files are malformed")
      end)
    end
  end

  # The host may have changed what an overlay owns while nobody was there, as it may while somebody is: a commit says
  # so, and names it.
  defp load_options(options), do: [hosts: options.hosts, on_drift: :keep]

  defp checkpoint(options), do: Checkpoint.new(options.store, options.stored, options.key)

  defp known(%Options{store: nil}), do: {:ok, nil}
  defp known(options), do: Checkpoint.known(checkpoint(options))

  defp load(options) do
    with {:ok, contents, checkpoint, lost} <- Checkpoint.load(checkpoint(options), load_options(options)),
         do: arrived(contents, checkpoint, lost)
  end

  # Also of a workspace in which nothing has been run yet something is there to go on from.
  defp save_first(options, contents) do
    with {:ok, checkpoint, contents} <- Checkpoint.create(checkpoint(options), contents),
         do: arrived(contents, checkpoint)
  end

  defp arrived(contents, checkpoint, lost \\ nil) do
    {:ok, %{contents: contents, checkpoint: checkpoint, lost: lost, role: :serving}}
  end
end
