import os
import shutil
from pathlib import Path


def shown(work):
    try:
        return repr(work())
    except Exception as error:
        name = type(error).__name__
        return f"{'OSError' if name == 'Error' else name}: {error}"


def tree(top="."):
    found = []
    for directory, names, files in os.walk(top):
        for name in sorted(names):
            found.append(os.path.join(directory, name) + "/")
        for name in sorted(files):
            path = os.path.join(directory, name)
            found.append(path + "=" + Path(path).read_text())
    return sorted(found)


def plant():
    for directory in ["src", "src/pkg", "src/pkg/deep", "src/void"]:
        os.mkdir(directory)
    for name in ["src/a.py", "src/a.pyc", "src/.hidden", "src/pkg/b.py", "src/pkg/b.tmp", "src/pkg/deep/c.txt"]:
        Path(name).write_text(name)


plant()
print(shown(lambda: shutil.copytree("src", "out")))
print(tree("out"))
print(shown(lambda: shutil.copytree("src", "out")))
print(shown(lambda: shutil.copytree(Path("src"), Path("new/parents/out"))))
print(tree("new"))
Path("src/a.py").write_text("changed")
Path("out/extra").write_text("extra")
print(shown(lambda: shutil.copytree("src", "out", dirs_exist_ok=True)))
print(tree("out"))
print(shown(lambda: shutil.copytree("src", "picked", ignore=shutil.ignore_patterns("*.pyc", "deep", ".*"))))
print(tree("picked"))
print(shown(lambda: shutil.copytree("src", "plain", False, None, shutil.copy)))
print(shown(lambda: shutil.copytree("src", "exact", copy_function=shutil.copyfile)))
print(tree("plain") == [line.replace("exact", "plain", 1) for line in tree("exact")])
ignored = shutil.ignore_patterns("*.py[co]", "x?")
print(sorted(ignored("anywhere", ["a.py", "a.pyc", "x1", "x", "b.pyo"])))

for call in [
    lambda: shutil.copytree("missing", "x"),
    lambda: shutil.copytree("src/a.py", "x"),
    lambda: shutil.copytree("src", "src/a.py"),
    lambda: shutil.copytree("src", "src/a.py", dirs_exist_ok=True),
    lambda: shutil.copytree("src", "src/a.py/x"),
    lambda: shutil.copytree("src"),
    lambda: shutil.copytree("src", "x", colour=1),
    lambda: shutil.copytree("src", 1),
    lambda: shutil.rmtree("missing"),
    lambda: shutil.rmtree("src/a.py"),
    lambda: shutil.rmtree("missing", ignore_errors=True),
    lambda: shutil.rmtree("missing", True),
    lambda: shutil.rmtree("src/a.py", True),
    lambda: shutil.rmtree(),
    lambda: shutil.rmtree(1.5),
    lambda: shutil.rmtree("a", "b", "c", "d"),
]:
    print(shown(call))
print(tree("src"))

# What cannot be copied is told in the end, and the rest is there.
os.mkdir("blocked")
os.mkdir("blocked/a.py")
Path("blocked/pkg").write_text("a file")
print(shown(lambda: shutil.copytree("src", "blocked", copy_function=shutil.copyfile, dirs_exist_ok=True)) in [
    "OSError: [" + first + ", " + second + "]"
    for one in ["('src/a.py', 'blocked/a.py', \"[Errno 21] Is a directory: 'blocked/a.py'\")"]
    for two in ["('src/pkg', 'blocked/pkg', \"[Errno 17] File exists: 'blocked/pkg'\")"]
    for first, second in [(one, two), (two, one)]
])
print(tree("blocked"))

# A tree in itself: what was there before is copied.
print(shown(lambda: shutil.copytree("out", "out/inner")))
print(tree("out"))

print(shown(lambda: shutil.rmtree("out")), os.path.exists("out"))
print(shown(lambda: shutil.rmtree(Path("picked"))), os.path.exists("picked"))
print(shown(lambda: shutil.rmtree("./plain/")), os.path.exists("plain"))

# Moving directories.
print(shown(lambda: shutil.move("new", "newer")))
print(shown(lambda: shutil.move("newer/", "src")))
print(shown(lambda: shutil.move("src", "src/pkg")))
print(shown(lambda: shutil.move("src", "src/pkg/below")))
print(shown(lambda: shutil.move("src/pkg", "exact")))
print(shown(lambda: shutil.move("src", "src")))
print(shown(lambda: shutil.move(Path("src"), Path("elsewhere"))))
print(tree())

os.chdir("elsewhere")
print(shown(lambda: shutil.copytree("pkg", "again")))
print(shown(lambda: shutil.copytree("pkg", "again/x/y")))
print(shown(lambda: shutil.copytree("pkg", "../up")))
print(shown(lambda: shutil.rmtree("again")))
print(shown(lambda: shutil.rmtree("again")))
print(tree(ROOT))
