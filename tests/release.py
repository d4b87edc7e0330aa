"""Build what a release uploads, check it, and install it where nothing else is: `make release`.

The wheel is built from the sdist, so that what is missing in the sdist is missed here. Then the sdist is installed once
more where no compiler works: all has to work without the compiled loops too. At last the types of all public names are
looked at as users of pyright see them; `python tests/release.py --no-types` leaves that out, and takes half as long.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"

SMOKE = """
import sys
import dedup
from dedup.kernel import kernel

assert "site-packages" in dedup.__file__, dedup.__file__
assert (kernel() is not None) is (sys.argv[1] == "compiled"), sys.argv
stories = dedup.cluster(dedup.sample_articles("en"))
print(sys.argv[1], dedup.__version__, stories[0])
"""

# The modules and names under which public things are defined.
PUBLIC = """
import inspect, json
import dedup

names = []
for name in dedup.__all__:
    value = getattr(dedup, name)
    if not inspect.ismodule(value):
        names.append(f"dedup.{name}")
    members = list(vars(value).values()) if inspect.ismodule(value) else [value]
    own = [m for m in members if getattr(m, "__module__", "").startswith("dedup")]
    if inspect.ismodule(value):
        listed = getattr(value, "__all__", [n for n in vars(value) if not n.startswith("_")])
        own = [m for m in own if m.__name__ in listed and m.__module__.startswith(value.__name__)]
    names += [f"{m.__module__}.{m.__qualname__}" for m in own if hasattr(m, "__qualname__")]
print(json.dumps(names))
"""


def main():
    shutil.rmtree(DIST, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        # A copy of what git knows: what an earlier build left beside the package would be built in.
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, names.split("\0")):
            target = Path(folder, "source", name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)
        run(sys.executable, "-m", "build", "--outdir", DIST, Path(folder, "source"))
        run(sys.executable, "-m", "twine", "check", "--strict", *DIST.iterdir())
        run(sys.executable, "-m", "venv", Path(folder, "bare"))
        python = Path(folder, "bare", "Scripts" if os.name == "nt" else "bin", "python")
        (wheel,), (sdist,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz")
        install = [python, "-m", "pip", "install", "--quiet", "--no-compile"]
        run(*install, wheel)
        smoke(python, folder, "compiled")
        run(*install, "--no-deps", "--force-reinstall", "--no-cache-dir", sdist, CC="no-such-compiler")
        smoke(python, folder, "numpy")
        if "--no-types" not in sys.argv:
            run(*install, "basedpyright")
            require_types(python, folder)


def smoke(python, folder, path):
    run(python, "-W", "error", "-c", SMOKE, path, cwd=folder)


def require_types(python, folder):
    """Fail where a public name has a type that is unknown, or known in part, to users."""
    names = json.loads(subprocess.run([python, "-c", PUBLIC], cwd=folder, capture_output=True, check=True).stdout)
    # It finds packages by the environment that is active.
    active = {
        "VIRTUAL_ENV": str(python.parent.parent),
        "PATH": os.pathsep.join([str(python.parent), os.environ["PATH"]]),
    }
    command = [python.parent / "basedpyright", "--verifytypes", "dedup", "--ignoreexternal", "--outputjson"]
    told = subprocess.run(command, cwd=folder, env=os.environ | active, capture_output=True).stdout
    symbols = json.loads(told)["typeCompleteness"]["symbols"]
    public = [s for s in symbols if any(f"{s['name']}.".startswith(f"{name}.") for name in names)]
    unknown = [symbol["name"] for symbol in public if not symbol["isTypeKnown"]]
    if unknown or len(public) < len(names):
        raise SystemExit(f"public names of unknown type: {unknown}; {len(public)} of {len(names)} were found")
    print(f"the types of {len(public)} public names are known")


def run(*command, cwd=ROOT, **variables):
    subprocess.run(list(map(os.fspath, command)), cwd=cwd, env=os.environ | variables, check=True)


if __name__ == "__main__":
    main()
