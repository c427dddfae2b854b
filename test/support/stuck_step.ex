defmodule ExMonty.Test.StuckStep do
  @moduledoc false

  # A step of a workspace that cannot be stopped, on a node that takes more work beside it, however few cores there are.
  # The answer is what `ExMonty.Test.Attack.outcome/1` takes.

  alias ExMonty.Test.FlakyStore
  alias ExMonty.Workspace

  # One operation of the interpreter, which looks at no limit while it computes. It takes many seconds, also on a fast
  # machine, and the variables are with it.
  @endless "10 ** 30_000_000"

  @doc "The arguments that let a node begin something beside a turn that is stuck."
  def arguments, do: ["-ex_monty", "max_abandoned_turns", "2"]

  @doc "Does a step before, the one that cannot be stopped, and one after it."
  def go_on do
    {:ok, store} = FlakyStore.start_link()

    {:ok, ws} = Workspace.start_link(name: "stuck", store: {FlakyStore, store}, mounts: [{"/work", :memory}])

    {:ok, nil, ""} = Workspace.run(ws, "n = 1; open('/work/a', 'w').write('1'); None")

    stuck =
      Workspace.run(ws, "n = 2; open('/work/a', 'w').write('2'); print('so far'); x = #{@endless}",
        limits: %{max_duration_secs: 0.5}
      )

    abandoned = ExMonty.info().turns_abandoned
    next = Workspace.run(ws, "n = n + 1; n, open('/work/a').read()")
    info = ws |> Workspace.info() |> Map.take([:steps, :saved])
    {:ok, %{stuck: stuck, abandoned: abandoned, next: next, info: info}, ""}
  end
end
