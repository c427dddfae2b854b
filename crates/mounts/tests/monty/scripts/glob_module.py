import glob
import os
from glob import glob as find
from pathlib import Path


def shown(work):
    try:
        found = work()
        return repr(sorted(found) if isinstance(found, list) else found)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


for directory in ["a", "a/b", "a/b/c", "a/.git", "x[1]", "dots.d"]:
    os.mkdir(directory)
for name in [
    "one.py", "two.py", "Three.PY", ".hidden.py", "a/four.py", "a/b/five.py", "a/b/c/six.py", "a/.git/config",
    "a/b/.env", "x[1]/seven.txt", "dots.d/é.txt", "dots.d/x-y_z",
]:
    Path(name).write_text(name)

for pattern in [
    "*", "*.py", "*.PY", "?ne.py", "[ot]*.py", "[!o]*.py", ".*", ".h*", "a/*", "a/*.py", "*/*.py", "*/", "a/", "a",
    "missing", "missing/*", "one.py/", "one.py/*", "", ".", "..", "./*", "./*.py", "**", "**/", "**/*.py",
    "a/**", "a/**/", "a/**/*.py", "**/c/*", "**/**/*.py", "a/b/../*", "*/b/*.py", "x[1]/*", "x[[]1]/*", "x[[]1[]]/*",
    "*.d/*", "*.d/[é]*", "dots.d/x[-_]y*", "[", "[a", "[]a]*", "a//*", "a//b", "*//*.py", "**/.env", "**/.*",
]:
    for options in [{}, {"recursive": True}, {"include_hidden": True}, {"recursive": True, "include_hidden": True}]:
        print(pattern, options, shown(lambda: find(pattern, **options)))
    print(pattern, shown(lambda: find(ROOT + "/" + pattern, recursive=True)))
    print(pattern, shown(lambda: find(pattern, root_dir="a", recursive=True)))
    print(pattern, shown(lambda: find(pattern, root_dir=Path(ROOT) / "a")))
    print(pattern, shown(lambda: list(glob.iglob(pattern))))

print(shown(lambda: find(pathname="*.py")))
for call in [
    lambda: find(),
    lambda: find("a", "b"),
    lambda: find("a", depth=1),
    lambda: find(None),
    lambda: find(Path("a")),
    lambda: find("*", root_dir="missing"),
    lambda: find("*", root_dir=1),
    lambda: glob.escape("a*b?c[d]"),
    lambda: find(glob.escape("x[1]") + "/*"),
    lambda: glob.has_magic("a*"),
    lambda: glob.has_magic("a"),
]:
    print(shown(call))

os.chdir("a")
print(shown(lambda: find("*")))
print(shown(lambda: find("**/*.py", recursive=True)))
print(shown(lambda: find("../*.py")))
print(shown(lambda: find("*.py", root_dir="..")))
os.chdir("b/c")
print(shown(lambda: find("*")))
