import json
import os
from pathlib import Path

sources = {
    'app/main.py': 'def main():\n    return 1\n\n\ndef other():\n    pass\n',
    'app/util.py': 'X = 1\n',
    'web/index.js': 'function f() {\n  return 2;\n}\n',
    'README.md': '# Title\n\ntext\n',
}
for name, text in sources.items():
    target = Path(ROOT, 'src', name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)

lines = {}
longest = []
for directory, names, files in os.walk(os.path.join(ROOT, 'src')):
    for name in sorted(files):
        path = os.path.join(directory, name)
        suffix = os.path.splitext(name)[1]
        with open(path) as f:
            count = sum(1 for _ in f)
        lines[suffix] = lines.get(suffix, 0) + count
        longest.append((count, os.path.relpath(path, ROOT)))
report = {'lines': dict(sorted(lines.items())), 'longest': sorted(longest, reverse=True)[:2]}
out = Path(ROOT) / 'out'
out.mkdir()
(out / 'report.json').write_text(json.dumps(report, indent=1))
with open(out / 'report.md', 'w') as f:
    for suffix, count in report['lines'].items():
        f.write(f'- {suffix}: {count}\n')
print((out / 'report.json').read_text())
print((out / 'report.md').read_text())
