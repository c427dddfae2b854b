from pathlib import Path

root = Path(ROOT)
for name in ['a.py', 'b.txt', 'src/c.py', 'src/d.pyc', 'src/deep/e.py', 'src/deep/f[1].py', '.dot/g.py', 'x/y/z/h.py']:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)

for pattern in [
    '*', '*.py', '*/*.py', '**/*.py', 'src/*', 'src/**/*.py', '*/deep/*', '**/deep', '?.py', '[ab].*', '[!a].*',
    'missing/*', '*.nothing', 'src/deep/f[[]1].py', '.dot/*', '**/z/*.py', 'src/c.py', 'a.py/*',
]:
    print(pattern, sorted(str(p) for p in root.glob(pattern)))
for pattern in ['*.py', '?', 'e*', 'deep/*']:
    print('rglob', pattern, sorted(str(p) for p in root.rglob(pattern)))
print(sorted(str(p) for p in (root / 'missing').glob('*')))
print(sorted(str(p) for p in (root / 'a.py').glob('*')))
