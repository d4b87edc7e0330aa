"""A PostgreSQL server of the tests' own, on a socket in a temporary directory."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest


def find_programs():
    """Where initdb and pg_ctl are; None when PostgreSQL is not installed."""
    found = shutil.which("pg_ctl")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda path: float(path.parts[-3]))
    programs = (Path(found).resolve() if found else debian[-1]).parent if found or debian else None
    return programs if programs and (programs / "initdb").exists() else None


def missing():
    """Why there can be no server; None when there can."""
    if find_programs() is None:
        return "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return 'psycopg is not installed: pip install "psycopg[binary]"'
    return None


def skip_unless_required(reason):
    """CI has to have a server."""
    if os.environ.get("CI"):
        raise RuntimeError(reason)
    pytest.skip(reason)


class PostgresServer:
    """Started when first asked for."""

    def __init__(self):
        self.folder = self.programs = None
        self.is_running = False
        self.numbers = count(1)

    def url(self, database):
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self, encoding="UTF8"):
        """URL of an empty database."""
        import psycopg

        self.start_once()
        name = f"test{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}'")
        return self.url(name)

    def drop(self, url):
        import psycopg

        self.start_once()
        name = url.split("/")[3].partition("?")[0]
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def start_once(self):
        if self.folder is None:
            reason = missing()
            if reason:
                skip_unless_required(reason)
            self.programs = find_programs()
            self.folder = Path(tempfile.mkdtemp(prefix="pg"))  # the path of a socket is short
            if self.user:
                shutil.chown(self.folder, self.user["user"])
            self.run("initdb", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale", "--no-sync")
        if not self.is_running:  # or a test failed that killed it
            self.start()

    @property
    def user(self):
        """PostgreSQL does not run as root."""
        return {"user": "postgres"} if hasattr(os, "geteuid") and os.geteuid() == 0 else {}

    def run(self, program, *arguments):
        done = subprocess.run(
            [self.programs / program, "-D", self.folder / "data", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
            **self.user,
        )
        assert done.returncode == 0, f"{program} failed; see {self.folder}/log"

    def start(self):
        # What is written survives every end of the server without fsync, only not one of the machine.
        options = f"-k {self.folder} -c listen_addresses='' -c fsync=off -c max_connections=40"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")
        self.is_running = True

    def kill(self):
        """End all its processes at once; `start` lets it recover."""
        lock = self.folder / "data" / "postmaster.pid"
        postmaster = int(lock.read_text().split()[0])
        os.kill(postmaster, signal.SIGSTOP)  # it must not start others meanwhile
        processes = [postmaster, *(process for process, parent, _ in processes_now() if parent == postmaster)]
        for process in processes:
            os.kill(process, signal.SIGKILL)
        self.is_running = False
        while any(process in processes and state != "Z" for process, _, state in processes_now()):
            time.sleep(0.01)
        for path in (lock, *self.folder.glob(".s.PGSQL.*.lock")):  # where none waits for the dead, they seem alive
            path.unlink()

    def close(self):
        if self.is_running:
            self.run("pg_ctl", "-w", "-m", "immediate", "stop")
        if self.folder is not None:
            shutil.rmtree(self.folder)


def processes_now():
    """Number, parent's number and state of each process, where the system tells."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            state, parent, *_ = path.read_text().rpartition(")")[2].split()
            yield int(path.parent.name), int(parent), state


SERVER = PostgresServer()
