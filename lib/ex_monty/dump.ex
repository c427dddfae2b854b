defmodule ExMonty.Dump do
  @moduledoc """
  Runners and paused runs as bytes.

      iex> {:ok, runner} = ExMonty.compile("print('hi'); name = ask('name?'); f'hello {name}'")
      iex> {:ok, {:function_call, _call, snapshot, "hi\\n"}} = ExMonty.start(runner)
      iex> {:ok, dump} = ExMonty.dump_snapshot(snapshot, key: "a secret of this application")
      iex> {:error, error} = ExMonty.load_snapshot(dump)
      iex> {error.reason, error.message}
      {:invalid_dump, "the dump is sealed; it can be loaded with the :key that it was dumped with"}
      iex> {:ok, loaded} = ExMonty.load_snapshot(dump, key: "a secret of this application")
      iex> {:ok, {:function_call, call, ^loaded, "hi\\n"}} = ExMonty.progress(loaded)
      iex> call.args
      ["name?"]

  A dump can be loaded any number of times, by any process of any node that runs this release or a later one, and a run
  goes on there exactly where it was: with its variables, its output since the last pause, its working directory, clock,
  time zone and random state, the host's dataclasses that it knows, and its limits together with what it has used of them.
  Mounts are not in it: give a lease when you resume. A lease that the run held is let go of.

  Dumping a paused run consumes its snapshot, because a run should go on in one place; dumping a runner does not. Both
  take place on a thread of the library, like everything that takes time.

  ## A dump is trusted input

  A dump holds the state of the interpreter, and the interpreter believes it. A truncated, damaged or foreign dump, or one
  of a later release, is `%ExMonty.Error{reason: :invalid_dump}`: its checksum does not fit. But who can compute a checksum
  can forge a dump, and with it crash the VM. So load only what nobody else could write, or give a `:key`.

  ## Options

    * `:key` – of dumping and loading: a binary, best 32 random bytes. The dump is sealed with HMAC-SHA256, and loaded only
      if the seal is right; a dump that is not sealed is refused, too. It is signed, not encrypted. `nil` raises, as does
      whatever else is no key: leave the option out for dumps without a seal.
    * `:limits` – of loading a paused run: a ceiling for its limits, as in `ExMonty.Limits`. What is not given stays as it was. A
      run that holds more than `:max_memory` of the ceiling is `%ExMonty.Error{reason: :limit_exceeded}`; one that holds more
      than its own limit ends with a `MemoryError` when it goes on.
  """

  # What stands around the bytes. All numbers are big-endian:
  #
  #     magic      8 bytes
  #     version    2 bytes
  #     kind       1 byte: a runner, a snapshot of one call, one of futures, a session, a mount table, a workspace
  #     sealed     1 byte: 0 with a checksum, 1 with a seal
  #     size       8 bytes, of the body
  #     tag        32 bytes: SHA-256 of everything else, or HMAC-SHA256 of it with the key
  #     body
  #
  # The native library reads a body only if the tag is right, so a changed byte never reaches it. A checksum can be
  # computed by anybody; a seal only by who has the key.

  alias ExMonty.{Error, Limits, Options, Turn}

  @magic <<0x89, "exmonty">>
  @version 1
  @kinds %{runner: 1, snapshot: 2, futures: 3, session: 4, mounts: 5, workspace: 6}
  @header_bytes 52

  @doc false
  def dump(runner, opts), do: write(:dump_runner, runner, :runner, opts)

  @doc false
  def load_runner(dump, opts), do: read(dump, :runner, :load_runner, [], options!(opts, [:key]))

  @doc false
  def dump_snapshot(snapshot, opts), do: write(:dump_snapshot, snapshot, :snapshot, opts)

  @doc false
  def load_snapshot(dump, opts), do: read_run(dump, :snapshot, opts)

  @doc false
  def dump_future_snapshot(futures, opts), do: write(:dump_futures, futures, :futures, opts)

  @doc false
  def load_future_snapshot(dump, opts), do: read_run(dump, :futures, opts)

  @doc false
  def dump_session(session, opts), do: write(:dump_session, session, :session, opts)

  @doc false
  def load_session(dump, opts), do: read_limited(dump, :session, :load_session, opts)

  defp read_run(dump, kind, opts), do: read_limited(dump, kind, :load_snapshot, opts)

  defp read_limited(dump, kind, function, opts) do
    opts = options!(opts, [:key, :limits])
    read(dump, kind, function, [ceiling!(opts)], opts)
  end

  # What is dumped may be consumed, so the options are checked before.
  defp write(function, subject, kind, opts) do
    key = opts |> options!([:key]) |> Keyword.get(:key)

    with {:ok, body} <- Turn.take(function, [subject]) do
      {:ok, seal(body, kind, key)}
    end
  end

  @doc false
  def seal(body, kind, key) do
    sealed = if key, do: 1, else: 0
    head = <<@magic, @version::16, @kinds[kind], sealed, byte_size(body)::64>>
    <<head::binary, tag(key, head, body)::binary, body::binary>>
  end

  defp read(dump, kind, function, args, opts) do
    with {:ok, body} <- unseal(dump, kind, opts[:key]) do
      Turn.take(function, [body | args])
    end
  end

  defp ceiling!(opts) do
    case Keyword.fetch(opts, :limits) do
      {:ok, limits} -> Limits.ceiling!(limits)
      :error -> nil
    end
  end

  @doc false
  def options!(opts, accepted) do
    Options.only!(opts, accepted)

    case Keyword.fetch(opts, :key) do
      :error ->
        opts

      {:ok, key} when is_binary(key) and byte_size(key) > 0 ->
        opts

      # A key is a secret, which a message must not repeat. One that is missing where it is configured is no wish for
      # dumps without a seal.
      {:ok, _other} ->
        raise ArgumentError, "invalid option :key; accepted: a binary that is not empty, best 32 random bytes"
    end
  end

  @doc false
  def unseal(<<@magic, version::16, _rest::binary>>, _kind, _key) when version > @version do
    refuse("the dump has version #{version}, and this release reads up to version #{@version}")
  end

  def unseal(
        <<@magic, @version::16, number, sealed, size::64, tag::binary-size(32), body::binary>> = dump,
        kind,
        key
      )
      when sealed in [0, 1] do
    head = binary_part(dump, 0, @header_bytes - 32)

    cond do
      sealed == 1 and key == nil ->
        refuse("the dump is sealed; it can be loaded with the :key that it was dumped with")

      sealed == 0 and key != nil ->
        refuse("the dump is not sealed, and with a :key only sealed dumps are loaded")

      byte_size(body) < size ->
        refuse("the dump is truncated: #{byte_size(body)} of #{size} bytes are there")

      byte_size(body) > size ->
        refuse("the dump has #{byte_size(body) - size} bytes behind its end")

      not equal?(tag, tag(key, head, body)) ->
        refuse(wrong_tag(key))

      number != @kinds[kind] ->
        refuse("this is the dump of #{kind(number)}, and not of #{kind(@kinds[kind])}")

      true ->
        {:ok, body}
    end
  end

  def unseal(<<@magic, _rest::binary>>, _kind, _key), do: refuse("the dump is truncated or damaged")
  def unseal(dump, _kind, _key) when is_binary(dump), do: refuse("this is no dump of ExMonty")

  def unseal(other, _kind, _key) do
    raise ArgumentError, "expected a dump, which is a binary; got: #{inspect(other)}"
  end

  defp tag(nil, head, body), do: :crypto.hash(:sha256, [head, body])
  defp tag(key, head, body), do: :crypto.mac(:hmac, :sha256, key, [head, body])

  # In a time that does not tell how much of a forged seal is right.
  defp equal?(one, other) do
    :crypto.exor(one, other) == <<0::256>>
  end

  defp wrong_tag(nil), do: "the dump is damaged: its checksum does not fit"
  defp wrong_tag(_key), do: "the dump is damaged, or was sealed with another :key"

  defp kind(1), do: "a runner"
  defp kind(2), do: "a snapshot that waits for one call"
  defp kind(3), do: "a snapshot that waits for futures"
  defp kind(4), do: "a session"
  defp kind(5), do: "a mount table"
  defp kind(6), do: "a workspace"
  defp kind(_number), do: "something else"

  defp refuse(message), do: {:error, %Error{reason: :invalid_dump, message: message}}
end
