import os
from pathlib import Path

root = Path(ROOT)
(root / 'file').write_text('héllo')
(root / 'dir').mkdir()
(root / 'dir' / 'sub').mkdir()

found = (root / 'file').stat()
print(found.st_size, oct(found.st_mode), found.st_nlink)
print(oct(os.stat(ROOT + '/dir').st_mode))
print(found.st_mtime == os.path.getmtime(ROOT + '/file'), found[6], len(found))
print(found.st_dev == (root / 'dir').stat().st_dev, found.st_ino != (root / 'dir').stat().st_ino)

before = found
(root / 'file').write_text('longer than before')
after = (root / 'file').stat()
print(after.st_size, after.st_mtime >= before.st_mtime)
os.rename(ROOT + '/file', ROOT + '/dir/moved')
moved = os.stat(ROOT + '/dir/moved')
print(moved.st_ino == after.st_ino, moved.st_mtime == after.st_mtime, moved.st_ctime >= after.st_ctime)

mark = os.stat(ROOT + '/dir').st_mtime
(root / 'dir' / 'new').write_text('')
print(os.stat(ROOT + '/dir').st_mtime >= mark)
