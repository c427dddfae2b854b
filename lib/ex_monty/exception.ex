defmodule ExMonty.Exception do
  @moduledoc """
  A Python exception: one that ended a run, or one that is a value.

  `type` is the type in snake case, acronyms as people write them (`:value_error`, `:os_error`, `:json_decode_error`),
  `message` what it was raised with, `nil` if that was nothing. `traceback` holds the frames, outermost first, and
  `output` what the script printed before. A breached limit and a syntax error are exceptions as well.

      iex> {:error, exception} = ExMonty.eval("print('so far')\\nint('x')")
      iex> {exception.type, exception.output}
      {:value_error, "so far\\n"}
      iex> Exception.message(exception)
      "ValueError: invalid literal for int() with base 10: 'x'"

  An exception that is a value has no traceback and no output, and can be handed to a script.
  """

  alias ExMonty.StackFrame

  @names %{
    exception: "Exception",
    base_exception: "BaseException",
    system_exit: "SystemExit",
    keyboard_interrupt: "KeyboardInterrupt",
    arithmetic_error: "ArithmeticError",
    overflow_error: "OverflowError",
    zero_division_error: "ZeroDivisionError",
    lookup_error: "LookupError",
    index_error: "IndexError",
    key_error: "KeyError",
    runtime_error: "RuntimeError",
    not_implemented_error: "NotImplementedError",
    recursion_error: "RecursionError",
    attribute_error: "AttributeError",
    frozen_instance_error: "FrozenInstanceError",
    name_error: "NameError",
    unbound_local_error: "UnboundLocalError",
    value_error: "ValueError",
    unicode_decode_error: "UnicodeDecodeError",
    unicode_encode_error: "UnicodeEncodeError",
    json_decode_error: "json.JSONDecodeError",
    toml_decode_error: "tomllib.TOMLDecodeError",
    import_error: "ImportError",
    module_not_found_error: "ModuleNotFoundError",
    os_error: "OSError",
    file_not_found_error: "FileNotFoundError",
    file_exists_error: "FileExistsError",
    is_a_directory_error: "IsADirectoryError",
    not_a_directory_error: "NotADirectoryError",
    permission_error: "PermissionError",
    unsupported_operation: "io.UnsupportedOperation",
    timeout_error: "TimeoutError",
    assertion_error: "AssertionError",
    memory_error: "MemoryError",
    stop_iteration: "StopIteration",
    syntax_error: "SyntaxError",
    type_error: "TypeError",
    re_pattern_error: "re.PatternError",
    binascii_error: "binascii.Error",
    binascii_incomplete: "binascii.Incomplete",
    csv_error: "_csv.Error",
    decimal_exception: "decimal.DecimalException",
    decimal_clamped: "decimal.Clamped",
    decimal_invalid_operation: "decimal.InvalidOperation",
    decimal_conversion_syntax: "decimal.ConversionSyntax",
    decimal_division_by_zero: "decimal.DivisionByZero",
    decimal_division_impossible: "decimal.DivisionImpossible",
    decimal_division_undefined: "decimal.DivisionUndefined",
    decimal_inexact: "decimal.Inexact",
    decimal_invalid_context: "decimal.InvalidContext",
    decimal_rounded: "decimal.Rounded",
    decimal_subnormal: "decimal.Subnormal",
    decimal_overflow: "decimal.Overflow",
    decimal_underflow: "decimal.Underflow",
    decimal_float_operation: "decimal.FloatOperation"
  }

  # Of more frames at the same place than this, a traceback shows the first three and a count.
  @shown_repetitions 3

  @typedoc "A Python exception; see the module's documentation."
  @type t :: %__MODULE__{
          type: atom(),
          message: String.t() | nil,
          traceback: [StackFrame.t()],
          output: String.t()
        }

  # What the interpreter keeps of a key that is no string, or was put in quotes before.
  @no_string ~r/\A(-?[0-9][0-9.eE+-]*|None|True|False|\(.*\)|b?'.*')\z/s

  # In bytes: a script chooses the text, and whoever asks for the message pays for quoting it.
  @longest_quoted 65_536

  defexception type: :exception, message: nil, traceback: [], output: ""

  @doc """
  The line that Python would print last: the type and the message.

      iex> Exception.message(%ExMonty.Exception{type: :value_error, message: "bad"})
      "ValueError: bad"
      iex> Exception.message(%ExMonty.Exception{type: :assertion_error})
      "AssertionError"

  The text of a `KeyError` is a key, which Python shows in quotes if it is a string. The interpreter keeps only the text of a
  key: one that reads as a number, a tuple, `None`, `True` or `False`, or stands in quotes already, is shown as that, and so is
  one of more than 64 KiB.

      iex> {:error, exception} = ExMonty.eval("{}['name']")
      iex> {exception.message, Exception.message(exception)}
      {"name", "KeyError: 'name'"}
  """
  @impl true
  @spec message(t()) :: String.t()
  def message(%__MODULE__{type: :key_error, message: key})
      when is_binary(key) and byte_size(key) <= @longest_quoted do
    "KeyError: #{if key =~ @no_string, do: key, else: quoted(key)}"
  end

  def message(%__MODULE__{type: type, message: message}) when message in [nil, ""], do: type_name(type)
  def message(%__MODULE__{type: type, message: message}), do: "#{type_name(type)}: #{message}"

  # A string as Python's `repr` shows it, but for what is printable to Elixir and not to Python.
  defp quoted(text) do
    quotes = if String.contains?(text, "'") and not String.contains?(text, "\""), do: ?", else: ?'
    shown = for <<character::utf8 <- text>>, do: escaped(character, quotes)
    IO.chardata_to_string([quotes, shown, quotes])
  end

  defp escaped(quotes, quotes), do: [?\\, quotes]
  defp escaped(?\\, _quotes), do: "\\\\"
  defp escaped(?\n, _quotes), do: "\\n"
  defp escaped(?\r, _quotes), do: "\\r"
  defp escaped(?\t, _quotes), do: "\\t"

  defp escaped(character, _quotes) do
    cond do
      character >= ?\s and character != ?\d and String.printable?(<<character::utf8>>) -> character
      character < 0x100 -> "\\x" <> hexadecimal(character, 2)
      true -> "\\u" <> hexadecimal(character, 4)
    end
  end

  defp hexadecimal(character, digits) do
    character |> Integer.to_string(16) |> String.downcase() |> String.pad_leading(digits, "0")
  end

  @doc """
  The whole traceback as Python prints it, without a line break at its end.

  Frames that repeat themselves more than three times are counted instead of shown. The markers under a line are those of
  the interpreter, which underlines whole expressions with `~`.

      iex> {:error, exception} = ExMonty.eval("def half(x):\\n    return 1 / x\\n\\nhalf(0)")
      iex> exception |> ExMonty.Exception.format() |> String.split("\\n")
      [
        "Traceback (most recent call last):",
        "  File \\"main.py\\", line 4, in <module>",
        "    half(0)",
        "    ~~~~~~~",
        "  File \\"main.py\\", line 2, in half",
        "    return 1 / x",
        "           ~~~~~",
        "ZeroDivisionError: division by zero"
      ]
  """
  @spec format(t()) :: String.t()
  def format(%__MODULE__{traceback: []} = exception), do: message(exception)

  def format(%__MODULE__{traceback: frames} = exception) do
    shown =
      frames
      |> Enum.chunk_by(&{&1.filename, &1.line, &1.name})
      |> Enum.map(&format_run/1)

    IO.iodata_to_binary(["Traceback (most recent call last):\n", shown, message(exception)])
  end

  @doc """
  The types of exceptions, as they appear in `type` and are given to raise one.

      iex> :file_not_found_error in ExMonty.Exception.types()
      true
  """
  @spec types() :: [atom()]
  def types, do: Map.keys(@names)

  @doc """
  The name that Python has for a type.

      iex> ExMonty.Exception.type_name(:json_decode_error)
      "json.JSONDecodeError"
  """
  @spec type_name(atom()) :: String.t()
  def type_name(type), do: Map.get_lazy(@names, type, fn -> to_string(type) end)

  defp format_run(frames) do
    case length(frames) - @shown_repetitions do
      more when more > 0 ->
        shown = frames |> Enum.take(@shown_repetitions) |> Enum.map(&format_frame/1)
        times = if more == 1, do: "time", else: "times"
        [shown, "  [Previous line repeated #{more} more #{times}]\n"]

      _ ->
        Enum.map(frames, &format_frame/1)
    end
  end

  defp format_frame(%StackFrame{} = frame) do
    header = ~s(  File "#{frame.filename}", line #{frame.line})
    place = if frame.name, do: [header, ", in ", frame.name], else: header
    [place, ?\n, preview(frame.preview)]
  end

  defp preview(nil), do: []
  defp preview(text), do: text |> String.split("\n") |> Enum.map(&["    ", &1, ?\n])
end
