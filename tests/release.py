"""Build what a release uploads, check it, and install it where nothing else is: `make release`.

The wheel is built from the sdist, so that what is missing in the sdist is missed here. Then the sdist is installed once
more where no compiler works: all has to work without the compiled loops too.
"""

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


def smoke(python, folder, path):
    run(python, "-W", "error", "-c", SMOKE, path, cwd=folder)


def run(*command, cwd=ROOT, **variables):
    subprocess.run(list(map(os.fspath, command)), cwd=cwd, env=os.environ | variables, check=True)


if __name__ == "__main__":
    main()
