defmodule ExMonty.Sandbox.Host do
  @moduledoc false

  # Who answers what a script asks: a function, a callback of the handler, or nobody.

  alias ExMonty.{Dataclass, FunctionCall, OsCall}
  alias ExMonty.Sandbox.{Answer, Modules, Options}

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

  @typedoc "A function, an answer to an OS call, or a callback of a handler, with what it is given."
  @type request ::
          {:function, name :: String.t(), args :: [term], kwargs :: map}
          | {:os, OsCall.function_name(), args :: [term], kwargs :: map}
          | {:handler, module, callback :: atom, args :: [term]}

  @typedoc "Whom to ask, or the answer."
  @type route :: {:ask, request, Answer.question()} | {:answer, ExMonty.result()}

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

  @doc "As much of it as answering takes: what is only looked at need not be copied to where that is done."
  @spec answering(t) :: t
  def answering(%__MODULE__{} = host), do: %{host | env: nil, modules: %{}}

  @doc "The host with more functions."
  @spec learn(t, %{String.t() => function}) :: t
  def learn(%__MODULE__{} = host, functions), do: %{host | functions: Map.merge(host.functions, functions)}

  @doc "Does what is asked."
  @spec perform(t, request) :: term
  def perform(%__MODULE__{} = host, {:function, name, args, kwargs}) do
    Map.fetch!(host.functions, name).(args, kwargs)
  end

  def perform(%__MODULE__{} = host, {:os, function, args, kwargs}) do
    Map.fetch!(host.os, function).(args, kwargs)
  end

  def perform(_host, {:handler, module, callback, args}), do: apply(module, callback, args)

  @doc "Who answers what a pause of this kind asks."
  @spec route(t, kind :: atom, asked :: term) :: route | :sleep
  def route(host, :function_call, call), do: function(host, call)
  def route(host, :method_call, call), do: method(host, call)
  def route(host, :name_lookup, name), do: name(host, name)
  def route(host, :os_call, call), do: os(host, call)

  defp function(%__MODULE__{} = host, %FunctionCall{name: name} = call) do
    question = {:function, "#{name}()"}

    cond do
      is_map_key(host.functions, name) ->
        {:ask, {:function, name, call.args, call.kwargs}, question}

      String.contains?(name, ".") ->
        {:answer, uncovered(call)}

      handles?(host, :handle_function) ->
        {:ask, {:handler, host.handler, :handle_function, [name, call.args, call.kwargs]}, question}

      true ->
        {:answer, undefined(name)}
    end
  end

  # The first argument of a method is the instance.
  defp method(%__MODULE__{} = host, %FunctionCall{name: name, args: [instance | _]} = call) do
    class = class(instance)
    question = {:function, "#{class}.#{name}()"}

    case Enum.find(["#{class}.#{name}", name], &is_map_key(host.functions, &1)) do
      nil ->
        if handles?(host, :handle_function),
          do: {:ask, {:handler, host.handler, :handle_function, [name, call.args, call.kwargs]}, question},
          else: {:answer, no_attribute(instance, name)}

      name ->
        {:ask, {:function, name, call.args, call.kwargs}, question}
    end
  end

  # A name that is read, or an attribute of an instance.
  defp name(%__MODULE__{} = host, {:attribute, instance, name}) do
    if handles?(host, :handle_attribute),
      do:
        {:ask, {:handler, host.handler, :handle_attribute, [instance, name]},
         {:attribute, "the attribute #{class(instance)}.#{name}"}},
      else: {:answer, :undefined}
  end

  defp name(%__MODULE__{} = host, name) do
    cond do
      is_map_key(host.functions, name) ->
        {:answer, {:ok, {:function, name}}}

      handles?(host, :handle_name_lookup) ->
        {:ask, {:handler, host.handler, :handle_name_lookup, [name]}, {:name, "the name #{name}"}}

      true ->
        {:answer, :undefined}
    end
  end

  # An OS call that no mount covers. A sleep that nobody answers is `:sleep`.
  defp os(%__MODULE__{} = host, %OsCall{function: :import, args: [name | _]} = call) do
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

  defp os(%__MODULE__{} = host, %OsCall{function: function} = call) do
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
  @spec add_module(t, String.t(), term) :: {ExMonty.Value.t(), t, new :: %{String.t() => function}} | :error
  def add_module(host, name, {:module, _name, attributes}) when Modules.is_attributes(attributes),
    do: add_module(host, name, attributes)

  def add_module(%__MODULE__{} = host, name, attributes) when Modules.is_attributes(attributes) do
    if Modules.flaw(attributes) do
      :error
    else
      {value, functions} = Modules.build(name, attributes)
      modules = Map.put(host.modules, name, value)
      {value, learn(%{host | modules: modules}, functions), functions}
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
    {:ask, {:os, function, args, kwargs}, {:os, "the OS call #{function}"}}
  end

  defp ask_handler(host, %OsCall{function: function, args: args, kwargs: kwargs}) do
    {:ask, {:handler, host.handler, :handle_os, [function, args, kwargs]}, {:os, "the OS call #{function}"}}
  end

  # A function of a module that the mounts would have answered, had they covered its paths: `shutil.copy`, `glob.glob`.
  # Nothing is where no mount is, so a search finds nothing, and what would touch a file is refused as `open` is.
  defp uncovered(%FunctionCall{name: "glob." <> _function}), do: {:ok, []}

  defp uncovered(%FunctionCall{args: args, kwargs: kwargs}) do
    given = args ++ for name <- ["path", "src", "dst"], value = kwargs[name], do: value
    {:error, :permission_error, "Permission denied: #{given |> Enum.flat_map(&path/1) |> Enum.join(" -> ")}"}
  end

  defp path({:path, path}), do: ["'#{path}'"]
  defp path(path) when is_binary(path), do: ["'#{path}'"]
  defp path(_no_path), do: []

  defp variable(env, [name | default]), do: Map.get(env, name, List.first(default))

  defp handles?(%__MODULE__{handles: handles}, callback), do: callback in handles

  defp class(%Dataclass{name: name}), do: name
  defp class({:type, name}), do: name
  defp class(_instance), do: "object"
end
