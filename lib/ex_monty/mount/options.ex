defmodule ExMonty.Mount.Options do
  @moduledoc false

  # What may be said about a mount, validated once. Behind this module lists of limits are well-formed and files are
  # pairs of an absolute path and a binary.

  @limits [:write_bytes_limit, :max_bytes, :max_files, :max_file_size, :memory_limit]
  @memory [:files | @limits]
  @read_only [:memory_limit]
  @max_limit 0xFFFF_FFFF_FFFF_FFFF

  @specs "{virtual, host_path, mode}, {virtual, host_path, mode, opts}, {virtual, :memory} or {virtual, :memory, opts}"

  @type limits :: [{atom, non_neg_integer | :unlimited}]

  # The arguments of `ExMonty.Mount.add` for each spec.
  @spec specs!(term) :: [[term]]
  def specs!(specs) do
    unless is_list(specs) and not List.improper?(specs),
      do: wrong!("mount specs", specs, "a list of #{@specs}")

    Enum.map(specs, &spec!/1)
  end

  defp spec!({virtual, :memory}), do: [virtual, :memory, []]
  defp spec!({virtual, :memory, opts}), do: [virtual, :memory, opts]
  defp spec!({virtual, host, mode}), do: [virtual, host, mode, []]
  defp spec!({virtual, host, mode, opts}), do: [virtual, host, mode, opts]
  defp spec!(other), do: wrong!("a mount spec", other, @specs)

  @spec memory!(term) :: {[{String.t(), binary}], limits}
  def memory!(opts) do
    known!(opts, @memory, "a memory mount")
    {files!(Keyword.get(opts, :files, %{})), limits!(opts)}
  end

  @spec read_only!(term) :: limits
  def read_only!(opts) do
    known!(opts, @read_only, "a read-only mount")
    limits!(opts)
  end

  @spec virtual!(term) :: binary
  def virtual!(path) when is_binary(path), do: path
  def virtual!(other), do: wrong!("a virtual path", other, "a string")

  @spec host!(term) :: binary
  def host!(path) when is_binary(path), do: path
  def host!(path) when is_list(path), do: IO.chardata_to_string(path)
  def host!(other), do: wrong!("a host path", other, "a string")

  defp known!(opts, accepted, what) do
    unless Keyword.keyword?(opts), do: wrong!("options", opts, "a keyword list")

    for {option, _} <- opts, option not in accepted do
      raise ArgumentError, "unknown option #{inspect(option)} of #{what}; accepted: #{names(accepted)}"
    end
  end

  defp limits!(opts) do
    for option <- @limits, {:ok, value} <- [Keyword.fetch(opts, option)], do: {option, limit!(option, value)}
  end

  defp limit!(_, :unlimited), do: :unlimited
  defp limit!(_, value) when is_integer(value) and value in 0..@max_limit, do: value

  defp limit!(option, other),
    do: wrong!(inspect(option), other, "an integer from 0 to 2^64 - 1, or :unlimited")

  # Sorted, so that of two names that cannot both be it is always the same one that is refused.
  defp files!(files) when is_map(files) and not is_struct(files) do
    Enum.sort(for {path, contents} <- files, do: {file_path!(path), contents!(path, contents)})
  end

  defp files!(other), do: wrong!(":files", other, "a map of paths to contents")

  defp file_path!("/" <> _ = path), do: path
  defp file_path!(path) when is_binary(path), do: "/" <> path
  defp file_path!(other), do: wrong!("a path in :files", other, "a string")

  defp contents!(_, contents) when is_binary(contents), do: contents

  defp contents!(path, contents) do
    IO.iodata_to_binary(contents)
  rescue
    ArgumentError -> wrong!("the contents of #{inspect(path)} in :files", contents, "a binary or iodata")
  end

  defp names(options), do: Enum.map_join(options, ", ", &inspect/1)

  defp wrong!(what, got, accepted) do
    raise ArgumentError, "#{what}: got #{inspect(got)}, accepted: #{accepted}"
  end
end
