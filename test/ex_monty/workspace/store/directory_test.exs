defmodule ExMonty.Workspace.Store.DirectoryTest do
  use ExUnit.Case, async: true
  doctest ExMonty.Workspace.Store.Directory

  alias ExMonty.Test.{HostDirectory, Workspaces}
  alias ExMonty.Workspace.Store
  alias ExMonty.Workspace.Store.Directory

  setup do
    %{path: HostDirectory.create!()}
  end

  defp files(path, key_directory) do
    path |> Path.join(key_directory) |> File.ls!() |> Enum.sort()
  end

  test "what was put is got, the last value of a key counts, and what was deleted is gone", %{path: path} do
    assert Directory.get(path, "a") == {:error, :not_found}
    assert Directory.put(path, "a", "one") == :ok
    assert Directory.put(path, "a", "two") == :ok
    assert Directory.put(path, "b", "") == :ok
    assert Directory.get(path, "a") == {:ok, "two"}
    assert Directory.get(path, "b") == {:ok, ""}
    assert Directory.list(path) == {:ok, ["a", "b"]}
    assert Directory.delete(path, "a") == :ok
    assert Directory.delete(path, "a") == :ok
    assert Directory.get(path, "a") == {:error, :not_found}
    assert Directory.list(path) == {:ok, ["b"]}
  end

  test "a store in a directory that does not exist is empty until something is put", %{path: path} do
    path = Path.join(path, "deep/er")
    assert Directory.list(path) == {:ok, []}
    assert Directory.delete(path, "a") == :ok
    assert Directory.put(path, "a", "one") == :ok
    assert Directory.get(path, "a") == {:ok, "one"}
  end

  test "as many generations are kept as were asked for", %{path: path} do
    config = [path: path, generations: 2]
    for n <- 1..5, do: assert(Directory.put(config, "a", "value #{n}") == :ok)
    assert files(path, "a") == ["000000000004", "000000000005"]
    for n <- 1..5, do: assert(Directory.put(path, "b", "value #{n}") == :ok)
    assert length(files(path, "b")) == 3
  end

  test "a newest generation that is torn, changed, empty or of another key gives the one before", %{
    path: path
  } do
    damages = [
      fn file -> binary_part(file, 0, byte_size(file) - 1) end,
      fn file -> binary_part(file, 0, 10) end,
      fn _file -> "" end,
      fn file -> file <> "x" end,
      fn <<front::binary-size(45), byte, rest::binary>> ->
        <<front::binary, Bitwise.bxor(byte, 1), rest::binary>>
      end
    ]

    for {damage, index} <- Enum.with_index(damages) do
      key = "key-#{index}"
      :ok = Directory.put(path, key, "the value before")
      :ok = Directory.put(path, key, "the newest value")
      newest = Path.join([path, key, List.last(files(path, key))])
      File.write!(newest, damage.(File.read!(newest)))
      assert Directory.get(path, key) == {:ok, "the value before"}
      # And the next one is the newest again.
      :ok = Directory.put(path, key, "a value after")
      assert Directory.get(path, key) == {:ok, "a value after"}
    end

    :ok = Directory.put(path, "mine", "mine")
    :ok = Directory.put(path, "other", "other")
    File.cp!(Path.join([path, "other", "000000000001"]), Path.join([path, "mine", "000000000002"]))
    assert Directory.get(path, "mine") == {:ok, "mine"}
  end

  test "when every generation is damaged, that is said", %{path: path} do
    :ok = Directory.put(path, "a", "one")
    File.write!(Path.join([path, "a", "000000000001"]), "nonsense")
    assert {:error, %ExMonty.Error{reason: :store_damaged}} = Directory.get(path, "a")
  end

  test "any key is one directory inside the store's, and comes back from a listing", %{path: path} do
    inside = Path.join(path, "store")

    keys =
      [
        "",
        ".",
        "..",
        "../../outside",
        "/etc/passwd",
        "a/b",
        "a%2Fb",
        "%",
        "~",
        "~x",
        "a\0b",
        "ünï",
        "new\nline"
      ] ++
        [String.duplicate("long", 200), String.duplicate("ü", 100), <<255, 254>>, ".new-1", "000000000001"]

    for key <- keys, do: assert(Directory.put(inside, key, "of " <> key) == :ok)
    for key <- keys, do: assert(Directory.get(inside, key) == {:ok, "of " <> key})
    assert Directory.list(inside) == {:ok, Enum.sort(keys)}
    assert length(File.ls!(inside)) == length(keys)
    assert File.ls!(path) == ["store"]
    for key <- keys, do: assert(Directory.delete(inside, key) == :ok)
    assert File.ls!(inside) == []
  end

  test "twenty writers of one key lose nothing whole and leave nothing torn", %{path: path} do
    value = fn writer, n -> String.duplicate("#{writer}.#{n} ", 5_000) end
    config = [path: path, generations: 8]

    1..20
    |> Enum.map(fn writer ->
      Task.async(fn ->
        for n <- 1..5 do
          assert Directory.put(config, "shared", value.(writer, n)) == :ok
          assert {:ok, seen} = Directory.get(config, "shared")
          assert [one] = seen |> String.split() |> Enum.uniq()
          assert one =~ ~r/^\d+\.\d$/
        end
      end)
    end)
    |> Task.await_many(:infinity)

    assert files(path, "shared") |> Enum.reject(&(&1 =~ ~r/^\d{12}$/)) == []
    assert {:ok, last} = Directory.get(config, "shared")
    assert last =~ ~r/^\d+\.5 /
  end

  test "a value is swapped for the one that is expected, and for no other", %{path: path} do
    digest = &Store.digest/1
    assert Directory.swap(path, "a", "one", digest.("zero")) == {:error, :conflict}
    assert Directory.get(path, "a") == {:error, :not_found}
    assert Directory.swap(path, "a", "one", nil) == :ok
    assert Directory.swap(path, "a", "two", nil) == {:error, :conflict}
    assert Directory.swap(path, "a", "two", digest.("zero")) == {:error, :conflict}
    assert Directory.get(path, "a") == {:ok, "one"}
    assert Directory.swap(path, "a", "two", digest.("one")) == :ok
    assert Directory.put(path, "a", "three") == :ok
    assert Directory.swap(path, "a", "four", digest.("two")) == {:error, :conflict}
    assert Directory.delete(path, "a") == :ok
    assert Directory.swap(path, "a", "four", digest.("three")) == {:error, :conflict}
    assert Directory.swap(path, "a", "four", nil) == :ok
    assert Directory.get(path, "a") == {:ok, "four"}
    assert files(path, "a") == ["000000000001"]
  end

  test "what is damaged is swapped for what is given in its place", %{path: path} do
    for value <- ["one", "two"], do: :ok = Directory.put(path, "a", value)
    File.write!(Path.join([path, "a", "000000000002"]), "torn")
    assert Directory.swap(path, "a", "three", Store.digest("two")) == {:error, :conflict}
    assert Directory.swap(path, "a", "three", Store.digest("one")) == :ok
    assert Directory.get(path, "a") == {:ok, "three"}
  end

  # What it takes to write a large value is time for others, whose numbers are forgotten again by the time of the link: the
  # number of the swap is free, and it is none of the last.
  test "a swap that takes long is a conflict when others have put so many that its number is free again", %{
    path: path
  } do
    config = [path: path, generations: 1]
    :ok = Directory.put(config, "a", "one")
    large = String.duplicate("x", 64 * 1024 * 1024)
    swap = Task.async(fn -> Directory.swap(config, "a", large, Store.digest("one")) end)
    # It may also be over before anybody has looked.
    Workspaces.until(fn -> files(path, "a") != ["000000000001"] end)
    for value <- ["two", "three"], do: :ok = Directory.put(config, "a", value)

    # In the one case it came too late, in the other the two came after it.
    newest = if Task.await(swap, :infinity) == {:error, :conflict}, do: "000000000003", else: "000000000004"
    assert files(path, "a") == [newest]
    assert Directory.get(config, "a") == {:ok, "three"}
  end

  # Each adds its own to the list that it found. Were one swap made over another, the list would lack what that had added;
  # with as few generations as this a number that was taken is soon forgotten again.
  test "of swaps that race, each that is made was made for the value before it", %{path: path} do
    for generations <- [1, 3] do
      key = "list-#{generations}"
      config = [path: path, generations: generations]
      :ok = Directory.put(config, key, "")

      made =
        1..16
        |> Enum.map(fn writer ->
          Task.async(fn -> for n <- 1..40, added?(config, key, "#{writer}.#{n}"), do: "#{writer}.#{n}" end)
        end)
        |> Task.await_many(:infinity)
        |> List.flatten()

      {:ok, list} = Directory.get(config, key)
      list = String.split(list)
      assert made -- list == []
      assert list == Enum.uniq(list)
      assert length(made) in 1..639
    end
  end

  defp added?(config, key, mine) do
    {:ok, found} = Directory.get(config, key)

    case Directory.swap(config, key, found <> mine <> " ", Store.digest(found)) do
      :ok -> true
      {:error, :conflict} -> false
    end
  end

  test "puts that race with deletions end in a value or in none, and never in an error", %{path: path} do
    put = Task.async(fn -> for n <- 1..200, do: assert(Directory.put(path, "a", "#{n}") == :ok) end)
    delete = Task.async(fn -> for _ <- 1..200, do: assert(Directory.delete(path, "a") == :ok) end)
    Task.await_many([put, delete], :infinity)
    assert Directory.put(path, "a", "last") == :ok
    assert Directory.get(path, "a") == {:ok, "last"}
  end

  test "a temporary that a crash left is never taken for a value, and is swept when it is old", %{path: path} do
    :ok = Directory.put(path, "a", "one")
    left = Path.join([path, "a", ".new-1-2-AA"])
    fresh = Path.join([path, "a", ".new-1-3-BB"])
    File.write!(left, "half of a val")
    File.write!(fresh, "half of a val")
    File.touch!(left, System.os_time(:second) - 100_000)
    assert Directory.get(path, "a") == {:ok, "one"}
    assert Directory.put(path, "a", "two") == :ok
    refute File.exists?(left)
    assert File.exists?(fresh)
  end

  test "what the file system refuses is an error that says so and leaves the value", %{path: path} do
    :ok = Directory.put(path, "a", "one")
    File.write!(Path.join(path, "b"), "a file where a directory should be")
    assert {:error, %ExMonty.Error{reason: :enotdir, message: message}} = Directory.put(path, "b", "x")
    assert message =~ "b: "
    assert {:error, %ExMonty.Error{reason: :enotdir}} = Directory.get(path, "b")
    assert Directory.get(path, "a") == {:ok, "one"}
  end

  test "a config of another shape raises and says what is accepted" do
    for config <- [
          nil,
          "",
          [],
          [path: "x", generations: 0],
          [path: "x", generations: 9],
          [path: "x", more: 1]
        ] do
      assert_raise ArgumentError, ~r/accepted: a path, or path:/, fn -> Directory.list(config) end
    end
  end
end
