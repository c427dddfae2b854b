defmodule ExMonty.Workspace do
  @moduledoc """
  An agent's scratch workspace: files and Python variables that live from step to step, in a process under your
  supervisor.

      iex> {:ok, ws} = ExMonty.Workspace.start_link(mounts: [{"/work", :memory}])
      iex> {:ok, nil, ""} = ExMonty.Workspace.run(ws, "import json; seen = []")
      iex> {:ok, 1, ""} = ExMonty.Workspace.run(ws, "seen.append(name); len(seen)", inputs: %{name: "Ada"})
      iex> {:ok, 7, "saving\\n"} = ExMonty.Workspace.run(ws, \"""
      ...> print('saving')
      ...> open('/work/seen.json', 'w').write(json.dumps(seen))
      ...> \""")
      iex> ExMonty.Workspace.read(ws, "/work/seen.json")
      {:ok, ~s(["Ada"])}
      iex> {:ok, [change]} = ExMonty.Workspace.changes(ws)
      iex> {change.path, change.kind}
      {"/work/seen.json", :created}

  ## Steps

  A step is one `run/3`: Python that sees the variables, functions and imports of the steps before it, and the files of
  the mounts. Steps of several callers are done one after the other, in the order of asking. An exception ends its step
  and nothing else; with `on_error: :rollback` it also takes back what the step did to files and variables. A step of
  which the caller died before it began is not done. A function that a step calls can look at the files of its own
  workspace; to ask it for anything that would wait for the step is `%ExMonty.Error{reason: :own_step}`.

  A step runs in a process of its own. If that is killed, its step is lost and says so (`:step_lost`); files and
  variables are those from before the step where these are at hand (with a store, after a fork, with `:rollback`), else
  as it left them.

  ## Suspending

  A function that a script calls may answer `{:suspend, tag}`. `run/3` then returns `{:suspended, tag, output}`, and the
  step waits, as bytes, for `resume/4`, which answers the call: in a minute, after a restart, on another node. Meanwhile
  further steps queue, and everything else works: whoever is to decide can look at `diff/2`, and even write a file.

      iex> {:ok, ws} = ExMonty.Workspace.start_link(
      ...>   functions: %{"ask" => fn [question], _ -> {:suspend, question} end}
      ...> )
      iex> ExMonty.Workspace.run(ws, "'yes' if ask('Shall I?') else 'no'")
      {:suspended, "Shall I?", ""}
      iex> ExMonty.Workspace.suspensions(ws)
      ["Shall I?"]
      iex> ExMonty.Workspace.resume(ws, "Shall I?", {:ok, true})
      {:ok, "yes", ""}

  ## Keeping, copying, moving

  With `:store`, everything is saved after each step, and a workspace that is started with the same name and store goes
  on exactly there, whatever ended the one before: see `ExMonty.Workspace.Store`. `dump/1` gives everything as a binary,
  and `start_link(from: binary)` takes it. `fork/2` makes a copy that goes its own way. `move/3` hands a workspace over to
  another node while its callers wait; with a name that is a string or `{:global, term}` it is found there as before.

  ## Options

  #{ExMonty.Workspace.Options.docs()}

  Also `:functions`, `:handler`, `:modules`, `:os`, `:env` and `:callback_timeout` as in `ExMonty.Sandbox`, and `:limits`,
  `:cwd`, `:clock`, `:timezone`, `:seed`, `:script_name`, `:max_source_bytes` and `:dynamic_code` as in
  `ExMonty.Session.new/1`. Functions are not in a dump or a store: whoever starts gives them again. A workspace that
  moves takes them along, so those of modules (`&MyApp.Tools.search/2`) are the ones to use. What a session is made with is in a
  dump and a store, and stays; but `:limits` that are given to a start hold from then on.

  A dump from a place that others can write to is a way to crash a node: give a `:key`. See the guide.

  ## Telemetry

  With `:telemetry` in the application: `[:ex_monty, :workspace, :step, :start | :stop]` with `name`, `step` and at the
  end `outcome` (`:ok`, `:suspended`, `:error`), and `[:ex_monty, :workspace, :save, :start | :stop]`. One whose process is killed
  has no `:stop`.
  """

  alias ExMonty.Mount
  alias ExMonty.Workspace.{Checkpoint, Name, Options, Passage, Server, Store, Suspension}

  @typedoc "A workspace: its process, or the name it was given."
  @type t :: pid | Name.t()

  @typedoc "What a step comes to."
  @type outcome ::
          {:ok, value :: ExMonty.Value.t(), output :: String.t()}
          | {:suspended, tag :: term, output :: String.t()}
          | {:error, reason}

  @typedoc """
  Why a step has no value.

    * `%ExMonty.Exception{}`: what Python raised, limits included.
    * `:busy`: with `queue: false`, something else is being done or waits.
    * `{:not_saved, reason, result}`: the step came to `result`, and the store failed with `reason`. Nothing is lost in
      memory; the next step saves all of it.
    * `{:not_rolled_back, why, reason}`: the step failed with `reason`, and its files could not be taken back.
    * `{:taken_back, reason}`: the step failed with `reason` in an operation that cannot be stopped, such as
      `10 ** (10 ** 8)`, and which has the variables. Files and variables are those from before the step.
    * `{:variables_lost, reason}`: the step failed with `reason`, which ended the session, and nothing from before the step
      is at hand. Files are as it left them, and there are no variables. No script is known to come to that without
      `:dynamic_code`.
    * `%ExMonty.Error{}`: `:step_lost`, `:unknown_suspension`, `:already_resumed`, or another that depends on data.
      `:superseded`: a workspace that was started later has the name in the store, and nothing was done. The same in
      `:not_saved`, when a step was under way.
  """
  @type reason ::
          ExMonty.reason()
          | :busy
          | {:not_saved, term, term}
          | {:not_rolled_back, term, term}
          | {:taken_back, term}
          | {:variables_lost, term}
          | Mount.error()

  @doc """
  A specification for a supervisor. The id is the `:name`, and a workspace that ended by itself (because it moved, or
  was stopped) is not restarted.
  """
  @spec child_spec(keyword) :: Supervisor.child_spec()
  def child_spec(opts) do
    id = if name = opts[:name], do: {__MODULE__, name}, else: __MODULE__
    %{id: id, start: {__MODULE__, :start_link, [opts]}, restart: :transient, type: :worker}
  end

  @doc """
  Starts a workspace, linked to the caller.

  Errors: of `ExMonty.Mount.new/1` for the mounts, of the store, `:invalid_dump` for `:from`; `{:already_started, pid}`.
  Raises `ArgumentError` for an option that does not exist or has the wrong shape.
  """
  @spec start_link(keyword) :: GenServer.on_start()
  def start_link(opts \\ []), do: Server.start(:link, Options.start!(opts), :options)

  @doc """
  Ends a workspace, and the step that it is in the middle of. What is in a store stays there; see `delete/2`.
  """
  @spec stop(t) :: :ok
  def stop(ws), do: ws |> here() |> GenServer.stop()

  @doc """
  Runs `code` as the next step.

  Options:

    * `:inputs` – map of name to value: variables that are set before.
    * `:limits` – those of this step; see `ExMonty.Limits`.
    * `:timeout` – milliseconds of wall clock for the step, or `:infinity` (default).
    * `:on_output` – `fn text -> … end`, called with what is printed while the step runs.
    * `:on_error` – `:keep` (default): files and variables stay as a failed step left them; `:rollback`: they are those
      from before it.
    * `:queue` – `false` to be told `{:error, :busy}` rather than wait.

          iex> {:ok, ws} = ExMonty.Workspace.start_link(mounts: [{"/work", :memory}])
          iex> ExMonty.Workspace.run(ws, "n = 1")
          {:ok, nil, ""}
          iex> {:error, exception} =
          ...>   ExMonty.Workspace.run(ws, "n = 2; open('/work/a', 'w').write('x'); n / 0", on_error: :rollback)
          iex> exception.type
          :zero_division_error
          iex> ExMonty.Workspace.run(ws, "import os; n, os.path.exists('/work/a')")
          {:ok, {1, false}, ""}
  """
  @spec run(t, String.t(), keyword) :: outcome
  def run(ws, code, opts \\ []) when is_binary(code) do
    opts = Options.run!(opts)
    ask(ws, :step, {:run, code, opts}, opts.patience)
  end

  @doc """
  Answers the call at which a step was suspended with `tag`, and goes on with the step.

  `result` is what a function may answer: `{:ok, value}`, `{:error, type, message}` or `{:error, message}`. With one that
  Python cannot hold the error says so, and the step stays suspended. Options: `:timeout` and `:on_output`, as in
  `run/3`.

  `%ExMonty.Error{}` with `:unknown_suspension` when no step is suspended with this tag, `:already_resumed` when it was
  resumed before. A process remembers its last 32; after a restart or a move, they are unknown.
  """
  @spec resume(t, term, Suspension.answer(), keyword) :: outcome
  def resume(ws, tag, result, opts \\ []) do
    opts = Options.resume!(opts)

    with {:ok, packed} <- Suspension.pack_tag(tag), :ok <- Suspension.check_answer(result) do
      ask(ws, :resumption, {packed, {result, opts}}, :queue)
    end
  end

  @doc "Lists the tags of suspended steps: one, or none."
  @spec suspensions(t) :: [term]
  def suspensions(ws), do: call(ws, :suspensions)

  @doc """
  Says what a workspace is doing.

    * `:status` – `:idle`, `:working` or `:suspended`.
    * `:steps` – how many steps were begun, in its whole life.
    * `:queued` – how many callers wait.
    * `:suspensions` – as `suspensions/1`.
    * `:saved` – the number of steps that the store has; nil without a store.
    * `:lost` – the step that was being done when the workspace before this one ended, as `%{step: number, code: text}`:
      nothing of it is in files and variables, but functions that it called were called. Nil if there is none.
  """
  @spec info(t) :: %{
          status: :idle | :working | :suspended,
          steps: non_neg_integer,
          queued: non_neg_integer,
          suspensions: [term],
          saved: non_neg_integer | nil,
          lost: Checkpoint.lost() | nil
        }
  def info(ws), do: call(ws, :info)

  ## Files. Looking at them works at any time, and sees the state between two operations of a step that runs.

  @doc "Lists all paths, sorted, as `ExMonty.Mount.walk/2`."
  @spec files(t) :: {:ok, [String.t()]} | {:error, Mount.file_error()}
  def files(ws), do: call(ws, {:look, :files})

  @doc "Reads a whole file, as `ExMonty.Mount.read/2`."
  @spec read(t, String.t()) :: {:ok, binary} | {:error, Mount.file_error()}
  def read(ws, path), do: call(ws, {:look, {:read, Mount.Options.virtual!(path)}})

  @doc "What changed, as `ExMonty.Mount.changes/2`."
  @spec changes(t) :: {:ok, [Mount.Change.t()]} | {:error, term}
  def changes(ws), do: call(ws, {:look, :changes})

  @doc "What changed at and below `path`, as unified text; see `ExMonty.Mount.diff/2`."
  @spec diff(t, String.t()) :: {:ok, String.t()} | {:error, term}
  def diff(ws, path), do: call(ws, {:look, {:diff, Mount.Options.virtual!(path)}})

  ## Changing files waits for the step that runs, not for one that is suspended.

  @doc "Writes a file, as `ExMonty.Mount.write/3`, between two steps."
  @spec write(t, String.t(), iodata) :: :ok | {:error, term}
  def write(ws, path, contents) do
    ask(ws, :upkeep, {:write, Mount.Options.virtual!(path), IO.iodata_to_binary(contents)})
  end

  @doc "Applies an overlay to its host directory, as `ExMonty.Mount.commit/3`, between two steps."
  @spec commit(t, String.t(), keyword) :: {:ok, Mount.CommitReport.t()} | {:error, term}
  def commit(ws, virtual, opts \\ []) do
    _ = Mount.Options.commit!(opts)
    ask(ws, :upkeep, {:commit, Mount.Options.virtual!(virtual), opts})
  end

  @doc "Forgets the changes of an overlay, as `ExMonty.Mount.discard/2`, between two steps."
  @spec discard(t, String.t()) :: :ok | {:error, term}
  def discard(ws, virtual), do: ask(ws, :upkeep, {:discard, Mount.Options.virtual!(virtual)})

  ## The whole

  @doc """
  Starts a copy, linked to the caller: files, variables and a suspended step are those of `ws` at this point of its
  queue, and what is done in one never shows in the other.

  Files cost the same whatever there is; variables are kept as bytes, which all forks of a workspace share, until the
  fork's first step. `opts` are `:name`, `:store`, `:key`, `:idle_timeout`, and who answers (`:functions` and the like): but
  for name and store those of `ws` where they are not given. A store must not have the name yet.

      iex> {:ok, ws} = ExMonty.Workspace.start_link()
      iex> ExMonty.Workspace.run(ws, "plan = ['a']")
      iex> {:ok, fork} = ExMonty.Workspace.fork(ws)
      iex> ExMonty.Workspace.run(fork, "plan.append('b'); plan")
      {:ok, ["a", "b"], ""}
      iex> ExMonty.Workspace.run(ws, "plan")
      {:ok, ["a"], ""}
  """
  @spec fork(t, keyword) :: {:ok, pid} | {:error, term}
  def fork(ws, opts \\ []) do
    case here(ws) do
      pid when node(pid) == node() -> fork(pid, opts, :link)
      pid -> fork_at(node(pid), pid, opts, :link)
    end
  end

  # A fork shares memory with its template, so it is made where that is, which may be elsewhere by the time of its turn.
  @doc false
  def fork(pid, opts, link) do
    options = Options.fork!(call(pid, :options), opts)

    case ask(pid, :upkeep, :fork) do
      {:ok, contents, node} when node == node() -> Server.start(link, options, {:fork, contents})
      {:ok, _contents, node} -> fork_at(node, pid, opts, link)
      {:error, reason} -> {:error, reason}
    end
  end

  defp fork_at(node, pid, opts, link) do
    with {:ok, fork} <- :erpc.call(node, __MODULE__, :fork, [pid, opts, :nolink]) do
      if link == :link, do: Process.link(fork)
      {:ok, fork}
    end
  catch
    # As it would be here.
    :error, {:exception, %ArgumentError{} = error, _stack} -> raise error
    :exit, {:exception, reason} -> exit(reason)
    :error, {:erpc, reason} -> {:error, Passage.unreachable(node, reason)}
  end

  @doc """
  Everything as a binary: variables, files (host directories are not in it) and a suspended step. `start_link(from:
  binary)` goes on from there, on any node, with the host directories of `:hosts` or `:mounts`.

      iex> {:ok, ws} = ExMonty.Workspace.start_link(key: "secret")
      iex> ExMonty.Workspace.run(ws, "n = 41")
      iex> {:ok, dump} = ExMonty.Workspace.dump(ws)
      iex> {:ok, later} = ExMonty.Workspace.start_link(from: dump, key: "secret")
      iex> ExMonty.Workspace.run(later, "n + 1")
      {:ok, 42, ""}
  """
  @spec dump(t) :: {:ok, binary} | {:error, term}
  def dump(ws), do: ask(ws, :upkeep, :dump)

  @doc """
  Hands a workspace over to `node`, after the step that runs. Callers that wait are served there, and so are callers
  that still use the process that was; it stays, and passes on, as long as the other lives.

  With `supervisor: name`, it becomes a child of the `DynamicSupervisor` of that name on `node`, else of nobody. Host
  directories of the mounts must be there under the same paths. If it cannot be moved, the error says why and it goes on
  where it is: also when `node` goes down on the way.
  """
  @spec move(t, node, keyword) :: {:ok, pid} | {:error, term}
  def move(ws, node, opts \\ []) when is_atom(node) do
    supervisor = Options.supervisor!(opts)

    case here(ws) do
      pid when node(pid) == node -> {:ok, pid}
      _elsewhere -> ask(ws, :upkeep, {:move, node, supervisor})
    end
  end

  @doc """
  The process that has the name now, on whichever connected node; nil if there is none.

      iex> {:ok, ws} = ExMonty.Workspace.start_link(name: "whereis-example")
      iex> ExMonty.Workspace.whereis("whereis-example") == ws
      true
      iex> ExMonty.Workspace.whereis("nobody")
      nil
  """
  @spec whereis(Name.t()) :: pid | nil
  def whereis(name), do: Name.whereis(name)

  @doc "Removes a workspace that is not running from a store. One that the store does not have is `:ok`."
  @spec delete(Store.t(), Name.t()) :: :ok | {:error, term}
  def delete(store, name) do
    store |> Store.validate!() |> Checkpoint.delete(Name.stored!(name))
  end

  # With whoever the caller is working for: a step that waited for itself would wait for ever.
  defp ask(ws, kind, task, patience \\ :queue) do
    call(ws, {:ask, kind, task, patience, Process.get(:"$callers", [])})
  end

  # The process that serves, which is not the one that it moved away from.
  defp here(ws), do: call(ws, :here)

  defp call(ws, request), do: GenServer.call(Name.server(ws), request, :infinity)
end
