import os
from pathlib import Path

names = [
    'with space', "it's", 'say "hi"', "both ' and \"", 'tab\there', 'new\nline', 'back\\slash', 'ünïcode', 'e\u0301 nfd',
    '\u202ertl', '..b', 'c..', '...', '-dash', '~', '*', '[x]', 'a:b', 'n' * 255, '日本語',
]
for name in names:
    path = ROOT + '/' + name
    try:
        open(path)
    except OSError as error:
        print(error)
    with open(path, 'w') as f:
        f.write(name)
    print(open(path).read() == name, os.path.exists(path))
print(sorted(os.listdir(ROOT)) == sorted(names))

Path(ROOT, 'dir').mkdir()
for path in ['/dir/', '/dir/.', '/dir/..', '//dir', '/dir//', '/./dir/../dir']:
    print(path, os.path.isdir(ROOT + path), Path(ROOT + path).exists())
