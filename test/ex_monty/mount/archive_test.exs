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
end
