defmodule ExMonty.Test.Greed do
  @moduledoc false

  # What is done on a node where scripts build a source so large that compiling it, which looks at no limit, takes more
  # than any run may have. Answers are what `ExMonty.Test.Attack.outcome/1` takes.

  alias ExMonty.{Error, Exception, Mount, Sandbox, Session, Workspace}

  # Some 600 MiB when it is compiled; the limits below leave it 130, and the time that takes on a busy machine.
  @bomb "exec('1;' * 1_000_000)"
  @options [dynamic_code: true, limits: %{max_memory: 1_048_576 * 3, max_duration_secs: 1_000}]

  @doc "A run with a lease that is stranded, and what there is afterwards."
  def run do
    mounts = Mount.new!([{"/m", :memory}])
    code = "open('/m/a', 'w').write('kept')\nprint('told')\n" <> @bomb
    {:error, %Exception{} = exception} = Sandbox.run(code, [mounts: mounts] ++ @options)
    {:ok, lease} = Mount.checkout(mounts)
    {:ok, file} = Mount.read(mounts, "/m/a")
    :ok = Mount.release(lease)
    {:ok, {exception.type, exception.message, exception.output, file, Sandbox.run("1 + 1"), counters()}, ""}
  end

  @doc "An evaluation that is stranded, and what becomes of its session."
  def evaluate do
    {:ok, session} = Session.new(@options)
    {:ok, nil, "", session} = Session.eval(session, "x = 1")
    {:error, %Exception{type: type}} = Session.eval(session, @bomb)
    {:error, %Error{reason: reason}} = Session.eval(session, "x")
    {:ok, {type, reason, counters()}, ""}
  end

  @doc "Steps of a workspace that are stranded, and what becomes of its files and variables."
  def step do
    {:ok, ws} = Workspace.start_link([mounts: [{"/w", :memory}]] ++ @options)
    {:ok, nil, ""} = Workspace.run(ws, "x = 1")
    code = "open('/w/a', 'w').write('written')\n" <> @bomb

    [rolled_back, kept] =
      for policy <- [:rollback, :keep] do
        step = Workspace.run(ws, code, on_error: policy)
        {kind(step), kind(Workspace.run(ws, "x")), Workspace.read(ws, "/w/a")}
      end

    {:ok, {rolled_back, kept, Workspace.run(ws, "x = 2; x")}, ""}
  end

  defp kind({:error, {what, %Exception{type: type}}}), do: {what, type}
  defp kind({:error, %Exception{type: type}}), do: type
  defp kind({:ok, value, ""}), do: value

  @doc "As many runs at once as there may be stuck ones, and more."
  def many do
    bound = 2 * System.schedulers_online() + 2
    tasks = for _ <- 1..bound, do: Task.async(fn -> Sandbox.run(@bomb, @options) end)
    ended = for {:error, %Exception{type: type}} <- Task.await_many(tasks, :infinity), do: type
    {:ok, {bound, Enum.frequencies(ended), Sandbox.run("1 + 1"), counters()}, ""}
  end

  # A turn that took long counts as running until a moment after its answer.
  defp counters do
    ExMonty.Patience.until(fn -> ExMonty.info().turns_running == 0 end)
    Map.take(ExMonty.info(), [:turns_stranded, :turns_abandoned, :turns_stuck, :turns_running])
  end
end
