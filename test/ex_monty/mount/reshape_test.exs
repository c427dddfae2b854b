defmodule ExMonty.Mount.ReshapeTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Mount, Patience}

  setup do
    mounts = Mount.new!([{"/m", :memory, files: %{"file" => "text"}}])
    {:ok, mounts: mounts, lease: Mount.checkout!(mounts)}
  end

  test "mounts come and go through an exclusive lease, for everybody", %{mounts: mounts, lease: lease} do
    snapshot = Mount.snapshot!(mounts)
    assert {:ok, ^lease} = Mount.add(lease, "/memory", :memory, files: %{"a" => "1"}, max_bytes: 2)
    assert ^lease = Mount.add!(lease, "/host", "lib", :read_only)
    assert ^lease = Mount.add!(lease, "/before", snapshot, :overlay, max_files: 5)
    assert {:ok, ^lease} = Mount.remove(lease, "/m")

    for holder <- [lease, mounts] do
      assert Mount.ls!(holder, "/") == ["before", "host", "memory"]
      assert Mount.read!(holder, "/before/m/file") == "text"
      assert Mount.exists?(holder, "/host/ex_monty.ex")
    end

    assert Mount.write(lease, "/memory/b", "23") == {:error, :enospc}
    assert Mount.add(mounts, "/other", :memory) == {:error, :mount_in_use}
    assert Mount.remove(mounts, "/memory") == {:error, :mount_in_use}
    Mount.release(lease)
    assert Enum.map(Mount.list(mounts), & &1.virtual) == ["/memory", "/host", "/before"]
  end

  test "what cannot be mounted is refused as without a lease, and changes nothing", %{
    mounts: mounts,
    lease: lease
  } do
    before = Mount.list(mounts)
    assert Mount.add(lease, "/m/", :memory) == {:error, {:already_mounted, "/m"}}
    assert Mount.add(lease, "relative", :memory) == {:error, :invalid_virtual_path}
    assert Mount.add(lease, "/x", "no/such/directory", :overlay) == {:error, :host_path_not_found}
    assert Mount.add(lease, "/x", "lib", :append) == {:error, :invalid_mode}
    assert Mount.add(lease, "/x", :memory, files: %{"a" => "12"}, max_bytes: 1) == {:error, :enospc}
    assert Mount.remove(lease, "/x") == {:error, {:not_mounted, "/x"}}
    assert Mount.list(mounts) == before
    error = assert_raise ExMonty.Error, fn -> Mount.remove!(lease, "/x") end
    assert error.message =~ "/x"

    for wrong <- [nil, "/m", %{}, self()] do
      assert_raise ArgumentError, ~r/expected an ExMonty.Mount or a lease/, fn ->
        Mount.add(wrong, "/x", :memory)
      end

      assert_raise ArgumentError, ~r/expected an ExMonty.Mount or a lease/, fn ->
        Mount.remove(wrong, "/x")
      end
    end
  end

  test "a shared lease and one that has ended change no mounts", %{mounts: mounts, lease: lease} do
    Mount.release(lease)
    assert Mount.add(lease, "/x", :memory) == {:error, :lease_released}
    assert Mount.remove(lease, "/m") == {:error, :lease_released}
    shared = Mount.checkout!(mounts, :shared)
    assert Mount.add(shared, "/x", :memory) == {:error, :mount_in_use}
    assert Mount.remove(shared, "/m") == {:error, :mount_in_use}
    Mount.release(shared)
    assert Mount.count(mounts) == 1
  end

  test "no mount comes or goes under a turn that is under way", %{lease: lease} do
    {:ok, runner} =
      ExMonty.compile("""
      from pathlib import Path
      Path('/m/begun').write_text('')
      while not Path('/m/end').exists():
          pass
      """)

    run = Task.async(fn -> ExMonty.start_with_mounts(runner, lease, %{}, limits: :unlimited) end)

    Patience.until(fn -> Mount.exists?(lease, "/m/begun") end)
    assert Mount.add(lease, "/x", :memory) == {:error, :mount_in_use}
    assert Mount.remove(lease, "/m") == {:error, :mount_in_use}
    Mount.write!(lease, "/m/end", "")
    assert {:ok, {:complete, _, ""}} = Task.await(run, :infinity)
    assert {:ok, ^lease} = Mount.add(lease, "/x", :memory)
  end

  test "a paused run goes on with the mounts as they are when it is resumed", %{lease: lease} do
    {:ok, runner} =
      ExMonty.compile("from pathlib import Path\nf()\n[p.name for p in sorted(Path('/late').iterdir())]")

    {:ok, {:function_call, %{name: "f"}, snapshot, ""}} = ExMonty.start_with_mounts(runner, lease)
    Mount.add!(lease, "/late", :memory, files: %{"a" => ""})
    assert {:ok, {:complete, ["a"], ""}} = ExMonty.resume_with_mounts(snapshot, {:ok, nil}, lease)
  end
end
