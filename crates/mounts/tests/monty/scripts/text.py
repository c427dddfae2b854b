from pathlib import Path

root = Path(ROOT)
note = root / 'note.txt'
print(note.write_text('zwölf Boxkämpfer\njagen Viktor\n'))
print(repr(note.read_text()))
print(note.write_text('kürzer'), note.read_text(), note.stat().st_size)
print(note.write_text(''), repr(note.read_text()), note.exists())

with open(note, 'a') as f:
    print(f.write('eins\n'), f.write('zwei\n'))
with open(note, 'a') as f:
    print(f.write('drei'))
print(note.read_text().splitlines())

with open(note) as f:
    for number, line in enumerate(f.readlines()):
        print(number, repr(line))
with open(note) as f:
    print([line.strip() for line in f.read().split('\n')])
with open(note) as f:
    for line in f:
        print(line, end='|')
print()

emoji = root / 'emoji 🎈.txt'
print(emoji.write_text('🎈' * 3), emoji.stat().st_size, emoji.read_text())
print(sorted(p.name for p in root.iterdir()))
