defmodule ExMonty.Mount.ArchiveTest do
  use ExUnit.Case, async: true

  alias ExMonty.{Error, Mount}
  alias ExMonty.Test.HostDirectory

  test "a table comes back with files, limits, rules, counters and changes" do
    host = HostDirectory.create!(%{"a" => "host"})

    mounts =
      Mount.new!([
        {"/m", :memory, files: %{"x" => "1"}, max_files: 5, rules: [hide: ["secret"]]},
        {"/o", host, :overlay},
        {"/r", host, :read_only}
      ])

    Mount.write!(mounts, "/o/a", "changed")
    {:ok, dump} = Mount.dump(mounts)
    loaded = Mount.load!(dump, hosts: %{"/o" => host, "/r" => host})
    assert Mount.list(loaded) == Mount.list(mounts)
    assert Mount.write(loaded, "/m/secret", "") == {:error, :enoent}
    assert [%{path: "/o/a", kind: :modified}] = Mount.changes!(loaded)
    assert %{written: ["/o/a"]} = Mount.commit!(loaded, "/o")
    assert Mount.read!(loaded, "/r/a") == "changed"
  end

  test "a read-write mount gets its directory back" do
    host = HostDirectory.create!()
    dump = Mount.dump!(Mount.new!([{"/w", host, :read_write}]))
    Mount.write!(Mount.load!(dump, hosts: %{"/w" => host}), "/w/a", "1")
    assert File.read!(Path.join(host, "a")) == "1"
  end

  test "a host that has drifted is refused, or kept as asked" do
    host = HostDirectory.create!(%{"a" => "host"})
    mounts = Mount.new!([{"/o", host, :overlay}])
    Mount.append!(mounts, "/o/a", "+")
    dump = Mount.dump!(mounts)
    File.write!(Path.join(host, "a"), "drifted")
    assert Mount.load(dump, hosts: %{"/o" => host}) == {:error, {:drift, ["/o/a"]}}
    assert {:ok, kept} = Mount.load(dump, hosts: %{"/o" => host}, on_drift: :keep)
    assert Mount.read(kept, "/o/a") == {:error, :estale}
  end

  test "hosts that are missing, superfluous or none are told apart" do
    host = HostDirectory.create!()
    dump = Mount.dump!(Mount.new!([{"/o", host, :overlay}]))

    for {hosts, reason} <- [
          {%{}, :host_missing},
          {%{"/o" => host, "/p" => host}, :host_unused},
          {%{"/o" => Path.join(host, "none")}, :host_path_not_found}
        ] do
      assert {:error, %Error{reason: ^reason} = error} = Mount.load(dump, hosts: hosts)
      refute error.message =~ host
    end

    assert {:error, %Error{}} = Mount.load(dump, hosts: %{<<255>> => host})
  end

  test "a host is for the mount whose path it is given under, however that is spelled" do
    host = HostDirectory.create!()
    dump = Mount.dump!(Mount.new!([{"/o", host, :overlay}]))

    for spelled <- ["/o/", "//o", "/x/../o/."] do
      assert {:ok, _} = Mount.load(dump, hosts: %{spelled => host})
    end
  end

  test "a key seals: a changed byte, another key and no key are refused" do
    mounts = Mount.new!([{"/m", :memory, files: %{"a" => "1"}}])
    sealed = Mount.dump!(mounts, key: "key")
    assert {:ok, _} = Mount.load(sealed, key: "key")
    plain = Mount.dump!(mounts)

    for {dump, opts} <- [{sealed, []}, {sealed, [key: "other"]}, {plain, [key: "key"]}] do
      assert {:error, %Error{reason: :invalid_dump}} = Mount.load(dump, opts)
    end

    for index <- 0..(byte_size(sealed) - 1)//7 do
      <<before::binary-size(index), byte, rest::binary>> = sealed
      changed = <<before::binary, rem(byte + 1, 256), rest::binary>>
      assert {:error, %Error{reason: :invalid_dump}} = Mount.load(changed, key: "key")
    end
  end

  test "what is no dump of a table is refused" do
    mounts = Mount.new!([{"/m", :memory, files: %{"a" => String.duplicate("x", 10_000)}}])
    dump = Mount.dump!(mounts)
    {:ok, runner} = ExMonty.compile("1")
    {:ok, other} = ExMonty.dump(runner)

    for wrong <- ["", "nonsense", binary_part(dump, 0, byte_size(dump) - 1), dump <> "x", other] do
      assert {:error, %Error{reason: :invalid_dump}} = Mount.load(wrong)
    end

    assert {:error, %Error{reason: :dump_too_large}} = Mount.load(dump, max_size: 1_000)

    for opts <- [[max_size: -1], [on_drift: :ignore], [hosts: []], [hosts: %{a: 1}], [key: ""], [unknown: 1]] do
      assert_raise ArgumentError, fn -> Mount.load(dump, opts) end
    end

    assert_raise ArgumentError, fn -> Mount.load(:dump) end
  end

  test "an archive with a link is refused as a whole, and a path that is none says so" do
    mounts = Mount.new!([{"/m", :memory, files: %{"d/a" => "1"}}])
    dir = HostDirectory.create!(%{"file" => "x"})
    File.ln_s!("file", Path.join(dir, "link"))
    tar = Path.join(dir, "x.tar")

    :ok =
      :erl_tar.create(to_charlist(tar), [
        {'file', to_charlist(Path.join(dir, "file"))},
        {'link', to_charlist(Path.join(dir, "link"))}
      ])

    assert {:error, %Error{reason: :invalid_tar, message: message}} =
             Mount.import_tar(mounts, "/m", File.read!(tar))

    assert message =~ "link"
    assert Mount.walk!(mounts, "/m") == ["/m/d", "/m/d/a"]
    assert {:error, %Error{reason: :invalid_tar}} = Mount.import_tar(mounts, "/m", "no archive")
    assert Mount.export_tar(mounts, "/none/x") == {:error, :enoent}
    assert Mount.import_tar(mounts, "/elsewhere", Mount.export_tar!(mounts, "/m")) == {:error, :enoent}

    {:ok, files} = :erl_tar.extract({:binary, Mount.export_tar!(mounts, "/m")}, [:memory])
    assert {'d/a', "1"} in files
  end

  describe "an archive beyond a bound is refused, and nothing of it is written:" do
    test "one byte more than 1 GiB, whatever is there of it" do
      mounts = Mount.new!([{"/m", :memory}])

      assert {:error, %Error{reason: :tar_too_large, message: message}} =
               Mount.import_tar(mounts, "/m", header("small", 0) <> header("large", 1024 * 1024 * 1024 + 1))

      assert message == "'large': the files have more than 1073741824 bytes"
      assert Mount.ls!(mounts, "/m") == []
      # One with that many bytes is within the bound, and is refused for not having them.
      assert {:error, %Error{reason: :invalid_tar}} =
               Mount.import_tar(mounts, "/m", header("large", 1024 * 1024 * 1024))
    end

    test "more than a million files and directories, those that are not named included" do
      # An entry is a file 58 directories down: with the one that tells it from the others it makes 60 of them.
      below = String.duplicate("d/", 58) <> "f"
      archive = for n <- 1..16_667, into: "", do: header("#{n}/" <> below, 0)
      mounts = Mount.new!([{"/m", :memory}])

      assert {:error, %Error{reason: :tar_too_large, message: message}} =
               Mount.import_tar(mounts, "/m", archive)

      assert message =~ ~r"^'16667/d/.*: there are more than 1000000 files and directories$"
      assert Mount.ls!(mounts, "/m") == []
    end
  end

  # The header of a file in an archive, as `ustar` has it: the name is in two parts where it is long.
  defp header(name, size) do
    {prefix, name} = if byte_size(name) > 100, do: apart(name), else: {"", name}
    octal = fn number, digits -> number |> Integer.to_string(8) |> String.pad_leading(digits, "0") end

    before =
      padded(name, 100) <>
        "0000644\0" <> "0000000\0" <> "0000000\0" <> octal.(size, 11) <> "\0" <> octal.(0, 11) <> "\0"

    behind = "0" <> padded("", 100) <> "ustar\0" <> "00" <> padded("", 80) <> padded(prefix, 167)
    sum = Enum.sum(for <<byte <- before <> "        " <> behind>>, do: byte)
    before <> octal.(sum, 6) <> "\0 " <> behind
  end

  defp apart(name) do
    slash = name |> binary_part(byte_size(name) - 101, 101) |> :binary.match("/") |> elem(0)
    {prefix, "/" <> rest} = String.split_at(name, byte_size(name) - 101 + slash)
    {prefix, rest}
  end

  defp padded(text, size), do: text <> :binary.copy(<<0>>, size - byte_size(text))
end
