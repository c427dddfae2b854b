import os
from pathlib import Path

print(os.getcwd() == ROOT)
Path('here.txt').write_text('here')
os.makedirs('one/two')
with open('one/two/deep.txt', 'w') as f:
    f.write('deep')
print(Path('one/../here.txt').read_text(), os.path.exists('./one//two/'), sorted(os.listdir()))
os.chdir('one')
print(os.getcwd()[len(ROOT):], sorted(os.listdir('.')), os.path.exists('here.txt'), Path('../here.txt').exists())
print(open('two/deep.txt').read(), str(Path('two').absolute())[len(ROOT):], str(Path('two/..').resolve())[len(ROOT):])
print(sorted(str(p) for p in Path('.').rglob('*')), sorted(str(p) for p in Path('two').iterdir()))
os.chdir('..')
print(os.getcwd() == ROOT, [(d, sorted(n), sorted(f)) for d, n, f in os.walk('one')])
for name in ['missing', 'here.txt']:
    try:
        os.chdir(name)
    except OSError as error:
        print(type(error).__name__)
f = open('here.txt')
os.chdir('one')
print(f.read(), f.name)
