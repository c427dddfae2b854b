defmodule ExMonty.NativeBuildTest do
  # The PATH and CARGO_TARGET_DIR belong to the whole VM.
  use ExUnit.Case, async: false

  alias ExMonty.NativeBuild

  @moduletag :tmp_dir

  # A project of the shape that the build expects, and a machine on whose PATH there is nothing but stand-ins that
  # write down how they were called.
  setup %{tmp_dir: tmp_dir} do
    root = Path.join(tmp_dir, "project")
    programs = Path.join(tmp_dir, "bin")
    calls = Path.join(tmp_dir, "calls")

    write(root, "crates/mounts/Cargo.toml", "[package]\nname = \"mounts\"\n")
    write(root, "crates/mounts/src/lib.rs", "//! Mounts.\n")
    write(root, "crates/nif/Cargo.toml", "[package]\nrust-version = \"1.95\"\n")
    write(root, "crates/nif/Cargo.lock", "version = 4\n")
    write(root, "crates/nif/src/lib.rs", "//! The library.\n")

    script(root, "crates/nif/patches/apply", """
    echo "patch" >>"#{calls}"
    /bin/mkdir -p target/patched/monty-types
    echo 'rust-version = "1.96"' >target/patched/monty-types/Cargo.toml
    """)

    script(programs, "rustc", "echo 'rustc 1.95.0 (59807616e 2026-04-14)'")

    script(programs, "cargo", """
    echo "cargo $*" >>"#{calls}"
    while [ "$1" != --target-dir ]; do shift; done
    /bin/mkdir -p "$2/release"
    echo library >"$2/release/libex_monty_nif.so"
    echo library >"$2/release/libex_monty_nif.dylib"
    """)

    environment(%{"PATH" => programs, "CARGO_TARGET_DIR" => nil, "RUSTC" => nil})
    shell = Mix.shell()
    Mix.shell(Mix.Shell.Quiet)
    on_exit(fn -> Mix.shell(shell) end)

    {:ok, root: root, programs: programs, calls: calls}
  end

  test "the first build patches the interpreter, runs cargo and places the library", context do
    assert NativeBuild.run(context.root) == :ok

    assert ["patch", "cargo build --release " <> _] = calls(context)
    assert File.read!(library(context)) == "library\n"
    assert File.ls!(Path.dirname(library(context))) |> Enum.sort() == ["built_from", "libex_monty_nif.so"]
  end

  test "no program is started when nothing has changed", context do
    NativeBuild.run(context.root)
    File.rm!(context.calls)
    later(context.root, "crates/nif/src/lib.rs")

    assert NativeBuild.run(context.root) == :noop
    refute File.exists?(context.calls)
  end

  test "cargo is asked again when it is demanded", context do
    NativeBuild.run(context.root)

    assert NativeBuild.run(context.root, force: true) == :ok
    assert length(calls(context)) == 4
  end

  for source <- [
        "crates/mounts/src/lib.rs",
        "crates/mounts/src/table/route.rs",
        "crates/mounts/Cargo.toml",
        "crates/nif/src/lib.rs",
        "crates/nif/Cargo.lock",
        "crates/nif/patches/monty-types.patch"
      ] do
    test "a change of #{source} is picked up", context do
      NativeBuild.run(context.root)
      write(context.root, unquote(source), "// changed\n")

      assert NativeBuild.run(context.root) == :ok
    end
  end

  test "a source that is gone is picked up", context do
    write(context.root, "crates/nif/src/runner.rs", "//! Runs.\n")
    NativeBuild.run(context.root)
    File.rm!(Path.join(context.root, "crates/nif/src/runner.rs"))

    assert NativeBuild.run(context.root) == :ok
  end

  test "a library that is gone is built again", context do
    NativeBuild.run(context.root)
    File.rm!(library(context))

    assert NativeBuild.run(context.root) == :ok
    assert File.exists?(library(context))
  end

  test "cleaning removes the library and leaves cargo's files", context do
    NativeBuild.run(context.root)

    assert NativeBuild.clean(context.root) == :ok
    refute File.exists?(library(context))
    assert File.exists?(Path.join(context.root, "target/release"))
    assert NativeBuild.run(context.root) == :ok
  end

  test "a library that a VM has loaded keeps its file when a new one is placed", context do
    NativeBuild.run(context.root)
    {:ok, loaded} = :file.open(library(context), [:read, :raw])
    before = File.stat!(library(context)).inode

    NativeBuild.run(context.root, force: true)

    refute File.stat!(library(context)).inode == before
    assert :file.read(loaded, 100) == {:ok, 'library\n'}
    :file.close(loaded)
  end

  test "the interpreter's declaration is ignored by an older compiler only", context do
    NativeBuild.run(context.root)
    assert calls(context) |> List.last() |> String.ends_with?(" --ignore-rust-version")

    script(context.programs, "rustc", "echo 'rustc 1.96.0 (0123456789 2026-06-01)'")
    NativeBuild.run(context.root, force: true)
    refute calls(context) |> List.last() |> String.contains?("--ignore-rust-version")
  end

  test "CARGO_TARGET_DIR is honoured", %{tmp_dir: tmp_dir} = context do
    shared = Path.join(tmp_dir, "shared")
    environment(%{"CARGO_TARGET_DIR" => shared})

    assert NativeBuild.run(context.root) == :ok
    assert File.exists?(Path.join(shared, "release"))
    refute File.exists?(Path.join(context.root, "target/release"))
    assert File.exists?(library(context))
  end

  for program <- ["cargo", "rustc"] do
    test "a machine without #{program} is told what to install", context do
      File.rm!(Path.join(context.programs, unquote(program)))

      message = build_error(context)
      assert message =~ "#{unquote(program)} was not found on the PATH"
      assert message =~ "Install Rust 1.95.0 or newer from https://rustup.rs"
    end
  end

  test "a compiler that is too old is named, with what to do", context do
    script(context.programs, "rustc", "echo 'rustc 1.63.0'")

    message = build_error(context)
    assert message =~ "needs Rust 1.95.0 or newer, and rustc here is 1.63.0"
    assert message =~ "rustup update stable"
  end

  test "a compiler that does not tell its version is quoted", context do
    script(context.programs, "rustc", "echo 'no toolchain is installed'; exit 1")

    assert build_error(context) =~ "no toolchain is installed"
  end

  test "a failed build is an error and is not taken for a finished one", context do
    script(context.programs, "cargo", "exit 101")

    assert build_error(context) =~ "cargo could not build the native library"
    assert build_error(context) =~ "exit status 101"
  end

  test "a source that could not be prepared is an error", context do
    script(context.root, "crates/nif/patches/apply", "exit 1")

    assert build_error(context) =~ "the interpreter's source could not be prepared"
    refute File.exists?(context.calls)
  end

  test "versions are read from what the compiler prints and from a manifest" do
    assert NativeBuild.rustc_version("rustc 1.95.0 (59807616e 2026-04-14)\n") == {:ok, "1.95.0"}
    assert NativeBuild.rustc_version("rustc 1.97.0-nightly (0a1b2c3d4 2026-05-01)\n") == {:ok, "1.97.0"}
    assert NativeBuild.rustc_version("no compiler") == :error

    assert NativeBuild.declared_version(~s(name = "monty"\nrust-version = "1.96"\n)) == "1.96.0"
    assert NativeBuild.declared_version(~s(rust-version = "1.96.2"\n)) == "1.96.2"
  end

  test "versions are compared number by number" do
    assert NativeBuild.older?("1.95.0", "1.96.0")
    refute NativeBuild.older?("1.96.0", "1.96.0")
    refute NativeBuild.older?("1.100.0", "1.96.0")
  end

  defp build_error(context) do
    assert_raise(Mix.Error, fn -> NativeBuild.run(context.root) end).message
  end

  defp library(context), do: Path.join(context.root, "priv/native/libex_monty_nif.so")
  defp calls(context), do: context.calls |> File.read!() |> String.split("\n", trim: true)

  defp write(root, name, text) do
    path = Path.join(root, name)
    File.mkdir_p!(Path.dirname(path))
    File.write!(path, text)
    path
  end

  defp script(root, name, body), do: root |> write(name, "#!/bin/sh\n" <> body) |> File.chmod!(0o755)

  # Newer by the clock, the same by its contents.
  defp later(root, name) do
    File.touch!(Path.join(root, name), System.os_time(:second) + 60)
  end

  # Sets variables (nil unsets one) until the test ends.
  defp environment(variables) do
    before = Map.new(variables, fn {name, _} -> {name, System.get_env(name)} end)
    System.put_env(variables)
    on_exit(fn -> System.put_env(before) end)
  end
end
