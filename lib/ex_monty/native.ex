defmodule ExMonty.Native do
  @moduledoc false

  # Stubs of the native library, which replaces them when it is loaded. A function that takes a reference first does
  # its work on a thread of the library; `ExMonty.Turn` knows how its outcome arrives.

  @on_load :load

  @threads_per_core 32

  @doc false
  def load do
    :ex_monty
    |> :code.priv_dir()
    |> Path.join("native/libex_monty_nif")
    |> String.to_charlist()
    |> :erlang.load_nif(configuration())
  end

  # The set is an example of what sets look like in this release of Elixir.
  defp configuration do
    threads = @threads_per_core * System.schedulers_online()

    %{
      max_threads: Application.get_env(:ex_monty, :max_threads, threads),
      max_abandoned_turns: Application.get_env(:ex_monty, :max_abandoned_turns),
      max_metered_bytes: Application.get_env(:ex_monty, :max_metered_bytes),
      map_set: MapSet.new()
    }
  end

  def compile(_reference, _code, _script_name, _inputs, _dynamic_code, _max_memory), do: unloaded()
  def input_names(_runner), do: unloaded()
  def start(_reference, _runner, _values, _limits, _policy, _host), do: unloaded()
  def start_large(_reference, _runner, _values, _limits, _policy, _host), do: unloaded()
  def resume(_reference, _snapshot, _result, _lease), do: unloaded()
  def resume_large(_reference, _snapshot, _result, _lease), do: unloaded()
  def resume_futures(_reference, _snapshot, _results, _lease), do: unloaded()
  def resume_futures_large(_reference, _snapshot, _results, _lease), do: unloaded()
  def progress(_reference, _snapshot), do: unloaded()
  def dump_runner(_reference, _runner), do: unloaded()
  def load_runner(_reference, _body), do: unloaded()
  def dump_snapshot(_reference, _snapshot), do: unloaded()
  def dump_futures(_reference, _snapshot), do: unloaded()
  def load_snapshot(_reference, _body, _ceiling), do: unloaded()
  def dump_session(_reference, _session), do: unloaded()
  def load_session(_reference, _body, _ceiling), do: unloaded()
  def session_new(_script_name, _limits, _policy, _dynamic_code, _max_source_bytes), do: unloaded()
  def session_start(_reference, _session, _code, _names, _values, _limits, _host, _overseer), do: unloaded()

  def session_start_large(_reference, _session, _code, _names, _values, _limits, _host, _overseer),
    do: unloaded()

  def session_of(_snapshot), do: unloaded()
  def session_has_ended(_session), do: unloaded()
  def pending_call_ids(_snapshot), do: unloaded()
  def time_zone?(_name), do: unloaded()
  def info, do: unloaded()

  # Who looks at a run while it has its turn.
  def overseer_new(_listener, _milliseconds), do: unloaded()
  def overseer_attach(_overseer, _snapshot), do: unloaded()
  def overseer_fetch(_overseer), do: unloaded()

  # Mount tables and leases; files, through either.
  def mount_new, do: unloaded()
  def mount_add_memory(_table, _virtual, _files, _settings), do: unloaded()
  def mount_add_host(_table, _virtual, _host_path, _mode, _settings), do: unloaded()
  def mount_add_snapshot(_table, _virtual, _snapshot, _mode, _settings), do: unloaded()
  def mount_remove(_table, _virtual), do: unloaded()
  def mount_list(_table), do: unloaded()
  def mount_count(_table), do: unloaded()
  def mount_checkout(_table, _mode), do: unloaded()
  def mount_checkout_after_changes(_table, _mode), do: unloaded()
  def mount_release(_lease), do: unloaded()
  def mount_wait(_table, _mode, _reference), do: unloaded()
  def mount_withdraw(_lease), do: unloaded()
  def mount_snapshot(_holder), do: unloaded()
  def mount_fork(_holder), do: unloaded()
  def mount_restore(_holder, _snapshot), do: unloaded()
  def mount_changes(_holder, _since), do: unloaded()
  def mount_diff(_holder, _path), do: unloaded()
  def mount_commit(_holder, _virtual, _selection, _trial), do: unloaded()
  def mount_discard(_holder, _virtual), do: unloaded()
  def mount_dump(_holder), do: unloaded()
  def mount_dump_parts(_holder, _known), do: unloaded()
  def mount_load_parts(_frame, _kept, _hosts, _drift, _max_size), do: unloaded()
  def mount_load(_dump, _hosts, _on_drift, _max_size), do: unloaded()
  def mount_export_tar(_holder, _path), do: unloaded()
  def mount_import_tar(_holder, _path, _tar), do: unloaded()
  def mount_feed(_table, _subscriber), do: unloaded()
  def mount_relay(_table, _subscriber), do: unloaded()
  def mount_events(_feed), do: unloaded()
  def file_read(_holder, _path), do: unloaded()
  def file_write(_holder, _path, _contents), do: unloaded()
  def file_append(_holder, _path, _contents), do: unloaded()
  def file_list(_holder, _path), do: unloaded()
  def file_stat(_holder, _path), do: unloaded()
  def file_exists(_holder, _path), do: unloaded()
  def file_mkdir_p(_holder, _path), do: unloaded()
  def file_remove(_holder, _path), do: unloaded()
  def file_walk(_holder, _path), do: unloaded()
  def file_glob(_holder, _glob), do: unloaded()
  def file_remove_all(_holder, _path), do: unloaded()
  def file_rename(_holder, _from, _to), do: unloaded()

  defp unloaded, do: :erlang.nif_error(:not_loaded)
end
