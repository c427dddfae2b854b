defmodule ExMonty.Compiler do
  @moduledoc false

  # From a source to a runner.

  alias ExMonty.{Error, Limits, Options, Turn}

  @doc "What `ExMonty.compile/2` does."
  @spec compile(String.t(), keyword) :: {:ok, ExMonty.runner()} | {:error, ExMonty.reason()}
  def compile(code, opts), do: compile(code, Options.compile!(opts), nil)

  @doc "The same for one run with these options, whose memory is what compiling may take, too."
  @spec compile_for(String.t(), keyword, keyword) :: {:ok, ExMonty.runner()} | {:error, ExMonty.reason()}
  def compile_for(code, opts, run_opts) do
    max_memory = run_opts |> Keyword.get(:limits, %{}) |> Limits.memory!()
    compile(code, Options.compile!(opts), max_memory)
  end

  defp compile(code, %{max_source_bytes: max}, _max_memory) when byte_size(code) > max do
    message = "the source has #{byte_size(code)} bytes, and :max_source_bytes accepts #{max}"
    {:error, %Error{reason: :source_too_large, message: message}}
  end

  defp compile(code, options, max_memory) do
    Turn.take(:compile, [code, options.script_name, options.inputs, options.dynamic_code, max_memory])
  end
end
