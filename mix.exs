Code.require_file("build/native.exs", __DIR__)

defmodule ExMonty.MixProject do
  use Mix.Project

  @version "0.1.0"

  def project do
    [
      app: :ex_monty,
      version: @version,
      elixir: "~> 1.14",
      description: "Safe Python for Elixir, with a filesystem that agents can be trusted with",
      compilers: [:ex_monty_native | Mix.compilers()],
      elixirc_paths: elixirc_paths(Mix.env()),
      deps: [],
      package: package()
    ]
  end

  def application, do: [extra_applications: [:crypto, :logger]]

  defp elixirc_paths(:test), do: ["lib", "test/support", "test/attacks"]
  defp elixirc_paths(_), do: ["lib"]

  defp package do
    [
      licenses: ["MIT"],
      files:
        ~w(lib build crates/mounts crates/nif mix.exs .formatter.exs README.md CHANGELOG.md SECURITY.md LICENSE docs)
    ]
  end
end
