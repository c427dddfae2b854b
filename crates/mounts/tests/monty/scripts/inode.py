import os
from pathlib import Path

# Written anew, a file of the host has another inode number: the one difference that a script can see.
file = Path(ROOT) / 'file'
file.write_text('one')
before = file.stat().st_ino
file.write_text('two')
print(file.stat().st_ino == before)
with open(file, 'a') as opened:
    opened.write('three')
print(file.stat().st_ino == before)
os.rename(file, ROOT + '/moved')
print(os.stat(ROOT + '/moved').st_ino == before)
