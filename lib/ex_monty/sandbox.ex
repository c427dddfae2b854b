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

  `:functions` come first, then the `:handler`, a module with this behaviour.

    * A **function** that is called: the entry of `:functions`, else `c:handle_function/3`, else it is a `NameError`.
      Each gets the list of positional arguments and the string-keyed map of keyword arguments.
    * A **name** that is read, as in `checks = [score]`: a key of `:functions` is a function; else
      `c:handle_name_lookup/1`, else it is a `NameError`.
    * A **method** of an `ExMonty.Dataclass` of yours, `point.norm()`: the entry `"Point.norm"` of `:functions`, else
      `"norm"`, else `c:handle_function/3`; the instance is the first argument. Else it is an `AttributeError`.
    * An **attribute** of one that is no field: `c:handle_attribute/2`, else it is an `AttributeError`. `:functions` are
      never asked, lest a script reach one by the name of an attribute.
    * A **module** that the interpreter lacks, in an `import`: the entry of `:modules`, else `c:handle_import/1`, else it
      is a `ModuleNotFoundError`.
    * An **OS call** (a file, the environment, the clock): the mount that covers the path; else the entry of `:os`, else
      `:env` for `os.getenv` and `os.environ`, else `c:handle_os/3`. Where nobody answers, `Path.exists` and its kin are
      `False`, searches find nothing, other file calls raise `PermissionError`, the clock is the system's, and the rest raises
      `RuntimeError`.
    * A **sleep**, of `time` or `asyncio`, is waited for, without a thread, and gathered sleeps side by side. Only `:os`
      can replace that.

  ## What they answer

    * `{:ok, value}` – see the table of values in `ExMonty.Value`; for OS calls the one in `ExMonty.OsCall`.
    * `{:error, type, message}` – raises the Python exception `type`, an atom such as `:value_error`.
    * `{:error, message}` – raises `RuntimeError`.
    * `{:async, fun}` – from a function or method: it is awaitable in Python, and its value is what `fun`, of no
      arguments, answers in the three ways above. What is gathered runs side by side.
    * `:undefined` – from a function, method, name or attribute: as if nobody had been asked.
    * `:no_handler` – from an OS call: as if this one had not been asked.
    * `:not_found` – from an import.

  A run pauses where the script itself calls. What a builtin calls in the middle of its work, as `sorted(rows, key=score)` calls
  `score`, `map` its function, and `==` and `str` the methods of a class, cannot pause: there a function of yours, and a file
  call, is a `NotImplementedError`. A comprehension or a loop does the same and can.

  Whatever else they do (another answer, a raise, throw or exit, a value Python cannot hold, no answer within
  `:callback_timeout`) becomes a Python exception in the script, which may catch it. It never ends the run by itself.

  ## Where they run

  In one process beside the caller, with `$callers` set, one at a time. What closures capture is copied there once per
  run, not once per call. That process hands the script its answers, too, so that a call costs no switch of processes; one
  who kills it from outside while the script computes ends the run with `%ExMonty.Error{reason: :interrupted}`. The `fun` of `{:async, fun}` is copied once more, into a process of its own. All of them end
  with the run, and with the process that called `run/2`.

      iex> code = \"""
      ...> import asyncio
      ...> await asyncio.gather(fetch('a'), fetch('b'))
      ...> \"""
      iex> fetch = fn [key], _kwargs -> {:async, fn -> {:ok, String.upcase(key)} end} end
      iex> ExMonty.Sandbox.run(code, functions: %{"fetch" => fetch})
      {:ok, ["A", "B"], ""}

  ## Modules

  A module is a map of attributes, each a function or a value:

      iex> shop = %{"TAX" => 0.5, "price" => fn [item], _kwargs -> {:ok, byte_size(item)} end}
      iex> ExMonty.Sandbox.run("import shop\\nfrom shop import price\\nprice('tea') * shop.TAX", modules: %{"shop" => shop})
      {:ok, 1.5, ""}

  ## Options

  #{ExMonty.Sandbox.Options.docs()}

  The value of a run is the value of the script's last statement if that is an expression, else `nil`.

  A run that outlasts its `:timeout` ends where it is: what it called is killed, its lease is free, and the answer is an
  `ExMonty.Exception` of type `:timeout_error` with what was printed. The clock starts when the source has been compiled and the
  lease is there, and runs while the run waits for a thread of the engine. Time in the interpreter is also held by `:max_duration_secs` of `:limits`, which does not count waiting.

  `:on_output` is called in a process of its own; the run waits for it only at its end. Of one that raises, the run
  takes no notice, and the log a single line.

  Runs are reported as `ExMonty.Telemetry` says.
  """

  alias ExMonty.{Compiler, Mount}
  alias ExMonty.Sandbox.{Driver, Options}

  @typedoc "What everybody may answer."
  @type answer ::
          {:ok, term} | {:error, type :: atom, message :: String.t()} | {:error, message :: String.t()}

  @typedoc "What a function answers that is awaitable."
  @type async :: {:async, (() -> answer)}

  @typedoc "A function that a script can call: positional arguments, and keyword arguments by name."
  @type callback :: (args :: [term], kwargs :: %{String.t() => term} -> answer | async)

  @doc """
  Answers a call of a function that `:functions` do not have, or of a method, with the instance as the first argument.
  """
  @callback handle_function(name :: String.t(), args :: [term], kwargs :: %{String.t() => term}) ::
              answer | async | :undefined

  @doc "Answers an OS call that no mount covers and `:os` does not have."
  @callback handle_os(
              function :: ExMonty.OsCall.function_name(),
              args :: [term],
              kwargs :: %{String.t() => term}
            ) ::
              answer | :no_handler

  @doc """
  Says what a name is that is read and not called: a value, or with `{:ok, {:function, name}}` a function.
  """
  @callback handle_name_lookup(name :: String.t()) :: answer | :undefined

  @doc "Says what an attribute is that an instance of yours has no field for."
  @callback handle_attribute(instance :: ExMonty.Dataclass.t(), name :: String.t()) :: answer | :undefined

  @doc """
  Gives a module that the interpreter lacks: `{:ok, attributes}`, a map as in `:modules`.

  `name` is what is before the first dot: `import shop.tea` asks for `"shop"`, and looks for `tea` among its attributes, where
  `{:module, "tea", attributes}` is a module.
  """
  @callback handle_import(name :: String.t()) :: answer | :not_found

  @optional_callbacks handle_os: 3, handle_name_lookup: 1, handle_attribute: 2, handle_import: 1

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

    with {:ok, runner} <- Compiler.compile_for(code, Options.compile(options), options.start),
         {:ok, mounts} <- table(options.mounts),
         {:ok, lease} <- Mount.checkout(mounts, options.lease) do
      try do
        Driver.run(&ExMonty.begin(runner, options.inputs, options.start, lease.ref, &1), lease, options)
      after
        Mount.release(lease)
      end
    end
  end

  defp table(%Mount{} = mounts), do: {:ok, mounts}
  defp table(specs), do: Mount.new(specs)
end
