import os
from pathlib import Path

root = Path(ROOT)
(root / 'file').write_text('text')
(root / 'dir').mkdir()


def attempt(name, what):
    try:
        print(name, 'gave', what())
    except Exception as error:
        print(name, 'raised', type(error).__name__, error)


for parents in [False, True]:
    for exist_ok in [False, True]:
        for name in ['dir', 'file', 'file/below', 'file/below/deeper', 'new', 'new', 'deep/er', 'deep/er', 'a/b/c/d']:
            attempt(
                f'{name} parents={parents} exist_ok={exist_ok}',
                lambda: (root / name).mkdir(parents=parents, exist_ok=exist_ok),
            )
        print(sorted(str(p) for p in root.rglob('*')))

for name in ['made/by/os', 'made/by/os', 'dir', 'file']:
    attempt(f'makedirs {name}', lambda: os.makedirs(root / name))
    attempt(f'makedirs {name} exist_ok', lambda: os.makedirs(root / name, exist_ok=True))
attempt('os.mkdir', lambda: os.mkdir(ROOT + '/slash/'))
attempt('os.mkdir again', lambda: os.mkdir(ROOT + '/slash/'))
attempt('dots', lambda: os.makedirs(ROOT + '/dots/./x//y'))
print(sorted(str(p) for p in root.rglob('*')))
