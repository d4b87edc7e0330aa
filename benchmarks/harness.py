"""What all benchmarks share: arguments, the machine, fresh processes, runs in turn, time, memory, tables and results.

Every benchmark is a module, called from the root of a checkout: ``python -m benchmarks.near.race``. It writes
``results/<folder>_<name>.json``, which ``benchmarks.tables`` reads.

python -m benchmarks.harness MODULE FUNCTION ARGUMENTS    calls a function with a JSON list; prints its result as JSON
"""

import argparse
import gzip
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

import dedup
from dedup.kernel import kernel

RESULTS = Path(__file__).with_name("results")

Run = dict[str, Any]
Runs = dict[str, list[Run]]  # of each case, one a round
Result = TypeVar("Result")


# Arguments


def parser(doc: str | None, *, data: bool = False, results: bool = True) -> argparse.ArgumentParser:
    """A parser with the docstring of the script as its help, and the arguments that most scripts have."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if data:
        found.add_argument("data", type=Path, help="folder of the labelled sets")
    if results:
        found.add_argument("--date", help="date of the run; today by default")
        found.add_argument("--results", type=Path, default=RESULTS, help="folder of the results")
    return found


def names(text: str) -> list[str]:
    """The type of an argument: names with commas between them."""
    return text.split(",")


def numbers(text: str) -> list[int]:
    """The type of an argument: integers with commas between them."""
    return [int(number) for number in text.split(",")]


def available(wanted: Iterable[str], needs: Mapping[str, Sequence[str]]) -> tuple[list[str], list[str]]:
    """The contenders whose packages are all installed, and these packages; print a line for each other contender."""
    present, packages = [], []
    for name in wanted:
        if missing := [package for package in needs[name] if installed(package) is None]:
            print(f"{name} left out; to have it: pip install {' '.join(missing)}")
        else:
            present.append(name)
            packages += needs[name]
    return present, packages


# Results


def circumstances(date: str | None, packages: Iterable[str]) -> dict[str, Any]:
    """When, where and with which versions a benchmark ran."""
    processor = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    return {
        "date": date or datetime.now(UTC).date().isoformat(),
        "machine": {
            "processor": processor[1] if processor else platform.processor(),
            "processors": len(os.sched_getaffinity(0)),
            "memory_gb": round(int(memory[1]) / 2**20, 1) if memory else None,
            "system": platform.platform(),
            "load_before": round(os.getloadavg()[0], 2),
        },
        "hot_loops": "NumPy" if kernel() is None else "compiled",
        "python": platform.python_version(),
        "packages": {"dedup-stories": dedup.__version__} | {name: installed(name) for name in sorted(set(packages))},
    }


def installed(package: str) -> str | None:
    """The version of a package, by its name on PyPI."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_results(folder: Path, name: str, results: Mapping[str, Any]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(f"\nwrote {path}")


def read_results(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def show(title: str, rows: Sequence[Mapping[str, Any]], columns: Iterable[str] | None = None) -> None:
    """Print rows as columns of text: all their keys, or those given."""
    heads = list(columns or dict.fromkeys(chain.from_iterable(rows)))
    cells = [heads, *([readable(row.get(head)) for head in heads] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for line in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)), flush=True)


def readable(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"
    return "" if value is None else str(value)


# Fresh processes and runs in turn


def command_for(function: Callable[..., Any], *arguments: Any) -> list[str]:
    """A command line that calls a function of a benchmark in a fresh process and prints its result as JSON."""
    module = function.__module__
    if module == "__main__":
        module = sys.modules["__main__"].__spec__.name
    return [sys.executable, "-m", "benchmarks.harness", module, function.__name__, json.dumps(arguments, default=str)]


def in_fresh_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """The result of a function as JSON has it; None when it fails, after a line that says why.

    Paths arrive as strings.
    """
    done = subprocess.run(command_for(function, *arguments), capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"failed: {function.__name__}{arguments}: {done.stderr.strip().splitlines()[-1:]}", flush=True)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def interleaved(rounds: int, cases: Mapping[str, tuple[Any, ...]]) -> Runs:
    """Run each case, a function and its arguments, in a fresh process: all cases in turn, as many rounds as asked."""
    runs: Runs = {name: [] for name in cases}
    for k in range(rounds):
        for name, call in cases.items():
            run = in_fresh_process(*call)
            if run:
                runs[name].append({"round": k} | run)
                print(f"round {k + 1}: {name}", flush=True)
    return {name: found for name, found in runs.items() if found}


def medians(runs: Sequence[Run]) -> Run:
    """Medians over the rounds of each number of a run."""
    figures = [key for key, value in runs[0].items() if isinstance(value, int | float) and key != "round"]
    return {key: float(np.median([run[key] for run in runs])) for key in figures}


def ratio(runs: Runs, name: str, other: str, key: str = "seconds") -> float | None:
    """Median over rounds of a number of one case divided by that of another in the same round."""
    others = {run["round"]: run[key] for run in runs.get(other, [])}
    ratios = [run[key] / others[run["round"]] for run in runs.get(name, []) if run["round"] in others]
    return float(np.median(ratios)) if ratios else None


def exponent(runs: Runs, prefix: str, size: str) -> float | None:
    """The power of the size that time grows with: the slope of the log-log line through the cases of a prefix."""
    grown = [medians(found) for name, found in runs.items() if name.startswith(prefix)]
    if len(grown) < 2:
        return None
    return float(np.polyfit(np.log([run[size] for run in grown]), np.log([run["seconds"] for run in grown]), 1)[0])


# Time and memory


class Measured(NamedTuple):
    """What a function returned, its seconds, and the peak memory of the process in MB: in all, and beyond the input."""

    result: Any
    seconds: float
    peak_mb: float
    over_mb: float


def measure(work: Callable[[Any], Any], items: Sequence[Any], warm_up: int) -> Measured:
    """Time a function over items in memory, after a first call with `warm_up` of them. Memory is VmHWM (Linux)."""
    work(items[:warm_up])
    before = peak_mb(reset=True)
    result, seconds = timed(work, items)
    peak = peak_mb()
    return Measured(result, seconds, peak, peak - before)


def timed(function: Callable[..., Result], *arguments: Any, **settings: Any) -> tuple[Result, float]:
    """The result of a function, and how many seconds it took."""
    start = time.perf_counter()
    result = function(*arguments, **settings)
    return result, time.perf_counter() - start


def peak_mb(*, reset: bool = False) -> float:
    """Peak resident memory of this process so far, or from now on (Linux)."""
    if reset:
        with suppress(OSError):  # where it is not allowed, what went before counts too
            Path("/proc/self/clear_refs").write_text("5")
    return _status_mb("VmHWM")


def resident_mb() -> float:
    """Resident memory of this process (Linux)."""
    return _status_mb("VmRSS")


def _status_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(re.findall(rf"{field}:\s+(\d+)", status)[0]) / 1024


# Files


def read_jsonl(path: str | Path) -> list[Any]:
    with gzip.open(path, "rt", encoding="utf-8") if str(path).endswith(".gz") else open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def write_jsonl(path: str | Path, rows: Iterable[Any], mode: str = "w") -> None:
    with open(path, mode, encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


if __name__ == "__main__":
    called, arguments = getattr(import_module(sys.argv[1]), sys.argv[2]), json.loads(sys.argv[3])
    print(json.dumps(called(*arguments)))
