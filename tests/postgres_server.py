"""A PostgreSQL server of the tests' own, on a socket in a temporary directory."""

import os
import shutil
import subprocess
import tempfile
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
        self.numbers = count(1)

    def url(self, database):
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def new_database(self):
        """URL of an empty database."""
        import psycopg

        self.start_once()
        name = f"test{next(self.numbers)}"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy")
        return self.url(name)

    def drop(self, url):
        import psycopg

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
            self.start(fsync="off")

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

    def start(self, *, fsync="on"):
        options = f"-k {self.folder} -c listen_addresses='' -c fsync={fsync} -c max_connections=40"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, how):
        self.run("pg_ctl", "-w", "-m", how, "stop")

    def close(self):
        if self.folder is not None:
            self.stop("immediate")
            shutil.rmtree(self.folder)


SERVER = PostgresServer()
