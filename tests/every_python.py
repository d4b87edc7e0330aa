"""Run the quick tests on every Python from 3.11 on that is installed, but the one that runs this.

Interpreters are looked for on the PATH and among pyenv's versions. Each gets an environment of its own, .venv-3.12 and
so on, beside .venv.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)

# What a browser makes of a page does not depend on the Python that wrote it.
LEFT_OUT = "tests/html/test_page_in_chromium.py"


def interpreters():
    """Paths of interpreters by version, the first found of each."""
    found = {}
    names = (f"python3.{minor}" for minor in range(OLDEST[1], 30))
    pyenv = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    for path in [*filter(None, map(shutil.which, names)), *map(str, pyenv)]:
        version = version_of(path)
        if version and version >= OLDEST:
            found.setdefault(version, path)
    return dict(sorted(found.items()))


def version_of(path):
    """Major and minor version of an interpreter; None when it does not start, as a shim of pyenv may not."""
    asked = subprocess.run([path, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False)
    match = re.match(r"(\d+)\.(\d+)", asked.stdout)
    return (int(match[1]), int(match[2])) if match else None


def test(version, path):
    """Whether the quick tests pass on an interpreter."""
    environment = ROOT / f".venv-{version[0]}.{version[1]}"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([path, "-m", "venv", environment], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--editable", f"{ROOT}[dev]"], check=True)
    pytest = [python, "-m", "pytest", "-n", "auto", "-p", "no:cacheprovider", "--ignore", LEFT_OUT]
    return subprocess.run(pytest, cwd=ROOT, check=False).returncode == 0


def main():
    found = interpreters()
    mine = sys.version_info[:2]
    found.pop(mine, None)
    names = ", ".join(f"{major}.{minor}" for major, minor in found) or "none"
    print(f"Pythons beside {mine[0]}.{mine[1]}: {names}", flush=True)
    failed = []
    for version, path in found.items():
        print(f"Python {version[0]}.{version[1]}: {path}", flush=True)
        if not test(version, path):
            failed.append(version)
    sys.exit(f"failed on {failed}" if failed else 0)


if __name__ == "__main__":
    main()
