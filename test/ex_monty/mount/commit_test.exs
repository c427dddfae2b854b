defmodule ExMonty.Mount.CommitTest do
  use ExUnit.Case, async: true

  # A commit that stops half-way. Nothing that a test may do to a directory makes a step of it fail for every user on every
  # file system, but somebody else who works in the directory meanwhile does: a commit first makes all contents out of
  # sight, in a directory that the host can see, and waits for the disk. Whoever sees that directory comes after the check
  # for conflicts and before the first step that can be seen.

  alias ExMonty.Mount
  alias ExMonty.Mount.CommitReport
  alias ExMonty.Test.HostDirectory

  # Written between the others, it keeps the commit out of sight for long enough.
  @large 32 * 1024 * 1024

  # A table whose overlay has something to commit at /o/a, /o/large and /o/z, in this order.
  defp changed do
    host = HostDirectory.create!(%{"a" => "old", "gone" => "old"})
    mounts = Mount.new!([{"/o", host, :overlay}])
    for path <- ["/o/a", "/o/z"], do: Mount.write!(mounts, path, "new")
    Mount.write!(mounts, "/o/large", String.duplicate("x", @large))
    Mount.rm!(mounts, "/o/gone")
    {mounts, host}
  end

  # What a commit came to of which somebody had a part, and what it was a commit of. A commit that ended before
  # anybody looked is nothing to look at, and another is made.
  defp commit_beside(meddle, commit, tries \\ 100) do
    {mounts, host} = changed()
    other = Task.async(fn -> meddle_once_begun(host, meddle) end)
    outcome = commit.(mounts)
    send(other.pid, :ended)

    cond do
      {Task.await(other, :infinity), ended?(outcome)} == {:meddled, false} -> {outcome, mounts, host}
      tries > 0 -> commit_beside(meddle, commit, tries - 1)
      true -> flunk("nobody ever came between the check of a commit and its first step")
    end
  end

  defp ended?({:ok, _report}), do: true
  defp ended?(%CommitReport{}), do: true
  defp ended?(_stopped), do: false

  defp meddle_once_begun(host, meddle) do
    cond do
      Enum.any?(File.ls!(host), &String.starts_with?(&1, ".mounts-")) ->
        meddle.(host)
        :meddled

      received?(:ended) ->
        :late

      true ->
        meddle_once_begun(host, meddle)
    end
  end

  defp received?(message) do
    receive do
      ^message -> true
    after
      0 -> false
    end
  end

  # Where the commit has been there already it has ended, and is looked at no further.
  defp create_a_directory(host), do: File.mkdir(Path.join(host, "z"))

  test "a commit that stops half-way tells what it did, and goes on when it is called again" do
    {outcome, mounts, host} = commit_beside(&create_a_directory/1, &Mount.commit(&1, "/o"))
    assert {:error, {:incomplete, :eexist, %CommitReport{} = report}} = outcome
    assert report.written == ["/o/a", "/o/large"]
    assert {report.removed, report.skipped, report.pending} == {[], [], ["/o/gone", "/o/z"]}

    # What was done has left the overlay, and the rest is as it was.
    assert {Mount.read!(mounts, "/o/a"), Mount.read!(mounts, "/o/z")} == {"new", "new"}
    assert File.read!(Path.join(host, "a")) == "new"
    assert File.stat!(Path.join(host, "large")).size == @large
    assert Enum.sort(File.ls!(host)) == ["a", "gone", "large", "z"]

    # With the cause still there it is known before anything is done; without it, the rest is.
    assert Mount.commit(mounts, "/o") == {:error, {:conflict, [{"/o/z", :exists}]}}
    File.rmdir!(Path.join(host, "z"))
    assert [%{path: "/o/gone", kind: :deleted}, %{path: "/o/z", size: 3}] = Mount.changes!(mounts)
    assert {:ok, %CommitReport{} = rest} = Mount.commit(mounts, "/o")
    assert {rest.written, rest.removed, rest.skipped, rest.pending} == {["/o/z"], ["/o/gone"], [], []}
    assert Mount.changes!(mounts) == []
    assert File.read!(Path.join(host, "z")) == "new"
    assert Enum.sort(File.ls!(host)) == ["a", "large", "z"]
  end

  test "a commit through a lease stops half-way as one of the table does" do
    commit = fn mounts ->
      lease = Mount.checkout!(mounts)
      outcome = Mount.commit(lease, "/o")
      Mount.release(lease)
      outcome
    end

    {outcome, mounts, host} = commit_beside(&create_a_directory/1, commit)
    assert {:error, {:incomplete, :eexist, %{pending: ["/o/gone", "/o/z"]}}} = outcome
    File.rmdir!(Path.join(host, "z"))
    lease = Mount.checkout!(mounts)
    assert %CommitReport{written: ["/o/z"], removed: ["/o/gone"]} = Mount.commit!(lease, "/o")
  end

  test "what the host writes in the last moment stays, and is a conflict from then on" do
    meddle = fn host -> File.write!(Path.join(host, "a"), "by the host") end
    {outcome, mounts, host} = commit_beside(meddle, &Mount.commit(&1, "/o"))
    assert {:error, {:incomplete, :estale, %CommitReport{written: [], removed: []}}} = outcome
    assert File.read!(Path.join(host, "a")) == "by the host"
    assert Mount.commit(mounts, "/o") == {:error, {:conflict, [{"/o/a", :drifted}]}}

    assert {:ok, %CommitReport{skipped: [{"/o/a", :not_selected}]}} =
             Mount.commit(mounts, "/o", except: ["a"])

    assert {Mount.read!(mounts, "/o/a"), File.read!(Path.join(host, "a"))} == {"new", "by the host"}
  end

  test "commit! raises what stopped it, and how much is left" do
    raised = fn mounts ->
      try do
        Mount.commit!(mounts, "/o")
      rescue
        error in ExMonty.Error -> error
      end
    end

    {error, _mounts, _host} = commit_beside(&create_a_directory/1, raised)
    assert error.reason == :incomplete
    assert error.message == ~s(could not commit "/o" to its end, 2 left: file already exists)
  end
end
