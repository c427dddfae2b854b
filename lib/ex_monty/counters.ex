defmodule ExMonty.Counters do
  @moduledoc """
  What `ExMonty.info/0` counts: the work of the engine, for operators.

  Limits bound a run, and the configuration of the application what all runs take together (see `ExMonty`). These numbers
  say how far that is away. They are of one moment, each read on its own, so that two of them need not add up.
  """

  @typedoc """
    * `:turns_running` – runs and compilations on a thread now.
    * `:turns_queued` – those that wait for a thread.
    * `:runs_paused` – runs that wait for Elixir.
    * `:turns_abandoned` – turns whose callers have been answered, or are gone, and which have not ended.
    * `:turns_stuck` – those of them that compute on: their threads have had a core for 200 ms since they were to stop. What
      only had no core to stop on is none of them. At `:max_abandoned_turns` of these new runs are refused.
    * `:turns_stranded` – turns that asked for far more memory than they may have in an operation that looks at no limit. Their
      callers have got a `MemoryError`; their threads sleep for ever, and what they hold stays in `:metered_bytes`. No script
      is known to come to that without `dynamic_code: true`.
    * `:threads` – threads that there are, idle ones included and those of stuck and stranded turns left out.
    * `:metered_bytes` – bytes held by all runs and runners.
    * `:calls_answered` – calls of runs that mounts answered, without a trip to Elixir, since the start.
    * `:overloads` – work that was refused as `:overloaded`, since the start.
    * `:limit_breaches` – runs that ended in a `MemoryError`, a `TimeoutError` or by another limit, since the start.
  """
  @type t :: %{
          turns_running: non_neg_integer,
          turns_queued: non_neg_integer,
          runs_paused: non_neg_integer,
          turns_abandoned: non_neg_integer,
          turns_stuck: non_neg_integer,
          turns_stranded: non_neg_integer,
          threads: non_neg_integer,
          metered_bytes: non_neg_integer,
          calls_answered: non_neg_integer,
          overloads: non_neg_integer,
          limit_breaches: non_neg_integer
        }
end
