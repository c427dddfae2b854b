from pathlib import Path

for number, data in enumerate([
    b'\xff', b'ab\x80cd', b'ok\xe2\x82', b'\xe2', b'\xe2(\xa1', b'\xc0\xaf', b'\xed\xa0\x80', b'\xf4\x90\x80\x80',
    b'\xf0\x9f\x8e', b'\xf8\x88\x80\x80\x80', b'fine\xc3', b'x' * 9000 + b'\xfe',
]):
    path = Path(ROOT) / f'bad{number}'
    path.write_bytes(data)
    try:
        path.read_text()
    except UnicodeDecodeError as error:
        print(number, 'read_text', error)
    try:
        with open(path) as f:
            f.read()
    except ValueError as error:
        print(number, type(error).__name__, error)
    print(path.read_bytes() == data)
