defmodule ExMonty.Sandbox.Host do
  @moduledoc false

  # Who answers what a script asks: a function, a callback of the handler, or nobody.

  alias ExMonty.{Dataclass, FunctionCall, OsCall}
  alias ExMonty.Sandbox.{Answer, Callbacks, Modules, Options}

  require Modules

  @enforce_keys [:functions, :os, :env, :modules, :handler, :handles]
  defstruct @enforce_keys

  @type t :: %__MODULE__{
          functions: %{String.t() => function},
          os: %{atom => function},
          env: %{String.t() => String.t()} | nil,
          modules: %{String.t() => ExMonty.Value.t()},
          handler: module | nil,
          handles: [atom]
        }

  @typedoc "Whom to ask, or the answer."
  @type route :: {:ask, Callbacks.request(), Answer.question()} | {:answer, ExMonty.result()}

  @sleeps [:sleep, :async_sleep]

  @doc "The host that options make."
  @spec new(Options.t()) :: t
  def new(%Options{} = options) do
    host = %__MODULE__{
      functions: options.functions,
      os: options.os,
      env: options.env,
      modules: %{},
      handler: options.handler,
      handles: options.handles
    }

    Enum.reduce(options.modules, host, fn {name, attributes}, host ->
      {_value, host, _functions} = add_module(host, name, attributes)
      host
    end)
  end

  @doc "All functions, by the key that a request names."
  @spec callables(t) :: %{term => function}
  def callables(%__MODULE__{} = host) do
    host.functions |> named() |> Map.merge(Map.new(host.os, fn {call, fun} -> {{:os, call}, fun} end))
  end

  @doc "Who answers a call of a function."
  @spec function(t, FunctionCall.t()) :: route
  def function(%__MODULE__{} = host, %FunctionCall{name: name} = call) do
    question = {:function, "#{name}()"}

    cond do
      is_map_key(host.functions, name) ->
        {:ask, {:function, {:function, name}, call.args, call.kwargs}, question}

      String.contains?(name, ".") ->
        {:answer, uncovered(name, call.args)}

      handles?(host, :handle_function) ->
        {:ask, {:handler, host.handler, :handle_function, [name, call.args, call.kwargs]}, question}

      true ->
        {:answer, undefined(name)}
    end
  end

  @doc "Who answers a call of a method; its first argument is the instance."
  @spec method(t, FunctionCall.t()) :: route
  def method(%__MODULE__{} = host, %FunctionCall{name: name, args: [instance | _]} = call) do
    class = class(instance)
    question = {:function, "#{class}.#{name}()"}

    case Enum.find(["#{class}.#{name}", name], &is_map_key(host.functions, &1)) do
      nil ->
        if handles?(host, :handle_function),
          do: {:ask, {:handler, host.handler, :handle_function, [name, call.args, call.kwargs]}, question},
          else: {:answer, no_attribute(instance, name)}

      key ->
        {:ask, {:function, {:function, key}, call.args, call.kwargs}, question}
    end
  end

  @doc "Who answers for a name that is read, or an attribute of an instance."
  @spec name(t, String.t() | {:attribute, ExMonty.Value.t(), String.t()}) :: route
  def name(%__MODULE__{} = host, {:attribute, instance, name}) do
    if handles?(host, :handle_attribute),
      do:
        {:ask, {:handler, host.handler, :handle_attribute, [instance, name]},
         {:attribute, "the attribute #{class(instance)}.#{name}"}},
      else: {:answer, :undefined}
  end

  def name(%__MODULE__{} = host, name) do
    cond do
      is_map_key(host.functions, name) ->
        {:answer, {:ok, {:function, name}}}

      handles?(host, :handle_name_lookup) ->
        {:ask, {:handler, host.handler, :handle_name_lookup, [name]}, {:name, "the name #{name}"}}

      true ->
        {:answer, :undefined}
    end
  end

  @doc "Who answers an OS call that no mount covers. A sleep that nobody answers is `:sleep`."
  @spec os(t, OsCall.t()) :: route | :sleep
  def os(%__MODULE__{} = host, %OsCall{function: :import, args: [name | _]} = call) do
    cond do
      is_map_key(host.modules, name) ->
        {:answer, {:ok, Map.fetch!(host.modules, name)}}

      is_map_key(host.os, :import) ->
        ask_os(call)

      handles?(host, :handle_import) ->
        {:ask, {:handler, host.handler, :handle_import, [name]}, {:import, "the import of #{name}"}}

      true ->
        {:answer, {:ok, :not_found}}
    end
  end

  def os(%__MODULE__{} = host, %OsCall{function: function} = call) do
    cond do
      is_map_key(host.os, function) -> ask_os(call)
      function in @sleeps -> :sleep
      host.env && function == :getenv -> {:answer, {:ok, variable(host.env, call.args)}}
      host.env && function == :get_environ -> {:answer, {:ok, host.env}}
      handles?(host, :handle_os) -> ask_handler(host, call)
      true -> {:answer, :no_handler}
    end
  end

  @doc "Who answers an OS call that `:os` has declined."
  @spec declined(t, OsCall.t()) :: route | :sleep
  def declined(%__MODULE__{} = host, %OsCall{function: function} = call) do
    os(%{host | os: Map.delete(host.os, function)}, call)
  end

  @doc """
  The module that an import was answered with, and the host that has its functions.

  What is neither a module nor a map of attributes is `:error`.
  """
  @spec add_module(t, String.t(), term) :: {ExMonty.Value.t(), t, new :: %{term => function}} | :error
  def add_module(host, name, {:module, _name, attributes}) when Modules.is_attributes(attributes),
    do: add_module(host, name, attributes)

  def add_module(%__MODULE__{} = host, name, attributes) when Modules.is_attributes(attributes) do
    if Modules.flaw(attributes) do
      :error
    else
      {value, functions} = Modules.build(name, attributes)
      modules = Map.put(host.modules, name, value)
      {value, %{host | functions: Map.merge(host.functions, functions), modules: modules}, named(functions)}
    end
  end

  def add_module(_host, _name, _other), do: :error

  @doc "The answer to a call of a function that is not there."
  @spec undefined(String.t()) :: ExMonty.result()
  def undefined(name), do: {:error, :name_error, "name '#{name}' is not defined"}

  @doc "The answer to a call of a method that is not there."
  @spec no_attribute(ExMonty.Value.t(), String.t()) :: ExMonty.result()
  def no_attribute(instance, name) do
    {:error, :attribute_error, "'#{class(instance)}' object has no attribute '#{name}'"}
  end

  defp ask_os(%OsCall{function: function, args: args, kwargs: kwargs}) do
    {:ask, {:function, {:os, function}, args, kwargs}, {:os, "the OS call #{function}"}}
  end

  defp ask_handler(host, %OsCall{function: function, args: args, kwargs: kwargs}) do
    {:ask, {:handler, host.handler, :handle_os, [function, args, kwargs]}, {:os, "the OS call #{function}"}}
  end

  # A function of a module that the mounts would have answered, had they covered its paths: `shutil.copy`, `glob.glob`.
  # Nothing is where no mount is, so a search finds nothing, and what would touch a file is refused as `open` is.
  defp uncovered("glob." <> _function, _args), do: {:ok, []}
  defp uncovered(_name, args), do: {:error, :permission_error, "Permission denied: #{place(args)}"}

  defp place([{:path, path} | _]), do: "'#{path}'"
  defp place([path | _]) when is_binary(path), do: "'#{path}'"
  defp place(_args), do: "no mount is there"

  defp variable(env, [name | default]), do: Map.get(env, name, List.first(default))

  defp named(functions), do: Map.new(functions, fn {name, fun} -> {{:function, name}, fun} end)

  defp handles?(%__MODULE__{handles: handles}, callback), do: callback in handles

  defp class(%Dataclass{name: name}), do: name
  defp class({:type, name}), do: name
  defp class(_instance), do: "object"
end
