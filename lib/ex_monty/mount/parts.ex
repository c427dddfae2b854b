defmodule ExMonty.Mount.Parts do
  @moduledoc false

  # A table as a frame and its contents by digest, for whoever keeps state after state and has most contents already.

  alias ExMonty.{Error, Mount, Native}
  alias ExMonty.Mount.{Holder, Options}

  @digest_bytes 32

  @type digest :: binary

  @doc "The frame, the digests it names, and the contents whose digests are not among `known`."
  @spec dump(Mount.holder(), [digest]) ::
          {:ok, frame :: binary, [digest], [{digest, contents :: binary}]}
          | {:error, Error.t() | :lease_released}
  def dump(holder, known) do
    with {:ok, {frame, digests, new}} <-
           Native.mount_dump_parts(Holder.ref!(holder), IO.iodata_to_binary(known)) do
      {:ok, frame, for(<<digest::binary-size(@digest_bytes) <- digests>>, do: digest), new}
    end
  end

  @doc "The table of a frame, with the contents that it names. Options are those of `ExMonty.Mount.load/2` but `:key`."
  @spec load(binary, %{digest => binary}, keyword) :: {:ok, Mount.t()} | {:error, term}
  def load(frame, contents, opts) do
    {hosts, on_drift, max_size} = Options.load!(opts)

    with {:ok, ref} <- Native.mount_load_parts(frame, Map.to_list(contents), hosts, on_drift, max_size) do
      {:ok, %Mount{ref: ref}}
    end
  end
end
