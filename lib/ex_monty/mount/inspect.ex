defimpl Inspect, for: ExMonty.Mount do
  import Inspect.Algebra

  def inspect(mounts, opts) do
    container_doc("#ExMonty.Mount<", points(mounts), ">", opts, fn {virtual, mode}, opts ->
      concat([to_doc(virtual, opts), " ", Atom.to_string(mode)])
    end)
  end

  # A handle from another node or another life of this one has a table that is out of reach.
  defp points(mounts) do
    Enum.map(ExMonty.Mount.list(mounts), &{&1.virtual, &1.mode})
  rescue
    ArgumentError -> []
  end
end
