"""The command among others: pipes, terminals, signals, and files that are whole or not there."""

import json
import os
import pty
import signal
import subprocess
import sys
import textwrap
from contextlib import suppress

import pytest
from command_line import ARTICLES, ENVIRONMENT, WIRE, lines_of, start

import dedup
from dedup.cli import main, writing

# More than a pipe holds.
MANY = lines_of({"id": i, "text": f"{WIRE} {'x' * (i % 3)}"} for i in range(3000))


def test_help_comes_at_once():
    code = """
    import sys
    from dedup.cli import main
    for arguments in (["--help"], ["--version"], ["cluster", "--help"], ["cluster", "--wrong"]):
        main(arguments)
    heavy = {"numpy", "scipy", "sklearn", "datasketch", "narwhals", "unidecode"} & sys.modules.keys()
    sys.exit(str(heavy) if heavy else 0)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=ENVIRONMENT, check=True, capture_output=True)


def test_head_takes_what_it_wants():
    process = start("near", "-", "--keep")
    process.stdin.write(MANY.encode())
    process.stdout.close()
    process.stdin.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is always full")
def test_full_device():
    with open("/dev/full", "wb") as full:
        process = start("near", "-", "--keep", stdout=full)
        _, err = process.communicate(lines_of(ARTICLES).encode())
    assert process.returncode == 1
    assert err == b"dedup near: error: [Errno 28] No space left on device\n"


def test_interrupted_at_a_terminal_that_saw_progress():
    ours, theirs = pty.openpty()
    process = start("near", "-", stderr=theirs)
    os.close(theirs)
    process.stdin.write(lines_of(ARTICLES).encode())
    process.stdin.flush()
    seen = b""
    while b"reading: 1 articles" not in seen:
        seen += os.read(ours, 1000)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate()
    with suppress(OSError):  # the end of a terminal
        while more := os.read(ours, 1000):
            seen += more
    os.close(ours)
    assert (process.returncode, out) == (130, b"")
    assert seen.endswith(b"\r\x1b[Kdedup near: interrupted\r\n")


def test_killed_while_a_file_is_named(tmp_path):
    (tmp_path / "a.jsonl").write_text(lines_of(ARTICLES))
    die = "import os, sys; os.replace = lambda *_: os.kill(os.getpid(), 9)"
    code = f"{die}\nfrom dedup.cli import main; main(sys.argv[1:])"
    arguments = ["near", str(tmp_path / "a.jsonl"), "-o", str(tmp_path / "out.jsonl")]
    process = subprocess.run([sys.executable, "-c", code, *arguments], env=ENVIRONMENT, check=False)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "out.jsonl").exists()
    (left,) = {path.name for path in tmp_path.iterdir()} - {"a.jsonl"}
    assert left.startswith(".out.jsonl.")
    assert left.endswith(".partial")


@pytest.mark.parametrize("before", [None, "what was there"])
@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (OSError(28, "No space left on device"), 1)])
def test_interrupted_writing_leaves_what_was_there(run, articles, tmp_path, monkeypatch, error, code, before):
    whole, path = writing.json_line, tmp_path / "out.jsonl"
    if before:
        path.write_text(before)

    def fail_late(row):
        if row["id"] == "c":
            raise error
        return whole(row)

    monkeypatch.setattr(writing, "json_line", fail_late)
    assert run("cluster", articles, "-o", path)[:2] == (code, "")
    assert (path.read_text() if before else path.exists()) == (before or False)
    assert {child.name for child in tmp_path.iterdir()} == {"articles.jsonl"} | ({"out.jsonl"} if before else set())


def test_a_page_that_fails_is_not_there(run, articles, tmp_path, monkeypatch):
    def fail(self, path):
        with open(path, "w") as file:
            file.write("<!doctype html>")
        raise RuntimeError("no more")

    monkeypatch.setattr("dedup.stories.Stories.to_html", fail)
    assert run("cluster", articles, "-o", tmp_path / "out.html")[::2] == (1, "dedup cluster: error: no more\n")
    assert [child.name for child in tmp_path.iterdir()] == ["articles.jsonl"]


def test_mode_and_link_stay(run, articles, tmp_path):
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.touch(mode=0o640)
    link.symlink_to(real)
    assert run("cluster", articles, "-o", link)[0] == 0
    assert link.is_symlink()
    assert (real.stat().st_mode & 0o777, len(real.read_text().splitlines())) == (0o640, 3)


def test_a_named_pipe_as_output(run, articles, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as piped:
        assert run("cluster", articles, "-o", path, "--to", "csv")[0] == 0
        assert piped.read().startswith(b"id,")
    assert not path.is_file()


def test_nothing_on_standard_output_before_the_end(run, tmp_path):
    (tmp_path / "a.jsonl").write_text(f"{lines_of(ARTICLES)}no JSON")
    for command in (["cluster"], ["near"], ["near", "--keep"]):
        assert run(*command, tmp_path / "a.jsonl")[:2] == (2, "")


def test_explain(run, articles, tmp_path, monkeypatch):
    class Explanation:
        def __init__(self, a, b, among):
            assert (a, b) == among.articles[:2]
            self.told = f"{a.id} and {b.id} among {len(among)}\x1b\nare copies"

        def __str__(self):
            return self.told

        def _repr_html_(self):
            return "<p>copies</p>"

    monkeypatch.setattr(dedup, "explain", lambda a, b, *, among=None: Explanation(a, b, among), raising=False)
    assert run("explain", articles, "a", "b") == (0, "a and b among 2 \nare copies\n", "")
    code, out, _ = run("explain", articles, "a", "b", "--html")
    assert (code, out[:15], "<body>\n<p>copies</p>\n</body>" in out) == (0, "<!doctype html>", True)
    assert run("explain", articles, "a", "b", "-o", tmp_path / "why.html")[0] == 0
    assert (tmp_path / "why.html").read_text() == out


def test_output_that_is_not_a_file(capsys, articles, monkeypatch):
    import io

    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["near", str(articles)]) == 0
    assert json.loads(stream.getvalue())["left"] == "a"
    monkeypatch.setattr(sys, "stdout", None)
    assert main(["near", str(articles)]) == 1
