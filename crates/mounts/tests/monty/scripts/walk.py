import os
from pathlib import Path

root = Path(ROOT)
for name in ['src/app/main.py', 'src/app/util.py', 'src/lib/deep/er/x.py', 'docs/index.md', 'README.md', '.hidden/secret']:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
(root / 'empty').mkdir()

for directory, names, files in os.walk(ROOT):
    names.sort()
    print(directory, names, sorted(files))
print()
for directory, names, files in sorted(os.walk(ROOT, topdown=False)):
    print(directory, sorted(names), sorted(files))
print()
for directory, names, files in os.walk(ROOT):
    names[:] = sorted(name for name in names if not name.startswith('.') and name != 'lib')
    print(directory, names, sorted(files))
print()
print(list(os.walk(ROOT + '/missing')), list(os.walk(ROOT + '/README.md')))
os.walk(ROOT + '/missing', onerror=print)
for entry in sorted(os.scandir(ROOT), key=lambda entry: entry.name):
    print(entry.name, entry.path, entry.is_dir(), entry.is_file(), entry.is_symlink())
with os.scandir(ROOT + '/docs') as entries:
    print([entry.name for entry in entries])
print(sorted(os.listdir(ROOT)), sorted(os.listdir(ROOT + '/src')))
