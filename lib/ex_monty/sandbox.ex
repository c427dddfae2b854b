defmodule ExMonty.Sandbox do
  @moduledoc """
  Runs a Python script to its end, answering what it asks with your functions and mounts.

      iex> ExMonty.Sandbox.run("greet(name)",
      ...>   inputs: %{name: "Ada"},
      ...>   functions: %{"greet" => fn [name], _kwargs -> {:ok, "Hello, " <> name} end}
      ...> )
      {:ok, "Hello, Ada", ""}

  File calls that a mount covers are answered in Rust and never reach Elixir:

      iex> code = \"\"\"
      ...> from pathlib import Path
      ...> Path('/scratch/out.txt').write_text('42')
      ...> \"\"\"
      iex> mounts = ExMonty.Mount.new!([{"/scratch", :memory}])
      iex> ExMonty.Sandbox.run(code, mounts: mounts)
      {:ok, 2, ""}
      iex> ExMonty.Mount.read(mounts, "/scratch/out.txt")
      {:ok, "42"}

  ## What a script asks, and who answers

    * A **name** it does not know: a key of `:functions` is a function, anything else a `NameError`.
    * A **function** of yours: called with the list of positional arguments and the string-keyed map of keyword
      arguments.
    * An **OS call** (a file, the environment, the clock): the mount that covers the path; else the entry of `:os`
      for the call; else nobody: `Path.exists` and its kin answer `False`, file calls raise `PermissionError`, the
      clock is the system's, and anything else raises `RuntimeError`.

  ## What a function answers

    * `{:ok, value}` – see the table of values in `ExMonty.Value`.
    * `{:error, type, message}` – raises the Python exception `type`, an atom such as `:value_error`.
    * `{:error, message}` – raises `RuntimeError`.

  Whatever else a function does (another answer, a raise, throw or exit, a value Python cannot hold, no answer within
  `:callback_timeout`) becomes a Python exception in the script, which may catch it. It never ends the run by itself.

  Functions run in one process beside the caller, with `$callers` set, one at a time. What their closures capture is
  copied there once per run, not once per call; the process ends with the run.

  ## Options

  #{ExMonty.Sandbox.Options.docs()}

  The value of a run is the value of the script's last statement if that is an expression, else `nil`.
  """

  alias ExMonty.Mount
  alias ExMonty.Sandbox.{Driver, Options}

  @typedoc "What a function of yours answers."
  @type answer :: {:ok, term} | {:error, atom, String.t()} | {:error, String.t()}

  @typedoc "A function that a script can call: positional arguments, and keyword arguments by name."
  @type callback :: (args :: [term], kwargs :: %{String.t() => term} -> answer)

  @doc """
  Compiles `code`, runs it to its end, and gives the value of its last expression with what it printed.

  Returns `{:ok, value, output}`, or `{:error, reason}` where `reason` is

    * `%ExMonty.Exception{}` for anything Python raised, syntax errors and limits included, with what was printed
      before it in `output`;
    * `%ExMonty.Error{}` for the rest;
    * `:mount_in_use` when the table's lease could not be had, or an error of `ExMonty.Mount.add/5` for `:mounts`
      given as specs.

  Raises `ArgumentError` for an option that does not exist or has the wrong shape.

      iex> {:error, exception} = ExMonty.Sandbox.run("open('/etc/passwd')")
      iex> Exception.message(exception)
      "PermissionError: Permission denied: '/etc/passwd'"
  """
  @spec run(String.t(), keyword) ::
          {:ok, value :: term, output :: String.t()}
          | {:error, ExMonty.Exception.t() | ExMonty.Error.t() | Mount.error()}
  def run(code, opts \\ []) when is_binary(code) do
    options = Options.validate!(opts)

    with {:ok, runner} <- ExMonty.compile(code, Options.compile(options)),
         {:ok, mounts} <- table(options.mounts),
         {:ok, lease} <- Mount.checkout(mounts) do
      try do
        Driver.run(
          fn _watch -> ExMonty.start_with_mounts(runner, lease, options.inputs, options.start) end,
          lease,
          options
        )
      after
        Mount.release(lease)
      end
    end
  end

  defp table(%Mount{} = mounts), do: {:ok, mounts}
  defp table(specs), do: Mount.new(specs)
end
