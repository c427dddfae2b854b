defmodule ExMonty.PatchTest do
  # crates/nif/patches/apply, run in a project of its own; the interpreter's source is the one that this project's
  # build has fetched.
  use ExUnit.Case, async: true

  @moduletag :tmp_dir
  @patch "monty-types-1.4.0.patch"
  @crates ["monty", "monty-types"]

  setup %{tmp_dir: tmp_dir} do
    File.mkdir_p!(Path.join(tmp_dir, "crates/nif"))
    File.cp_r!("crates/nif/patches", Path.join(tmp_dir, "crates/nif/patches"))
    File.cp!("crates/nif/Cargo.lock", Path.join(tmp_dir, "crates/nif/Cargo.lock"))
    {:ok, root: tmp_dir, copy: Path.join(tmp_dir, "target/patched/monty-types")}
  end

  test "the copy differs from the registry's source by the patch alone", %{root: root, copy: copy} do
    assert apply_patch(root) == {"", 0}

    assert File.read!(Path.join(copy, "src/resource.rs")) =~ "pub static RUN_MEMORY: Cell<isize>"
    reverse = ["-p1", "-R", "-s", "-i", Path.join([root, "crates/nif/patches", @patch])]
    assert {"", 0} = System.cmd("patch", reverse, cd: copy, stderr_to_stdout: true)
    checksums = Path.join(root, "crates/nif/patches/monty-types-1.4.0.sha256")
    assert {_, 0} = System.cmd("sha256sum", ["-c", checksums], cd: copy)
  end

  # Lines that are added; who adds more says why in docs/ARCHITECTURE.md.
  @most %{"monty-types" => 41, "monty" => 128}

  test "each crate of the interpreter is patched, in no more lines than are accounted for", %{
    root: root,
    copy: copy
  } do
    assert apply_patch(root) == {"", 0}

    for crate <- @crates do
      patch = "crates/nif/patches/#{crate}-1.4.0.patch"
      changed = for "+" <> line <- File.stream!(patch), not String.starts_with?(line, "++ "), do: line
      assert length(changed) in 1..@most[crate]

      copied = Path.join(Path.dirname(copy), crate)
      reverse = ["-p1", "-R", "-s", "-i", Path.expand(patch)]
      assert {"", 0} = System.cmd("patch", reverse, cd: copied, stderr_to_stdout: true)
    end
  end

  test "a second run touches nothing", %{root: root, copy: copy} do
    apply_patch(root)
    before = File.stat!(copy).inode

    assert apply_patch(root) == {"", 0}
    assert File.stat!(copy).inode == before
  end

  test "a copy made anew has the times of the first, so that cargo rebuilds nothing", %{
    root: root,
    copy: copy
  } do
    apply_patch(root)
    before = times(copy)
    File.rm_rf!(copy)

    assert apply_patch(root) == {"", 0}
    assert times(copy) == before
  end

  test "another patch replaces the copy", %{root: root, copy: copy} do
    apply_patch(root)
    patch = Path.join([root, "crates/nif/patches", @patch])
    File.write!(patch, String.replace(File.read!(patch), "RUN_MEMORY", "TURN_MEMORY"))

    assert apply_patch(root) == {"", 0}
    assert File.read!(Path.join(copy, "src/resource.rs")) =~ "TURN_MEMORY"
    assert copy |> Path.dirname() |> File.ls!() |> Enum.sort() == @crates
  end

  test "a source with another checksum is refused", %{root: root, copy: copy} do
    checksums = Path.join(root, "crates/nif/patches/monty-types-1.4.0.sha256")
    File.write!(checksums, String.replace(File.read!(checksums), ~r/^./m, "0"))

    assert {message, 1} = apply_patch(root)
    assert message =~ "is not the one that the patch was written for"
    refute File.exists?(copy)
    assert File.ls!(Path.dirname(copy)) == []
  end

  test "a patch that does not fit is refused", %{root: root, copy: copy} do
    patch = Path.join([root, "crates/nif/patches", @patch])
    File.write!(patch, String.replace(File.read!(patch), "fn probe_memory", "fn measure_memory"))

    assert {message, 1} = apply_patch(root)
    assert message =~ "the patch does not apply"
    refute File.exists?(copy)
  end

  test "a missing tool is named", %{root: root} do
    programs = Path.join(root, "bin")
    File.mkdir_p!(programs)

    for program <- ~w(cat dirname) do
      File.ln_s!(System.find_executable(program), Path.join(programs, program))
    end

    assert {message, 1} = apply_patch(root, [{"PATH", programs}])
    assert message =~ "'cargo' is not installed or not on the PATH"
  end

  test "runs at the same time leave one whole copy", %{root: root, copy: copy} do
    results =
      1..4 |> Enum.map(fn _ -> Task.async(fn -> apply_patch(root) end) end) |> Task.await_many(:infinity)

    assert Enum.all?(results, &match?({_, 0}, &1))
    assert copy |> Path.dirname() |> File.ls!() |> Enum.sort() == @crates
    refute File.exists?(Path.join(copy, "monty-types"))
    assert File.read!(Path.join(copy, "src/resource.rs")) =~ "RUN_MEMORY"
  end

  defp apply_patch(root, environment \\ []) do
    script = Path.join(root, "crates/nif/patches/apply")
    System.cmd("/bin/sh", [script], env: environment, stderr_to_stdout: true)
  end

  defp times(copy) do
    for path <- Path.wildcard(Path.join(copy, "src/**/*.rs")), into: %{}, do: {path, File.stat!(path).mtime}
  end
end
