import os
from pathlib import Path

os.makedirs(ROOT + '/dir/sub')
Path(ROOT + '/dir/file.txt').write_text('12345')

for name in ['dir', 'dir/file.txt', 'dir/missing', 'dir/file.txt/x', 'dir/', 'dir/../dir/file.txt', './dir//sub']:
    path = ROOT + '/' + name
    print(name, os.path.exists(path), os.path.isfile(path), os.path.isdir(path), os.path.islink(path), os.path.lexists(path))
print(os.path.getsize(ROOT + '/dir/file.txt'))
try:
    os.path.getsize(ROOT + '/missing')
except OSError as error:
    print(type(error).__name__, error)
print(os.path.samefile(ROOT + '/dir/file.txt', ROOT + '/dir/sub/../file.txt'))
print(os.path.samefile(ROOT + '/dir', ROOT + '/dir/sub'))
for name in ['dir/sub/..', 'dir//sub/.', 'missing/x', 'dir/file.txt']:
    print(name, os.path.realpath(ROOT + '/' + name), Path(ROOT + '/' + name).resolve())
print(os.path.abspath(ROOT + '/dir/../x'), Path(ROOT + '/dir/../x').absolute())
print(os.path.split(ROOT + '/dir/file.txt'), os.path.splitext('a/b.tar.gz'), os.path.join('a', 'b', '/c', 'd'))
print(os.path.basename(ROOT + '/dir/file.txt'), os.path.dirname(ROOT + '/dir/file.txt'))
print(os.path.getmtime(ROOT + '/dir/file.txt') > 1_600_000_000)
