# Checks the types of our modules with Dialyzer, without Hex:
#
#     MIX_ENV=test mix run --no-start build/dialyzer.exs
#
# What Erlang and Elixir bring is analysed once, into _build/dialyzer.plt; that takes a minute or two. Any warning makes
# the exit status 1.

plt = Path.expand("_build/dialyzer.plt")
ours = Mix.Project.compile_path()

known =
  for application <- [:erts, :kernel, :stdlib, :crypto, :elixir, :logger, :ex_unit],
      directory = :code.lib_dir(application),
      is_list(directory),
      do: :filename.join(directory, 'ebin')

unless File.exists?(plt) do
  IO.puts("Analysing what Erlang and Elixir bring")
  fresh = plt <> ".new"

  # Warnings about code that is not ours are nobody's here.
  :dialyzer.run(analysis_type: :plt_build, output_plt: String.to_charlist(fresh), files_rec: known)
  File.rename!(fresh, plt)
end

warnings =
  :dialyzer.run(
    analysis_type: :succ_typings,
    init_plt: String.to_charlist(plt),
    files_rec: [String.to_charlist(ours)],
    warnings: [:unknown, :extra_return]
  )

Enum.each(warnings, &IO.puts(:dialyzer.format_warning(&1)))
IO.puts("#{length(warnings)} warnings of Dialyzer")

if warnings != [], do: exit({:shutdown, 1})
