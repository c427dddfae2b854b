import os
from pathlib import Path

root = Path(ROOT)


def attempt(name, what):
    try:
        print(name, 'gave', what())
    except Exception as error:
        print(name, 'raised', type(error).__name__, error)


def show():
    for path in sorted(root.rglob('*'), key=str):
        print('  ', path, '' if path.is_dir() else repr(path.read_text()))


(root / 'a').write_text('a')
(root / 'b').write_text('b')
(root / 'dir' / 'sub').mkdir(parents=True)
(root / 'dir' / 'sub' / 'leaf').write_text('leaf')
(root / 'full').mkdir()
(root / 'full' / 'x').write_text('x')
(root / 'hollow').mkdir()

attempt('a to c', lambda: (root / 'a').rename(root / 'c'))
attempt('over b', lambda: (root / 'c').rename(root / 'b'))
show()
attempt('missing', lambda: (root / 'missing').rename(root / 'd'))
attempt('missing parent', lambda: (root / 'b').rename(root / 'no' / 'd'))
attempt('file over dir', lambda: (root / 'b').rename(root / 'hollow'))
attempt('dir over file', lambda: (root / 'dir').rename(root / 'b'))
attempt('dir over full dir', lambda: (root / 'dir').rename(root / 'full'))
attempt('dir over hollow dir', lambda: (root / 'dir').replace(root / 'hollow'))
show()
attempt('into itself', lambda: (root / 'hollow').rename(root / 'hollow' / 'sub' / 'me'))
attempt('onto its parent', lambda: (root / 'hollow' / 'sub').rename(root / 'hollow'))
attempt('onto itself', lambda: (root / 'b').rename(root / 'b'))
attempt('below a file', lambda: (root / 'hollow').rename(root / 'b' / 'x'))
attempt('from below a file', lambda: (root / 'b' / 'x').rename(root / 'y'))
attempt('os.rename', lambda: os.rename(ROOT + '/b', ROOT + '/full/b'))
attempt('os.replace', lambda: os.replace(ROOT + '/full/b', ROOT + '/full/x'))
attempt('os.rename missing', lambda: os.rename(ROOT + '/b', ROOT + '/c'))
show()
