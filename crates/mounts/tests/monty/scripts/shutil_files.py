import os
import shutil
from pathlib import Path
from shutil import copy, copy2 as duplicate


def shown(work):
    try:
        return repr(work())
    except Exception as error:
        name = type(error).__name__
        return f"{'OSError' if name in ('Error', 'SameFileError') else name}: {error}"


def tree(top="."):
    found = []
    for directory, names, files in os.walk(top):
        for name in sorted(names):
            found.append(os.path.join(directory, name) + "/")
        for name in sorted(files):
            path = os.path.join(directory, name)
            found.append(path + "=" + Path(path).read_text())
    return sorted(found)


os.mkdir("d")
os.mkdir("empty")
Path("f.txt").write_text("first\n")
Path("g.txt").write_text("second\n")

print(shown(lambda: copy("f.txt", "copied.txt")))
print(shown(lambda: copy("f.txt", "d")))
print(shown(lambda: copy(src="g.txt", dst="d/")))
print(shown(lambda: duplicate(Path("f.txt"), Path("d/dup.txt"))))
print(shown(lambda: shutil.copy2(Path("f.txt"), Path("empty"))))
print(shown(lambda: shutil.copyfile("g.txt", "copied.txt")))
print(shown(lambda: copy(ROOT + "/f.txt", ROOT + "/abs.txt", follow_symlinks=False)))
print(tree())

for call in [
    lambda: copy("missing", "x"),
    lambda: copy("missing", "d"),
    lambda: copy("d", "x"),
    lambda: copy("f.txt", "nowhere/x"),
    lambda: copy("f.txt", "g.txt/x"),
    lambda: copy("f.txt/x", "y"),
    lambda: copy("f.txt", "nowhere/"),
    lambda: copy("f.txt", "no/where/"),
    lambda: copy("f.txt", "g.txt/"),
    lambda: copy("f.txt/", "x"),
    lambda: copy("missing/", "x/"),
    lambda: copy("", "x"),
    lambda: copy("f.txt", ""),
    lambda: copy("f.txt", "f.txt"),
    lambda: copy("f.txt", "./d/../f.txt"),
    lambda: copy("f.txt", "."),
    lambda: shutil.copyfile("f.txt", "d"),
    lambda: shutil.copyfile("d", "x"),
    lambda: copy("f.txt"),
    lambda: copy(),
    lambda: copy("a", "b", "c"),
    lambda: copy("a", "b", "c", follow_symlinks=True),
    lambda: copy("a", "b", src="c"),
    lambda: copy("a", "b", color="red"),
    lambda: copy(None, "b"),
    lambda: copy("f.txt", None),
    lambda: copy([], "b"),
    lambda: copy("f.txt", 1.5),
    lambda: shutil.disk_usage("missing"),
    lambda: shutil.disk_usage("a", "b"),
    lambda: shutil.disk_usage(None),
]:
    print(shown(call))
print(tree())

usage = shutil.disk_usage(".")
print(usage.total >= usage.used + usage.free, usage.used > 0, usage[2] == usage.free)

# Moving files.
print(shown(lambda: shutil.move("copied.txt", "moved.txt")))
print(shown(lambda: shutil.move("moved.txt", "d")))
print(shown(lambda: shutil.move(Path("abs.txt"), Path("f2.txt"))))
print(shown(lambda: shutil.move("f2.txt", "g.txt")))
print(shown(lambda: shutil.move("g.txt", "d")))
print(shown(lambda: shutil.move("missing", "x")))
print(shown(lambda: shutil.move("f.txt", "nowhere/x")))
print(shown(lambda: shutil.move("f.txt", "f.txt")))
print(tree())

# The working directory is the one of now.
os.chdir("d")
print(shown(lambda: copy("f.txt", "here.txt")))
print(shown(lambda: copy("../f.txt", "../there.txt")))
print(shown(lambda: copy("missing", "x")))
os.chdir("..")
print(shown(lambda: shutil.move("d/here.txt", "empty/")))
print(tree())
