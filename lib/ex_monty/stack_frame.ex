defmodule ExMonty.StackFrame do
  @moduledoc """
  One frame of a Python traceback: where, in which function, and what stands there.

  Lines and columns count from one, columns in characters; the end is exclusive. `name` is `"<module>"` outside of
  functions, and `nil` where Python shows none, which is in the frame of a `SyntaxError`. `preview` holds the lines that
  a traceback shows under the frame, markers included and without indentation, or `nil`; a traceback carries at most
  512 KiB of source this way, and its innermost frames are served first.
  """

  @typedoc "A frame; see the module's documentation for the units."
  @type t :: %__MODULE__{
          filename: String.t(),
          line: pos_integer(),
          column: pos_integer(),
          end_line: pos_integer(),
          end_column: pos_integer(),
          name: String.t() | nil,
          preview: String.t() | nil
        }

  defstruct [:filename, :line, :column, :end_line, :end_column, :name, :preview]
end
