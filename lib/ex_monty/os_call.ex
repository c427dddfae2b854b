defmodule ExMonty.OsCall do
  @moduledoc """
  A call of the operating system that a script waits for, and that no mount covers.

  Paths arrive as `{:path, path}`, bytes as `{:bytes, binary}`. What each function is answered with:

  | functions | `{:ok, …}` with |
  |---|---|
  | `:exists`, `:is_file`, `:is_dir`, `:is_symlink` | a boolean |
  | `:read_text` | a UTF-8 binary |
  | `:read_bytes`, `:urandom` | `{:bytes, binary}` |
  | `:write_text`, `:write_bytes`, `:append_text`, `:append_bytes` | an integer, what was written |
  | `:open` | `{:file_handle, %{path: path, mode: mode, position: 0}}` |
  | `:mkdir`, `:unlink`, `:rmdir`, `:rename`, `:sleep`, `:async_sleep` | anything |
  | `:iterdir` | a list of `{:path, path}` or of names |
  | `:stat` | a `File.Stat` or the result of another `stat` |
  | `:scan` | a list of `{relative, dir?, file?, link?}` with the root as `""`, or `%{"matches" => relatives}` |
  | `:resolve`, `:absolute` | `{:path, path}` |
  | `:getenv` | a string or `nil` |
  | `:get_environ` | a map of strings |
  | `:date_today`, `:datetime_now` | a `Date`, a `NaiveDateTime` or a `DateTime` |
  | `:time` | a float, seconds |
  | `:import` | a module, or `:not_found` |

  Instead, `{:error, type, message}` raises, and `:no_handler` gives the interpreter's own answer.
  """

  @functions [
    :exists,
    :is_file,
    :is_dir,
    :is_symlink,
    :read_text,
    :read_bytes,
    :write_text,
    :write_bytes,
    :append_text,
    :append_bytes,
    :open,
    :mkdir,
    :unlink,
    :rmdir,
    :iterdir,
    :scan,
    :stat,
    :rename,
    :resolve,
    :absolute,
    :getenv,
    :get_environ,
    :date_today,
    :datetime_now,
    :urandom,
    :time,
    :sleep,
    :async_sleep,
    :import
  ]

  @typedoc "A function of the operating system, one of `functions/0`."
  @type function_name :: unquote(Enum.reduce(@functions, &{:|, [], [&1, &2]}))

  @typedoc "A call that waits for its result; `call_id` tells calls of one run apart."
  @type t :: %__MODULE__{
          function: function_name(),
          args: [ExMonty.Value.t()],
          kwargs: %{optional(String.t()) => ExMonty.Value.t()},
          call_id: non_neg_integer()
        }

  defstruct [:function, :call_id, args: [], kwargs: %{}]

  @doc """
  All functions that a call can name.

      iex> :read_text in ExMonty.OsCall.functions()
      true
  """
  @spec functions() :: [function_name(), ...]
  def functions, do: @functions
end
