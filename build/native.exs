defmodule ExMonty.NativeBuild do
  @moduledoc """
  Builds the native half of ExMonty with cargo and places it in `priv/native`.

  Required by `mix.exs`, for a compiler must exist before the project that it compiles. It needs no Hex package: cargo
  does the work, this module decides whether there is any, which flags it takes, and what to tell a person whose
  machine lacks something.

  The library does not depend on `MIX_ENV`: every environment loads the one release build.
  """

  @manifest "crates/nif/Cargo.toml"
  @patched_manifest "target/patched/monty-types/Cargo.toml"

  # Everything that the library is made from. `crates/nif/mounts` is a link to `crates/mounts` and is listed as that.
  @sources [
    "crates/mounts/Cargo.toml",
    "crates/mounts/src/**/*.rs",
    "crates/nif/Cargo.{toml,lock}",
    "crates/nif/patches/*",
    "crates/nif/src/**/*.rs"
  ]

  @doc """
  Brings `priv/native/libex_monty_nif.so` of the project in `root` up to date.

  Returns `:ok` when cargo was run and `:noop` when nothing that the library is made from has changed; then no other
  program is started. With `force: true` cargo is always asked. Raises `Mix.Error` with what to do when cargo or a
  recent rustc is missing, and when the build fails; cargo's own progress and errors go to standard error as they come.
  """
  @spec run(Path.t(), force: boolean()) :: :ok | :noop
  def run(root, options \\ []) do
    fingerprint = fingerprint(root)

    if not Keyword.get(options, :force, false) and fresh?(root, fingerprint) do
      :noop
    else
      build(root)
      File.write!(record(root), fingerprint)
      :ok
    end
  end

  @doc """
  Removes the library from `priv/native`; cargo's own files stay, so that the next build is quick.
  """
  @spec clean(Path.t()) :: :ok
  def clean(root) do
    File.rm_rf!(Path.join(root, "priv/native"))
    :ok
  end

  @doc """
  Digests the names and contents of everything that the library in `root` is made from: 32 hexadecimal digits.

  Contents rather than times, so that switching branches back and forth builds nothing.
  """
  @spec fingerprint(Path.t()) :: String.t()
  def fingerprint(root) do
    @sources
    |> Enum.flat_map(&Path.wildcard(Path.join(root, &1)))
    |> Enum.sort()
    |> Enum.map(&[Path.relative_to(&1, root), 0, :erlang.md5(File.read!(&1))])
    |> :erlang.md5()
    |> Base.encode16(case: :lower)
  end

  @doc """
  Tells whether the library in `root` is there and was made from what `fingerprint` describes.
  """
  @spec fresh?(Path.t(), String.t()) :: boolean()
  def fresh?(root, fingerprint) do
    File.exists?(library(root)) and File.read(record(root)) == {:ok, fingerprint}
  end

  @doc """
  Reads the version from what `rustc --version` prints.

      iex> ExMonty.NativeBuild.rustc_version("rustc 1.95.0 (59807616e 2026-04-14)\\n")
      {:ok, "1.95.0"}

      iex> ExMonty.NativeBuild.rustc_version("no compiler")
      :error
  """
  @spec rustc_version(String.t()) :: {:ok, String.t()} | :error
  def rustc_version(output) do
    case Regex.run(~r/^rustc (\d+\.\d+\.\d+)/, output) do
      [_, version] -> {:ok, version}
      nil -> :error
    end
  end

  @doc """
  Reads the `rust-version` that a `Cargo.toml` declares, as three numbers.

      iex> ExMonty.NativeBuild.declared_version(~s(name = "monty"\\nrust-version = "1.96"\\n))
      "1.96.0"
  """
  @spec declared_version(String.t()) :: String.t()
  def declared_version(manifest) do
    [_, version] = Regex.run(~r/^rust-version = "(\d+\.\d+(?:\.\d+)?)"/m, manifest)
    if version =~ ~r/\.\d+\./, do: version, else: version <> ".0"
  end

  @doc """
  Tells whether compiler `version` is older than `wanted`; a nightly or beta counts as the release it leads to.

      iex> ExMonty.NativeBuild.older?("1.95.0", "1.96.0")
      true

      iex> ExMonty.NativeBuild.older?("1.100.0", "1.96.0")
      false
  """
  @spec older?(String.t(), String.t()) :: boolean()
  def older?(version, wanted), do: Version.compare(version, wanted) == :lt

  defp build(root) do
    cargo = find("cargo", root)
    rustc = compiler(root)
    patch(root)

    # Cargo refuses what declares a newer compiler than it has; the interpreter's declaration is one release ahead of
    # what it needs, and ours, checked above, is the one that holds.
    interpreter = root |> Path.join(@patched_manifest) |> File.read!() |> declared_version()
    flags = if older?(rustc, interpreter), do: ["--ignore-rust-version"], else: []
    target = target_dir(root)

    arguments = ["build", "--release", "--manifest-path", Path.join(root, @manifest), "--target-dir", target]

    unless File.exists?(library(root)) do
      Mix.shell().info("Building the native library; the first time takes several minutes")
    end

    run_program(
      cargo,
      arguments ++ flags,
      root,
      "cargo could not build the native library; its errors are above"
    )

    place(Path.join([target, "release", built_name()]), library(root))
  end

  defp compiler(root) do
    output = version_of(System.get_env("RUSTC") || find("rustc", root), root)
    wanted = required_version(root)

    case rustc_version(output) do
      {:ok, version} ->
        if older?(version, wanted) do
          Mix.raise(
            "ExMonty needs Rust #{wanted} or newer, and rustc here is #{version}. #{how_to_get_rust(wanted)}"
          )
        end

        version

      :error ->
        Mix.raise("`rustc --version` answered #{inspect(output)}. #{how_to_get_rust(wanted)}")
    end
  end

  # Asked in the project's directory, where a toolchain of its own may be in force.
  defp version_of(program, root) do
    {output, _status} = System.cmd(program, ["--version"], cd: root, stderr_to_stdout: true)
    output
  rescue
    error in ErlangError -> Exception.message(error)
  end

  defp required_version(root), do: root |> Path.join(@manifest) |> File.read!() |> declared_version()

  defp find(program, root) do
    System.find_executable(program) ||
      Mix.raise("""
      ExMonty builds its native half from source, and #{program} was not found on the PATH. \
      #{how_to_get_rust(required_version(root))}\
      """)
  end

  defp how_to_get_rust(version) do
    "Install Rust #{version} or newer from https://rustup.rs, or update it with `rustup update stable`; " <>
      "rustup puts its programs in ~/.cargo/bin, which must be on the PATH. Then compile again."
  end

  defp patch(root) do
    run_program(
      Path.join(root, "crates/nif/patches/apply"),
      [],
      root,
      "the interpreter's source could not be prepared; the reason is above"
    )
  end

  # Standard error is inherited: on a terminal cargo shows its progress bar.
  defp run_program(program, arguments, root, failure) do
    case System.cmd(program, arguments, cd: root, into: IO.stream()) do
      {_, 0} -> :ok
      {_, status} -> Mix.raise("#{failure} (exit status #{status})")
    end
  end

  # A library that a running VM has loaded must not be written over in place: a rename leaves that VM the old file.
  defp place(built, library) do
    File.mkdir_p!(Path.dirname(library))
    incoming = "#{library}.#{System.pid()}"
    File.cp!(built, incoming)
    File.rename!(incoming, library)
  end

  defp target_dir(root) do
    case System.get_env("CARGO_TARGET_DIR") do
      unset when unset in [nil, ""] -> Path.join(root, "target")
      directory -> Path.expand(directory, root)
    end
  end

  defp built_name do
    case :os.type() do
      {:unix, :darwin} -> "libex_monty_nif.dylib"
      _ -> "libex_monty_nif.so"
    end
  end

  # The VM looks for `.so` on every Unix.
  defp library(root), do: Path.join(root, "priv/native/libex_monty_nif.so")
  defp record(root), do: Path.join(root, "priv/native/built_from")
end

defmodule Mix.Tasks.Compile.ExMontyNative do
  @moduledoc """
  The Mix compiler of the native half; see `ExMonty.NativeBuild`.

  `mix compile --force` asks cargo even when nothing seems to have changed, and `mix clean` removes the library.
  """
  use Mix.Task.Compiler

  @impl true
  def run(arguments) do
    result = ExMonty.NativeBuild.run(File.cwd!(), force: "--force" in arguments)
    # Only now is there a priv directory to link into _build.
    Mix.Project.build_structure()
    {result, []}
  end

  @impl true
  def clean, do: ExMonty.NativeBuild.clean(File.cwd!())
end
