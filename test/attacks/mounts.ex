defmodule ExMonty.Attacks.Mounts do
  @moduledoc false

  # Whatever takes time or memory by way of files.

  import ExMonty.Test.Attack, only: [new: 4]

  @late {:raised, :timeout_error}
  @exhausted {:raised, :memory_error}

  def attacks do
    for {name, code, expect} <- [
          {"files without end",
           "i = 0\nwhile True:\n    open(f'/m/{i}', 'w').write('y' * 10_000)\n    i += 1", @exhausted},
          {"a file that grows without end",
           "while True:\n    with open('/m/a', 'a') as f:\n        f.write('y' * 1_000_000)", @exhausted},
          {"one write of all that fits",
           "x = 'y' * 100_000_000\nopen('/m/a', 'w').write(x)\nopen('/m/b', 'w').write(x)\nopen('/m/c', 'w').write(x)",
           @exhausted},
          {"reading what is large again and again, and keeping it",
           "open('/m/a', 'w').write('y' * 10_000_000)\nx = []\nwhile True:\n    x.append(open('/m/a').read())",
           @exhausted},
          {"reading what is large again and again",
           "open('/m/a', 'w').write('y' * 10_000_000)\nwhile True:\n    open('/m/a').read()", @late},
          {"asking whether a file exists, without end",
           "from pathlib import Path\nwhile True:\n    Path('/m/a').exists()", @late},
          {"directories in one another without end",
           "from pathlib import Path\np = '/m'\nwhile True:\n    p += '/d'\n    Path(p).mkdir()",
           {:raised, :os_error}},
          {"a path that is too long", "open('/m/' + 'y' * 10_000_000, 'w')", {:raised, :os_error}},
          {"a path of many components", "open('/m' + '/y' * 1_000_000)", {:raised, :os_error}},
          {"a path of dots", "from pathlib import Path\nPath('/m' + '/.' * 1_000_000).exists()", {:ok, true}},
          {"scans without end",
           "from pathlib import Path\nfor i in range(2_000):\n    Path(f'/m/{i}').write_text('')\nwhile True:\n    list(Path('/m').rglob('*'))",
           @late},
          {"a pattern of many stars",
           "from pathlib import Path\nfor i in range(200):\n    Path('/m/' + 'a' * 100 + str(i)).write_text('')\nlist(Path('/m').glob('*a' * 30 + 'b'))\n1",
           {:ok, 1}},
          {"a pattern of many double stars",
           "from pathlib import Path\np = Path('/m')\nfor i in range(40):\n    p = p / 'd'\n    p.mkdir()\nlen(list(Path('/m').glob('**/' * 20 + 'x')))",
           {:ok, 0}},
          {"copies without end",
           "from pathlib import Path\nPath('/m/0').write_text('y' * 1_000_000)\ni = 0\nwhile True:\n    Path(f'/m/{i + 1}').write_text(Path(f'/m/{i}').read_text())\n    i += 1",
           @exhausted},
          {"files that are renamed without end",
           "from pathlib import Path\nPath('/m/a').write_text('')\nwhile True:\n    Path('/m/a').rename('/m/b')\n    Path('/m/b').rename('/m/a')",
           @late},
          {"files that are made and removed without end",
           "from pathlib import Path\nwhile True:\n    Path('/m/a').write_text('')\n    Path('/m/a').unlink()",
           @late},
          {"handles without end", "x = []\nwhile True:\n    x.append(open('/m/a', 'w'))", @exhausted}
        ] do
      way = if expect == @late, do: :together, else: :alone
      new(name, code, expect, mounts: [{"/m", :memory}], memory: memory(name), way: way)
    end
  end

  # What a table held in many small pieces is freed with the table, and not in a turn: the allocator keeps it.
  defp memory("files without end"), do: nil
  defp memory(_name), do: 768
end
