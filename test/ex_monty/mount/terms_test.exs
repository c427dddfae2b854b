defmodule ExMonty.Mount.TermsTest do
  use ExUnit.Case, async: true

  # What the native functions get is checked on the other side too: a wrong term is an ArgumentError, never worse.

  alias ExMonty.{Mount, Native}

  setup_all do
    {:ok, table} = Native.mount_new()
    :ok = Native.mount_add_memory(table, "/m", [{"/file", "text"}], {[], []})
    {:ok, lease} = Native.mount_checkout(table, :shared)
    {:ok, table: table, lease: lease}
  end

  defp wrong_handles, do: [nil, :table, 1, "ref", make_ref(), self(), [], {}, %{}, hd(Port.list())]
  defp wrong_texts, do: [nil, :a, 1, 'charlist', self(), make_ref(), ["iodata"], {}, <<1::7>>]

  defp refused(function, args) do
    assert_raise ArgumentError, fn -> apply(Native, function, args) end
  end

  test "handles that are none", %{lease: lease} do
    for wrong <- [lease | wrong_handles()] do
      refused(:mount_list, [wrong])
      refused(:mount_count, [wrong])
      refused(:mount_checkout, [wrong, :shared])
      refused(:mount_checkout_after_changes, [wrong, :shared])
    end
  end

  test "leases that are none", %{table: table} do
    for wrong <- [table | wrong_handles()], do: refused(:mount_release, [wrong])
  end

  test "what is neither a table nor a lease" do
    for wrong <- wrong_handles() do
      refused(:mount_add_memory, [wrong, "/x", [], {[], []}])
      refused(:mount_add_host, [wrong, "/x", "lib", :read_only, {[], []}])
      refused(:mount_remove, [wrong, "/m"])
      refused(:file_read, [wrong, "/m/file"])
      refused(:file_write, [wrong, "/m/file", ""])
      refused(:file_append, [wrong, "/m/file", ""])
      refused(:file_list, [wrong, "/m"])
      refused(:file_stat, [wrong, "/m"])
      refused(:file_exists, [wrong, "/m"])
      refused(:file_mkdir_p, [wrong, "/m/x"])
      refused(:file_remove, [wrong, "/m/x"])
      refused(:file_rename, [wrong, "/m/x", "/m/y"])
      assert_raise ArgumentError, ~r/expected an ExMonty.Mount/, fn -> Mount.read(wrong, "/m/file") end
    end
  end

  test "texts that are none", %{table: table} do
    for wrong <- wrong_texts() do
      refused(:mount_add_memory, [table, wrong, [], {[], []}])
      refused(:mount_add_memory, [table, "/x", [{wrong, ""}], {[], []}])
      refused(:mount_add_memory, [table, "/x", [{"/x", wrong}], {[], []}])
      refused(:mount_add_memory, [table, "/x", [], {[], [hide: [wrong]]}])
      refused(:mount_add_host, [table, wrong, "lib", :read_only, {[], []}])
      refused(:mount_add_host, [table, "/x", wrong, :read_only, {[], []}])
      refused(:mount_remove, [table, wrong])
      refused(:file_read, [table, wrong])
      refused(:file_write, [table, wrong, ""])
      refused(:file_write, [table, "/m/x", wrong])
      refused(:file_append, [table, "/m/x", wrong])
      refused(:file_list, [table, wrong])
      refused(:file_stat, [table, wrong])
      refused(:file_exists, [table, wrong])
      refused(:file_mkdir_p, [table, wrong])
      refused(:file_remove, [table, wrong])
      refused(:file_rename, [table, wrong, "/m/y"])
      refused(:file_rename, [table, "/m/x", wrong])
    end

    for path <- [nil, :a, 'charlist'],
        do: assert_raise(ArgumentError, fn -> Mount.read(%Mount{ref: table}, path) end)
  end

  test "lists, limits and modes that are none", %{table: table} do
    for wrong <- [
          nil,
          :files,
          %{},
          [{"/a", ""} | :tail],
          [{"/a", ""} | {"/b", ""}],
          [:a],
          [{"/a"}],
          [{"/a", "", 1}]
        ] do
      refused(:mount_add_memory, [table, "/x", wrong, {[], []}])
    end

    for wrong <- [
          nil,
          %{max_bytes: 1},
          [max_bytes: -1],
          [max_bytes: 1.0],
          [max_bytes: nil],
          [max_bytes: 0x1_0000_0000_0000_0000],
          [max_bytes: :infinity],
          [unknown: 1],
          [{"max_bytes", 1}],
          [{:max_bytes, 1} | :tail]
        ] do
      refused(:mount_add_memory, [table, "/x", [], {wrong, []}])
      refused(:mount_add_host, [table, "/x", "lib", :read_only, {wrong, []}])
    end

    for wrong <- [
          nil,
          %{},
          [hide: nil],
          [hide: ["a" | "b"]],
          [hide: [<<255>>]],
          [see: []],
          [{:hide, []} | :tail]
        ] do
      refused(:mount_add_memory, [table, "/x", [], {[], wrong}])
      refused(:mount_add_host, [table, "/x", "lib", :overlay, {[], wrong}])
    end

    for wrong <- [nil, [], {[]}, {[], [], []}, %{}, self()] do
      refused(:mount_add_memory, [table, "/x", [], wrong])
    end

    for wrong <- [nil, "overlay", :memory, 1, self()] do
      refused(:mount_add_host, [table, "/x", "lib", wrong, {[], []}])
    end

    for wrong <- [nil, "shared", :wait, {:wait, 10}, 1] do
      refused(:mount_checkout, [table, wrong])
      refused(:mount_checkout_after_changes, [table, wrong])
    end
  end

  test "nothing of that has changed anything", %{table: table} do
    mounts = %Mount{ref: table}

    assert {Mount.count(mounts), Mount.ls(mounts, "/m"), Mount.read(mounts, "/m/file")} ==
             {1, {:ok, ["file"]}, {:ok, "text"}}
  end
end
