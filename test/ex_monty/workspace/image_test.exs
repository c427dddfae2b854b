defmodule ExMonty.Workspace.ImageTest do
  use ExUnit.Case, async: true

  alias ExMonty.Dump
  alias ExMonty.Workspace.Image

  @body %{steps: 3, variables: <<1, 2, 3>>, suspension: nil, files: {"frame", ["digest"]}}

  test "what was sealed is opened, with the key and for the place it was sealed for" do
    for key <- [nil, "secret"] do
      assert Image.open(Image.seal(@body, key, "head/a"), key, "head/a") == {:ok, @body}
    end

    sealed = Image.seal(@body, "secret", "head/a")

    for {key, place} <- [{nil, "head/a"}, {"other", "head/a"}, {"secret", "head/b"}, {"secret", ""}] do
      assert {:error, %ExMonty.Error{reason: :invalid_dump}} = Image.open(sealed, key, place)
    end

    assert {:error, %ExMonty.Error{}} = Image.open(Image.seal(@body, nil, "head/a"), nil, "head/b")
    assert {:error, %ExMonty.Error{}} = Image.open(Image.seal(@body, nil), "secret")
  end

  test "every changed, missing or added byte is refused, with and without a key" do
    for key <- [nil, "secret"] do
      bytes = Image.seal(@body, key, "p")

      for index <- 0..(byte_size(bytes) - 1) do
        <<front::binary-size(index), byte, rest::binary>> = bytes
        for bit <- [1, 128], do: refused(<<front::binary, Bitwise.bxor(byte, bit), rest::binary>>, key)
        refused(front, key)
      end

      refused(bytes <> "x", key)
    end

    refused("", nil)
  end

  defp refused(bytes, key) do
    assert {:error, %ExMonty.Error{reason: :invalid_dump, message: message}} = Image.open(bytes, key, "p")
    assert message != ""
  end

  test "a dump of something else, or of a later version, says so" do
    {:ok, runner} = ExMonty.compile("1")
    {:ok, dump} = ExMonty.dump(runner)
    assert {:error, error} = Image.open(dump, nil)
    assert error.message =~ "the dump of a runner, and not of a workspace"

    <<magic::binary-size(8), version::16, rest::binary>> = Image.seal(@body, nil)
    assert {:error, error} = Image.open(<<magic::binary, version + 1::16, rest::binary>>, nil)
    assert error.message =~ "version #{version + 1}"
  end

  test "a body with unknown atoms, or one that would swell, is refused though its checksum is right" do
    atom = "an_atom_that_nobody_has_#{System.unique_integer([:positive])}"
    term = <<131, 119, byte_size(atom), atom::binary>>
    swelling = :erlang.term_to_binary(String.duplicate("a", 1_000_000), compressed: 9)

    for body <- [term, swelling, "nonsense"] do
      assert {:error, %ExMonty.Error{reason: :invalid_dump}} =
               Image.open(Dump.seal(body, :workspace, nil), nil)
    end

    assert_raise ArgumentError, fn -> String.to_existing_atom(atom) end
  end
end
