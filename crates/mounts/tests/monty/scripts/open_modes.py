from pathlib import Path

path = Path(ROOT) / 'f.txt'


def attempt(name, what):
    try:
        print(name, 'gave', what())
    except Exception as error:
        print(name, 'raised', type(error).__name__, error)


f = open(path, 'w')
print(path.exists(), path.stat().st_size, f.mode, f.closed, f.tell())
print(f.write('one\n'), f.tell())
f.close()
print(f.closed)
attempt('write after close', lambda: f.write('x'))

f = open(path, 'a')
print(f.mode, f.tell(), f.write('two\n'), f.tell())
f.close()
f = open(path, 'ab')
print(f.mode, f.tell(), f.write(b'three\n'), f.tell())
f.close()
print(path.read_text())

with open(path) as f:
    print(repr(f.readline()), repr(f.readline()), repr(f.read()), repr(f.read()))
    print(f.seek(0), repr(f.read(5)), f.tell())
    attempt('write to a reader', lambda: f.write('x'))
with open(path, 'w') as f:
    attempt('read from a writer', lambda: f.read())
print(path.stat().st_size)

attempt('bad mode', lambda: open(path, 'q'))
attempt('two modes', lambda: open(path, 'rw'))
with open(path, 'w', newline='\r\n') as f:
    print(f.write('a\nb\n'))
print(path.read_bytes())
with open(path) as f:
    print(repr(f.read()))
with open(path, newline='') as f:
    print(repr(f.read()))
