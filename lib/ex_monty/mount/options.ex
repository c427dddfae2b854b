defmodule ExMonty.Mount.Options do
  @moduledoc false

  # What may be said about a mount, validated once. Behind this module lists of limits are well-formed and files are
  # pairs of an absolute path and a binary, or `:directory`.

  @limits [:write_bytes_limit, :max_bytes, :max_files, :max_file_size, :memory_limit]
  @verdicts [:deny, :hide, :read_only]
  @options [
    memory: [:files, :rules | @limits],
    read_only: [:rules, :memory_limit],
    read_write: [:rules | @limits],
    overlay: [:rules | @limits]
  ]
  @kinds [
    memory: "a memory mount",
    read_only: "a read-only mount",
    read_write: "a read-write mount",
    overlay: "an overlay"
  ]
  @max_limit 0xFFFF_FFFF_FFFF_FFFF

  @specs "{virtual, :memory}, {virtual, :memory, opts}, {virtual, source, mode} or {virtual, source, mode, opts}, " <>
           "source being a host path or an ExMonty.Mount.Snapshot"

  @type limits :: [{atom, non_neg_integer | :unlimited}]
  @type rules :: [{:deny | :hide | :read_only, [String.t()]}]

  # The arguments of `ExMonty.Mount.add` for each spec; `called` is what errors call them.
  @spec specs!(term, String.t()) :: [[term]]
  def specs!(specs, called \\ "mount specs") do
    unless is_list(specs) and not List.improper?(specs), do: wrong!(called, specs, "a list of #{@specs}")
    Enum.map(specs, &spec!(&1, called))
  end

  defp spec!({virtual, :memory}, _called), do: [virtual, :memory, []]
  defp spec!({virtual, :memory, opts}, _called), do: [virtual, :memory, opts]
  defp spec!({virtual, host, mode}, _called), do: [virtual, host, mode, []]
  defp spec!({virtual, host, mode, opts}, _called), do: [virtual, host, mode, opts]
  defp spec!(other, called), do: wrong!("one of #{called}", other, @specs)

  # The files that a memory mount begins with.
  @spec files!(keyword) :: [{String.t(), binary | :directory}]
  def files!(opts) do
    opts |> Keyword.get(:files, %{}) |> sorted_files!()
  end

  # The limits and the rules of a mount of this kind.
  @spec settings!(:memory | :read_only | :read_write | :overlay, term) :: {limits, rules}
  def settings!(kind, opts) do
    known!(opts, @options[kind], @kinds[kind])
    {limits!(opts), rules!(Keyword.get(opts, :rules, []))}
  end

  # Checks the limits of a memory mount, and nothing else.
  @spec limits_of_memory!(term) :: keyword
  def limits_of_memory!(opts) do
    known!(opts, @limits, @kinds[:memory])
    limits!(opts)
    opts
  end

  @spec virtual!(term) :: binary
  def virtual!(path) when is_binary(path), do: path
  def virtual!(other), do: wrong!("a virtual path", other, "a string")

  @spec host!(term) :: binary
  def host!(path) when is_binary(path), do: path
  def host!(path) when is_list(path), do: IO.chardata_to_string(path)
  def host!(other), do: wrong!("a host path", other, "a string")

  # What a commit takes of an overlay, and whether it is made.
  @spec commit!(term) :: {keyword([String.t()]), :real | :dry_run}
  def commit!(opts) do
    known!(opts, [:only, :except, :include, :dry_run], "a commit")
    selection = for {name, globs} <- Keyword.delete(opts, :dry_run), do: {name, globs!(inspect(name), globs)}

    case Keyword.get(opts, :dry_run, false) do
      false -> {selection, :real}
      true -> {selection, :dry_run}
      other -> wrong!(":dry_run", other, "a boolean")
    end
  end

  # What loading a dump takes, the key aside.
  @spec load!(keyword) :: {[{String.t(), String.t()}], :refuse | :keep, non_neg_integer}
  def load!(opts) do
    hosts = Keyword.get(opts, :hosts, %{})

    unless is_map(hosts) and not is_struct(hosts),
      do: wrong!(":hosts", hosts, "a map of virtual paths to host paths")

    hosts = for {virtual, host} <- hosts, do: {virtual!(virtual), host!(host)}
    on_drift = Keyword.get(opts, :on_drift, :refuse)
    unless on_drift in [:refuse, :keep], do: wrong!(":on_drift", on_drift, ":refuse, :keep")
    max_size = Keyword.get(opts, :max_size, 1024 * 1024 * 1024)

    unless is_integer(max_size) and max_size in 0..@max_limit,
      do: wrong!(":max_size", max_size, "a number of bytes from 0 to 2^64 - 1")

    {hosts, on_drift, max_size}
  end

  defp known!(opts, accepted, what), do: ExMonty.Options.only!(opts, accepted, " of #{what}")

  defp limits!(opts) do
    for option <- @limits, {:ok, value} <- [Keyword.fetch(opts, option)], do: {option, limit!(option, value)}
  end

  defp limit!(_, :unlimited), do: :unlimited
  defp limit!(_, value) when is_integer(value) and value in 0..@max_limit, do: value

  defp limit!(option, other),
    do: wrong!(inspect(option), other, "an integer from 0 to 2^64 - 1, or :unlimited")

  defp rules!(rules) do
    known!(rules, @verdicts, ":rules")
    for {verdict, globs} <- rules, do: {verdict, globs!("#{inspect(verdict)} of :rules", globs)}
  end

  defp globs!(name, globs) do
    valid? =
      is_list(globs) and not List.improper?(globs) and
        Enum.all?(globs, &(is_binary(&1) and String.valid?(&1)))

    if valid?,
      do: globs,
      else: wrong!(name, globs, "a list of globs, which are UTF-8 strings")
  end

  # Sorted, so that of two names that cannot both be it is always the same one that is refused.
  defp sorted_files!(files) when is_map(files) and not is_struct(files) do
    Enum.sort(for {path, contents} <- files, do: {file_path!(path), contents!(path, contents)})
  end

  defp sorted_files!(other), do: wrong!(":files", other, "a map of paths to contents or :directory")

  defp file_path!("/" <> _ = path), do: path
  defp file_path!(path) when is_binary(path), do: "/" <> path
  defp file_path!(other), do: wrong!("a path in :files", other, "a string")

  defp contents!(_, contents) when is_binary(contents) or contents == :directory, do: contents

  defp contents!(path, contents) do
    IO.iodata_to_binary(contents)
  rescue
    ArgumentError ->
      wrong!("the contents of #{inspect(path)} in :files", contents, "a binary, iodata or :directory")
  end

  defp wrong!(what, got, accepted) do
    raise ArgumentError, "#{what}: got #{inspect(got)}, accepted: #{accepted}"
  end
end
