from pathlib import Path

path = Path(ROOT) / 'data.bin'
print(path.write_bytes(b'\x00\x01\x7f\x80\xfe\xff' * 40))
data = path.read_bytes()
print(len(data), data[:4], data[-4:], sum(data))

with open(path, 'ab') as f:
    print(f.write(b'\x00\xff'))
with open(path, 'rb') as f:
    print(f.read(3), f.tell())
    print(f.seek(-2, 2), f.read())
    print(f.read())
with open(path, 'wb') as f:
    print(f.tell(), f.write(b'short'))
print(path.read_bytes(), path.stat().st_size)
print((Path(ROOT) / 'empty').write_bytes(b''), (Path(ROOT) / 'empty').read_bytes())
