defmodule ExMonty.OsCall do
  @moduledoc """
  A call of the operating system that a script waits for, and that no mount covers.

  Paths arrive as `{:path, path}`, absolute and without `.` and `..`, bytes as `{:bytes, binary}`. What each function is called
  with, and answered with:

  | functions | `args` | `{:ok, …}` with |
  |---|---|---|
  | `:exists`, `:is_file`, `:is_dir`, `:is_symlink` | path | a boolean |
  | `:read_text` | path | a UTF-8 binary |
  | `:read_bytes` | path | `{:bytes, binary}` |
  | `:write_text`, `:append_text` | path, text | an integer, what was written |
  | `:write_bytes`, `:append_bytes` | path, bytes | an integer, what was written |
  | `:open` | path, mode such as `"r"` or `"wb"` | `{:file_handle, %{path: path, mode: mode, position: 0}}` |
  | `:mkdir` | path; `kwargs` are `"parents"` and `"exist_ok"` | anything |
  | `:unlink`, `:rmdir` | path | anything |
  | `:rename` | path, new path | anything |
  | `:iterdir` | path | a list of `{:path, path}` or of names |
  | `:stat` | path | a `File.Stat` or the result of another `stat` |
  | `:scan` | path; for `kwargs` see below | a list of `{relative, dir?, file?, link?}` with the root as `""`, or `%{"matches" => relatives}` |
  | `:resolve`, `:absolute` | path | `{:path, path}` |
  | `:getenv` | name, default | a string, or the default |
  | `:get_environ` | none | a map of strings |
  | `:date_today` | none | a `Date` |
  | `:datetime_now` | `{:timezone, …}` or `nil` | a `NaiveDateTime` or a `DateTime` |
  | `:urandom` | number of bytes | `{:bytes, binary}` of that many |
  | `:time` | who asks, such as `"time.monotonic"` | a float, seconds |
  | `:sleep`, `:async_sleep` | seconds, a float | anything |
  | `:import` | name | a module, or `:not_found` |

  `open` for writing is a call of `:open`, and one of `:append_text` or `:append_bytes` for each `write`; reading from what was
  opened is a call of `:read_text` or `:read_bytes`.

  `:scan` is `os.walk`, `os.scandir`, `Path.glob` and their kin. Its `kwargs` are `"max_depth"` (an integer, or `nil` for all
  levels), `"follow_symlinks"`, `"pattern"` (a list of components such as `["**", "*.py"]`, or `nil`), `"case_sensitive"`
  (`nil` for the usual) and `"recurse_symlinks"`. A list of entries may have more than matches the pattern; `"matches"`,
  which only a call with a pattern takes, are taken as they are.

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
