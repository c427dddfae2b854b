import json
from pathlib import Path

path = Path(ROOT) / 'config.json'
config = {'name': 'Ünïcode', 'numbers': [1, 2.5, -3], 'nested': {'yes': True, 'no': None}, 'empty': {}}
with open(path, 'w') as f:
    json.dump(config, f, indent=2, sort_keys=True)
print(path.read_text())
with open(path) as f:
    print(json.load(f) == config)
print(json.loads(path.read_bytes())['nested'])

(Path(ROOT) / 'broken.json').write_text('{"a": [1, 2')
try:
    with open(Path(ROOT) / 'broken.json') as f:
        json.load(f)
except ValueError as error:
    print(type(error).__name__, error)

log = Path(ROOT) / 'events.jsonl'
with open(log, 'w') as f:
    for number in range(3):
        f.write(json.dumps({'event': number}) + '\n')
print([json.loads(line)['event'] for line in log.read_text().splitlines()])
