defmodule ExMonty.Mount.StateTermsTest do
  use ExUnit.Case, async: true

  # As `terms_test.exs`, for the native functions on states, dumps, archives, waiting and events.

  alias ExMonty.Native

  setup_all do
    {:ok, table} = Native.mount_new()
    :ok = Native.mount_add_memory(table, "/m", [{"/file", "text"}], {[], []})
    {:ok, snapshot} = Native.mount_snapshot(table)
    {:ok, lease} = Native.mount_checkout(table, :shared)
    {:ok, table: table, snapshot: snapshot, lease: lease}
  end

  defp wrong_handles, do: [:table, 1, "ref", make_ref(), self(), [], {}, %{}, hd(Port.list()), 1.0e308]

  defp wrong_texts,
    do: [nil, :a, 1, 'charlist', self(), make_ref(), ["iodata"], {}, <<1::7>>, 0x1_0000_0000_0000_0000]

  defp refused(function, args) do
    assert_raise ArgumentError, fn -> apply(Native, function, args) end
  end

  test "handles that are none", %{table: table, snapshot: snapshot, lease: lease} do
    for wrong <- [nil, snapshot | wrong_handles()] do
      for function <- [:mount_snapshot, :mount_fork, :mount_dump], do: refused(function, [wrong])
      for function <- [:mount_diff, :mount_discard, :mount_export_tar], do: refused(function, [wrong, "/m"])
      for function <- [:file_walk, :file_glob, :file_remove_all], do: refused(function, [wrong, "/m"])
      refused(:mount_restore, [wrong, snapshot])
      refused(:mount_changes, [wrong, nil])
      refused(:mount_commit, [wrong, "/m", [], :real])
      refused(:mount_import_tar, [wrong, "/m", ""])
      refused(:mount_wait, [wrong, :shared, make_ref()])
      refused(:mount_withdraw, [wrong])
      refused(:mount_feed, [wrong, nil])
      refused(:mount_relay, [wrong, nil])
      refused(:mount_events, [wrong])
    end

    for wrong <- [table, lease | wrong_handles()] do
      refused(:mount_restore, [table, wrong])
      refused(:mount_changes, [table, wrong])
      refused(:mount_add_snapshot, [table, "/x", wrong, :overlay, {[], []}])
    end

    refused(:mount_restore, [table, nil])
    refused(:mount_withdraw, [table])
    refused(:mount_feed, [lease, nil])
  end

  test "texts that are none", %{table: table, snapshot: snapshot} do
    for wrong <- wrong_texts() do
      for function <- [:mount_diff, :mount_discard, :mount_export_tar], do: refused(function, [table, wrong])
      for function <- [:file_walk, :file_glob, :file_remove_all], do: refused(function, [table, wrong])
      refused(:mount_commit, [table, wrong, [], :real])
      refused(:mount_import_tar, [table, wrong, ""])
      refused(:mount_import_tar, [table, "/m", wrong])
      refused(:mount_load, [wrong, [], :refuse, 1])
      refused(:mount_load, ["", [{wrong, ""}], :refuse, 1])
      refused(:mount_load, ["", [{"/m", wrong}], :refuse, 1])
      refused(:mount_add_snapshot, [table, wrong, snapshot, :overlay, {[], []}])
    end

    refused(:file_glob, [table, <<255>>])
    assert Native.file_walk(table, <<255>>) == {:error, :einval}
    assert Native.mount_diff(table, <<255>>) == {:error, :einval}
  end

  test "lists, modes and numbers that are none", %{table: table, snapshot: snapshot} do
    for wrong <- [
          nil,
          %{},
          [only: nil],
          [only: ["a" | "b"]],
          [other: []],
          [{:only, []} | :tail],
          [only: [<<255>>]]
        ] do
      refused(:mount_commit, [table, "/m", wrong, :real])
    end

    for wrong <- [nil, "real", true, 1, self()], do: refused(:mount_commit, [table, "/m", [], wrong])

    for wrong <- [nil, %{}, [1], [{"/m", ""} | :tail], [{"/m"}]],
        do: refused(:mount_load, ["", wrong, :refuse, 1])

    for wrong <- [nil, "keep", :ignore], do: refused(:mount_load, ["", [], wrong, 1])

    for wrong <- [nil, -1, 1.0, 0x1_0000_0000_0000_0000, :unlimited],
        do: refused(:mount_load, ["", [], :keep, wrong])

    for wrong <- [nil, :read_write, :memory, "overlay"],
        do: refused(:mount_add_snapshot, [table, "/x", snapshot, wrong, {[], []}])

    for wrong <- [nil, :wait, "shared", 1], do: refused(:mount_wait, [table, wrong, make_ref()])
    for wrong <- [nil, 1, self(), "ref", []], do: refused(:mount_wait, [table, :shared, wrong])
    for wrong <- [1, "pid", make_ref(), []], do: refused(:mount_feed, [table, wrong])
  end

  test "nothing of that has changed anything", %{table: table} do
    assert Native.mount_changes(table, nil) == {:ok, []}
    assert Native.mount_count(table) == 1
    assert Native.file_list(table, "/m") == {:ok, ["file"]}
  end
end
