import os
from pathlib import Path

root = Path(ROOT)
for name in ['a', 'b', 'c', 'dir/x', 'dir/sub/y']:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(name)

(root / 'a').unlink()
os.remove(ROOT + '/b')
os.unlink(ROOT + '/c')
print(sorted(os.listdir(ROOT)))
for directory, names, files in os.walk(ROOT, topdown=False):
    for name in files:
        os.remove(os.path.join(directory, name))
    for name in names:
        os.rmdir(os.path.join(directory, name))
print(sorted(os.listdir(ROOT)))

(root / 'again').write_text('file')
(root / 'again').unlink()
(root / 'again').mkdir()
(root / 'again' / 'below').write_text('now a directory')
print((root / 'again' / 'below').read_text(), (root / 'again').is_dir())
(root / 'again' / 'below').unlink()
(root / 'again').rmdir()
(root / 'again').write_text('and back')
print((root / 'again').read_text(), (root / 'again').is_file())

for _ in range(100):
    (root / 'cycle').write_text('x')
    (root / 'cycle').unlink()
print(sorted(os.listdir(ROOT)))
