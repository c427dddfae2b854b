import csv
from pathlib import Path

path = Path(ROOT) / 'people.csv'
rows = [['name', 'age', 'motto'], ['Ada', '36', 'first, always'], ['Grace', '85', 'a "nanosecond"'], ['Kurt', '71', 'line\nbreak']]
with open(path, 'w', newline='') as f:
    writer = csv.writer(f)
    writer.writerow(rows[0])
    writer.writerows(rows[1:])
print(repr(path.read_bytes()))
with open(path, newline='') as f:
    print(list(csv.reader(f)) == rows)
with open(path, newline='') as f:
    for row in csv.DictReader(f):
        print(row['name'], row['age'], repr(row['motto']))

with open(Path(ROOT) / 'out.csv', 'w', newline='') as f:
    writer = csv.DictWriter(f, fieldnames=['a', 'b'], delimiter=';')
    writer.writeheader()
    writer.writerow({'a': 1, 'b': 'x;y'})
print(repr((Path(ROOT) / 'out.csv').read_bytes()))
