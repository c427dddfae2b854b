import os
from pathlib import Path

root = Path(ROOT)
(root / 'file').write_text('text')
(root / 'dir').mkdir()
(root / 'dir' / 'inner').write_text('inner')
(root / 'empty').mkdir()


def attempt(name, what):
    try:
        print(name, 'gave', what())
    except Exception as error:
        print(name, 'raised', type(error).__name__, error)


for name in ['missing', 'missing/deeper', 'file', 'file/below', 'dir', 'empty']:
    path = root / name
    attempt(f'read_text {name}', lambda: path.read_text())
    attempt(f'read_bytes {name}', lambda: path.read_bytes())
    attempt(f'open {name}', lambda: open(path).read())
    attempt(f'open rb {name}', lambda: open(path, 'rb').read())
    attempt(f'stat {name}', lambda: path.stat().st_size if path.is_file() else path.stat() and 'a stat')
    attempt(f'iterdir {name}', lambda: sorted(p.name for p in path.iterdir()))
    attempt(f'listdir {name}', lambda: sorted(os.listdir(path)))
    attempt(f'scandir {name}', lambda: sorted(e.name for e in os.scandir(path)))
    attempt(f'mkdir {name}', lambda: path.mkdir() if path.exists() or 'below' in name or 'deeper' in name else 'skipped')
    attempt(f'exists {name}', lambda: (path.exists(), path.is_file(), path.is_dir(), path.is_symlink()))

for name in ['dir', 'file/below', 'missing/deeper']:
    path = root / name
    attempt(f'write_text {name}', lambda: path.write_text('x'))
    attempt(f'write_bytes {name}', lambda: path.write_bytes(b'x'))
    attempt(f'open w {name}', lambda: open(path, 'w'))
    attempt(f'open a {name}', lambda: open(path, 'a'))
    attempt(f'unlink {name}', lambda: path.unlink())
    attempt(f'rmdir {name}', lambda: path.rmdir())

for name in ['file', 'missing', 'dir']:
    attempt(f'rmdir {name}', lambda: (root / name).rmdir())
for name in ['missing', 'empty']:
    attempt(f'unlink {name}', lambda: (root / name).unlink())
    attempt(f'os.remove {name}', lambda: os.remove(root / name))
attempt('missing_ok', lambda: (root / 'missing').unlink(missing_ok=True))
attempt('open empty name', lambda: open(''))
attempt('listdir empty name', lambda: os.listdir(''))
attempt('exists empty name', lambda: os.path.exists(''))
