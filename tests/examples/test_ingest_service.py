"""The example service over real HTTP: what it answers, what it keeps, and that it stays answerable."""

import http.client
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from postgres_server import processes_now
from short_reports import BANK, BRIDGE, ROCKETS, TRAIN

import dedup

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")
httpx = pytest.importorskip("httpx")

ROOT = Path(__file__).parents[2]
SCRIPT = [sys.executable, "examples/ingest_service.py"]
FIELDS = ("id", "title", "text", "source", "url", "language")
PUBLISHED = "2023-09-12T08:00:00+00:00"
TOKEN = {"Authorization": "Bearer a secret"}


def article(name, text=TRAIN, **fields):
    return {"id": name, "text": text, "published": PUBLISHED} | fields


def sample():
    return [
        {name: getattr(a, name) for name in FIELDS} | {"published": a.published.isoformat()}
        for a in dedup.sample_articles()
    ]


def many(count):
    """Articles of a big batch: the words of the sample in another order, so that few are copies."""
    shuffle, articles = random.Random(1).sample, sample()
    for i in range(count):
        words = articles[i % len(articles)]["text"].split()
        own = {"id": f"many-{i}", "url": f"https://example.org/{i}", "text": " ".join(shuffle(words, len(words)))}
        yield articles[i % len(articles)] | own


class Service:
    """A running service; its client is for one thread."""

    def __init__(self, process, port, log):
        self.process, self.port, self.log = process, port, log
        self.client = self.new_client()

    def new_client(self):
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, headers=TOKEN)

    def wait(self):
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.client.get("/health")
            except httpx.TransportError:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def kill(self):
        """Kill it with all its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def add(self, article):
        return self.client.post("/articles", json=article)

    def add_many(self, articles, errors="raise"):
        return self.client.post("/articles/batch", json={"articles": articles, "errors": errors})

    def article(self, name):
        return self.client.get(f"/articles/{quote(name, safe='')}")

    def stories(self, **query):
        return self.client.get("/stories", params=query).json()["stories"]

    def story_of(self, name):
        """The story of an article, or the refusal to give that."""
        found = self.article(name)
        return self.client.get(f"/stories/{found.json()['story_id']}") if found.status_code == 200 else found

    def assert_kept(self, acknowledged):
        """Each article is in the story that was acknowledged, or in what that story is part of by now."""
        for name, story in acknowledged:
            found = self.story_of(name)
            assert found.status_code == 200, found.text
            assert self.client.get(f"/stories/{story}").json()["id"] == found.json()["id"]
            assert name in {a["id"] for a in found.json()["articles"]}

    @contextmanager
    def posting(self, articles):
        """A batch that has been sent and not been answered yet."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            body = json.dumps({"articles": list(articles)})
            connection.request("POST", "/articles/batch", body, {"Content-Type": "application/json"} | TOKEN)
            yield connection
        finally:
            connection.close()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(index, port=0):
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "DEDUP_INDEX": str(index),
        "DEDUP_TOKEN": "a secret",
        "DEDUP_PORT": str(port),
    }


@contextmanager
def running(folder, command=SCRIPT, index=None, port=None):
    """A service over stories.db in a folder, or another index; killed at the end unless it has ended."""
    port, log = port or free_port(), folder / "log.txt"
    command = [part.format(port=port) for part in command]
    with log.open("a") as output:
        settings = environment(index or folder / "stories.db", port)
        pipes = {"stdout": output, "stderr": output}
        process = subprocess.Popen(command, cwd=ROOT, env=settings, start_new_session=True, **pipes)
    service = Service(process, port, log)
    try:
        service.wait()
        yield service
    finally:
        service.client.close()
        service.kill()
        process.wait()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with running(tmp_path_factory.mktemp("shared")) as service:
        yield service
        assert "Traceback" not in service.log.read_text()


@pytest.fixture
def service(shared):
    """An empty one."""
    names = [a["id"] for s in shared.stories(limit=1000) for a in s["articles"]]
    assert all(shared.client.delete(f"/articles/{quote(name, safe='')}").status_code == 204 for name in names)
    assert shared.client.get("/health").json() == {"ok": True, "articles": 0}
    return shared


# What it answers


def test_add_answers_the_assignment(service):
    first = service.add(article("a"))
    assert first.status_code == 201
    assert first.json() | {"story_id": "s"} == {
        "article_id": "a",
        "story_id": "s",
        "outcome": "new_story",
        "near_duplicate_of": None,
        "similarity": None,
        "merged": [],
        "episode_id": "e1",
        "left": None,
        "replaces": None,
    }
    copy = service.add(article("b", f"{TRAIN} Updated"))
    assert copy.status_code == 201
    assert (copy.json()["outcome"], copy.json()["near_duplicate_of"]) == ("near_duplicate", "a")
    assert copy.json()["story_id"] == first.json()["story_id"]
    assert service.client.get("/health").json() == {"ok": True, "articles": 2}


def test_a_repeated_delivery_is_unchanged_and_a_new_version_an_update(service):
    first = service.add(article("a"))
    again = service.add(article("a"))
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert again.json()["story_id"] == first.json()["story_id"]
    update = service.add(article("a", BANK))
    assert (update.status_code, update.json()["outcome"]) == (200, "updated")
    assert service.client.get("/health").json()["articles"] == 1


def test_story_shows_its_articles_and_why_the_representative(service):
    url = "https://example.org/a"
    service.add(article("a", title="By train", source="Lantern", url=url, language="en"))
    service.add(article("b", f"{TRAIN} Updated"))
    story = service.story_of("b").json()
    assert service.client.get(f"/stories/{story['id']}").json() == story
    assert story["articles"][0] == {
        "id": "a",
        "title": "By train",
        "published": "2023-09-12T08:00:00Z",
        "source": "Lantern",
        "url": url,
        "language": "en",
    }
    assert story["representative"] == story["articles"][0]
    assert story["headline"] == "By train"
    assert story["near_duplicates"] == [["a", "b"]]
    assert story["reason"]


def test_stories_are_chosen_by_time_size_and_number(service):
    service.add_many([article("a"), article("b", f"{TRAIN} Updated"), article("c", BANK, published="2024-01-02")])

    def ids(**query):
        return [[a["id"] for a in s["articles"]] for s in service.stories(**query)]

    assert ids() == [["c"], ["a", "b"]]
    assert ids(limit=1) == ids(since="2023-12-01T00:00:00+01:00") == [["c"]]
    assert ids(min_size=2) == [["a", "b"]]


def test_the_id_of_a_story_merged_away_leads_to_the_current_one(service):
    (train, rockets) = service.add_many([article("a"), article("b", ROCKETS)]).json()["assignments"]
    assert train["story_id"] != rockets["story_id"]
    bridge = service.add(article("c", BRIDGE)).json()
    assert bridge["merged"] == [rockets["story_id"]]
    alias = service.client.get(f"/stories/{rockets['story_id']}").json()
    assert alias["id"] == bridge["story_id"] == train["story_id"]
    service.assert_kept((a["article_id"], a["story_id"]) for a in (train, rockets, bridge))


def test_a_removed_article_is_gone_and_can_come_back(service):
    service.add(article("a"))
    assert service.client.delete("/articles/a").status_code == 204
    assert service.client.get("/health").json()["articles"] == 0
    assert service.story_of("a").status_code == 404
    assert service.add(article("a")).status_code == 201


def test_a_url_is_an_id_like_any_other(service):
    url = "https://example.org/2023/09/12/kim?page=1&lang=ко#top"
    assert service.add(article(url)).json()["article_id"] == url
    assert [a["id"] for a in service.story_of(url).json()["articles"]] == [url]
    assert service.client.delete(f"/articles/{quote(url, safe='')}").status_code == 204


def test_what_is_unknown_is_404(service):
    for answer, detail in [
        (service.story_of("x"), "no article has the id 'x'"),
        (service.client.delete("/articles/x"), "no article has the id 'x'"),
        (service.client.get("/stories/s999999"), "no story has the id 's999999'"),
        (service.client.get("/stories/x"), "no story has the id 'x'"),
    ]:
        assert (answer.status_code, answer.json()) == (404, {"detail": detail})


@pytest.mark.parametrize(
    ("bad", "detail"),
    [
        ({"text": TRAIN}, "article 0: field 'id' is missing; allowed: str, int, UUID or bytes"),
        ({"id": "a"}, "article 0 (id 'a'): fields 'text' and 'title' are missing; allowed: a text or a title"),
        ({"id": True, "text": TRAIN}, "article 0: field 'id' is True; allowed: str, int, UUID or bytes"),
        ({"id": "a", "text": 5}, "article 0 (id 'a'): field 'text' is 5; allowed: str"),
        (
            article("a", published="2023-09-12T08:00:00"),
            "article 0 (id 'a'): field 'published' is '2023-09-12T08:00:00', without a time zone; allowed: ",
        ),
    ],
    ids=["no id", "no text", "id", "text", "published"],
)
def test_a_bad_article_is_refused_in_the_words_of_the_library(service, bad, detail):
    answer = service.add(bad)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(detail)
    assert service.client.get("/health").json()["articles"] == 0


def test_a_bad_article_refuses_its_batch_or_only_itself(service):
    articles = [article("a"), {"id": "b"}, article("c", BANK), "only a text", article("a")]
    refused = service.add_many(articles)
    assert refused.status_code == 422
    missing = "fields 'text' and 'title' are missing; allowed: a text or a title, or both"
    assert refused.json()["detail"] == f"article 1 (id 'b'): {missing}"
    assert service.stories() == []
    answer = service.add_many(articles, errors="skip")
    assert answer.status_code == 200
    assert [a["article_id"] for a in answer.json()["assignments"]] == ["a", "c"]
    assert list(answer.json()["refusals"]) == ["1", "3", "4"]
    assert answer.json()["refusals"]["1"] == refused.json()["detail"]
    assert service.client.get("/health").json()["articles"] == 2
    assert service.add_many([]).json() == {"assignments": [], "refusals": {}}


def test_an_id_that_no_answer_can_hold_is_refused_with_its_escape(service):
    body = json.dumps({"articles": [{"id": "\ud800", "text": TRAIN}], "errors": "skip"})
    answer = service.client.post("/articles/batch", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    assert r"field 'id' is '\ud800'; allowed: no lone surrogates" in answer.json()["refusals"]["0"]


def test_a_batch_has_a_most(service):
    answer = service.add_many([article("a")] * 1001)
    assert answer.status_code == 422
    assert "at most 1000 items" in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/articles", "[1"),
        ("POST", "/articles", "[]"),
        ("POST", "/articles/batch", '{"articles": {}}'),
        ("POST", "/articles/batch", '{"articles": [], "errors": "ignore"}'),
        ("GET", "/stories?since=yesterday", None),
        ("GET", "/stories?since=2023-09-12T08:00:00", None),
        ("GET", "/stories?min_size=0", None),
        ("GET", f"/stories?min_size={10**30}", None),
        ("GET", "/stories?limit=0", None),
        ("GET", "/stories?order_by=heat", None),
        ("GET", "/stories?after=x", None),
        ("GET", "/changes?since=-1", None),
        ("GET", "/changes?timeout=61", None),
        ("POST", "/edits/burn", "{}"),
        ("POST", "/edits/merge", '{"a": "s1", "story": "s2"}'),
        ("POST", "/edits/pin", '{"story": "s1"}'),
        ("POST", "/edits/undo", '{"change": "x"}'),
        ("POST", "/similar?k=0", '{"text": "Kim"}'),
        ("POST", "/similar", '{"text": 5}'),
    ],
)
def test_a_request_of_another_form_is_422(service, method, path, body):
    answer = service.client.request(method, path, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_lone_surrogates_become_question_marks(service):
    broken = article("a", f"{TRAIN} \ud800", title="Kim \udfff", source="\ud800", url="\ud800", language="\ud800")
    headers = {"Content-Type": "application/json"}
    added = service.client.post("/articles", content=json.dumps(broken), headers=headers)
    assert added.status_code == 201
    (shown,) = service.story_of("a").json()["articles"]
    assert [shown[name] for name in ("title", "source", "url", "language")] == ["Kim ?", "?", "?", "?"]
    assert service.stories()[0]["headline"] == "Kim ?"
    assert service.article("a").json()["text"] == f"{TRAIN} ?"


def test_docs_know_every_answer(service):
    paths = service.client.get("/openapi.json").json()["paths"]
    assert {(path, method) for path, methods in paths.items() for method in methods} == {
        ("/articles", "post"),
        ("/articles/batch", "post"),
        ("/articles/{article_id}", "delete"),
        ("/articles/{article_id}", "get"),
        ("/edits/{kind}", "post"),
        ("/similar", "post"),
        ("/changes", "get"),
        ("/metrics", "get"),
        ("/stories", "get"),
        ("/stories/{story_id}", "get"),
        ("/health", "get"),
    }
    assert paths["/stories/{story_id}"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]


def test_whoever_writes_sends_the_token(service):
    requests = [
        ("POST", "/articles", article("a")),
        ("POST", "/articles/batch", {"articles": [article("a")]}),
        ("DELETE", "/articles/a", None),
        ("POST", "/edits/merge", {"a": "s1", "b": "s2"}),
    ]
    for method, path, body in requests:
        for wrong in (None, "Bearer another", "a secret", "Basic a secret", "Bearer a secret2", "bearer a secret"):
            request = service.client.build_request(method, path, json=body)
            del request.headers["Authorization"]
            if wrong is not None:
                request.headers["Authorization"] = wrong
            answer = service.client.send(request)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), wrong
            assert "secret" not in answer.text
    with httpx.Client(base_url=service.client.base_url) as reader:
        assert reader.get("/health").json() == {"ok": True, "articles": 0}
        assert [reader.get(path).status_code for path in ("/stories", "/changes", "/metrics", "/docs")] == [200] * 4
        assert reader.post("/similar", json={"text": TRAIN}).json() == []


def test_pages_of_stories_stay_while_articles_come(service):
    service.add_many([article(name, text) for name, text in zip("abc", (TRAIN, BANK, ROCKETS), strict=True)])
    first = service.client.get("/stories?order_by=size&limit=2").json()
    service.add_many([article("d", "Rain fell on the plain in Spain."), article("e", f"{TRAIN} Updated")])
    second = service.client.get("/stories", params={"order_by": "size", "limit": 2, "after": first["next"]}).json()
    assert [[a["id"] for a in s["articles"]] for s in first["stories"] + second["stories"]] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]
    assert (first["values"], second["values"], second["next"]) == ([1, 1], [1, 1], None)
    assert first["cursor"] < second["cursor"]


def test_stories_are_chosen_by_outlet_and_language_and_ordered_by_how_hot_they_are(service):
    now = datetime.now(UTC)
    hours = [
        ("a", TRAIN, 30, "Lantern", "en"),
        ("b", f"{TRAIN} Updated", 9, "Courier", "fr"),
        ("c", BANK, 1, "Courier", "fr"),
    ]
    service.add_many(
        [
            article(name, text, published=(now - timedelta(hours=age)).isoformat(), source=source, language=language)
            for name, text, age, source, language in hours
        ]
    )

    def ids(**query):
        return ["".join(a["id"] for a in s["articles"]) for s in service.stories(**query)]

    assert ids(order_by="velocity") == ["c", "ab"]
    assert ids(order_by="outlets") == ["ab", "c"]
    assert ids(language="fr", min_outlets=2) == ids(source="Lantern") == ["ab"]


def test_an_article_comes_with_its_text_and_its_story(service):
    url = "https://example.org/the/story"
    story = service.add(article(url, title="By train", source="Lantern")).json()["story_id"]
    found = service.article(url).json()
    assert (found["id"], found["text"], found["title"], found["story_id"]) == (url, TRAIN, "By train", story)


def edit(service, kind, **given):
    answer = service.client.post(f"/edits/{kind}", json=given)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_editor_decides_and_undoes_it(service):
    texts = zip("abc", (TRAIN, BANK, ROCKETS), strict=True)
    a, b, c = (service.add(article(name, text)).json()["story_id"] for name, text in texts)
    cursor = service.client.get("/stories?limit=1").json()["cursor"]
    merged = edit(service, "merge", a=a, b=b)
    assert (merged["kind"], merged["story_id"], merged["into"]) == ("editor_merged", b, a)
    assert merged in service.client.get(f"/changes?since={cursor}").json()
    assert [one["id"] for one in service.client.get(f"/stories/{b}").json()["articles"]] == ["a", "b"]
    edit(service, "pin", story=a, representative="b", title="Both")
    shown = service.client.get(f"/stories/{a}").json()
    assert (shown["headline"], shown["representative"]["id"]) == ("Both", "b")
    edit(service, "undo", change=merged["decision"])
    assert service.article("b").json()["story_id"] == b
    edit(service, "forbid", a=a, b=c)
    refused = service.client.post("/edits/merge", json={"a": a, "b": c})
    assert (refused.status_code, "apart by change" in refused.json()["detail"]) == (422, True)
    edit(service, "move", article="c", story=b)
    edit(service, "split", story=b, articles=["c"])
    assert service.client.post("/edits/merge", json={"a": a, "b": "s999"}).status_code == 404


def test_a_text_that_is_not_stored_has_similar_reports(service):
    service.add_many([article("a"), article("b", BANK)])
    answer = service.client.post("/similar?k=1", json={"text": BRIDGE})
    assert answer.status_code == 200
    (found,) = answer.json()
    assert (found["article_id"], found["story_id"]) == ("a", service.article("a").json()["story_id"])
    assert service.client.get("/health").json()["articles"] == 2


def test_whoever_waits_for_changes_gets_them_when_they_come(service):
    service.add(article("a"))
    cursor = service.client.get("/stories?limit=1").json()["cursor"]
    assert service.client.get(f"/changes?since={cursor}").json() == []
    assert service.client.get(f"/changes?since={cursor - 1}&timeout=60").json()[0]["article_id"] == "a"

    def wait(_):
        with service.new_client() as client:
            return client.get(f"/changes?since={cursor}&timeout=60").json()

    with ThreadPoolExecutor(40) as pool:  # more than there are threads for what is read
        waiting = [pool.submit(wait, i) for i in range(40)]
        time.sleep(0.5)
        assert service.client.get("/health").json()["articles"] == 1
        assert not any(told.done() for told in waiting)
        service.add(article("b", BANK))
        told = [told.result(30) for told in waiting]
    assert {change["article_id"] for changes in told for change in changes} == {"b"}
    start = time.monotonic()
    assert service.client.get(f"/changes?since={cursor + 1}&timeout=0.3").json() == []
    assert 0.3 <= time.monotonic() - start < 20


def test_metrics_count_what_was_done(service):
    def totals():
        lines = [line.split(" ") for line in service.client.get("/metrics").text.splitlines()]
        return Counter({name: float(value) for name, value in lines})

    before = totals()
    service.add_many([article("a"), {"id": "b"}], errors="skip")
    service.add_many([{"id": "b"}])
    after = totals() - before
    kind = '{kind="add"}'
    names = [f"dedup_{name}_total{kind}" for name in ("operations", "articles", "refusals", "failures", "merges")]
    assert [after[name] for name in names] == [2, 1, 1, 1, 0]
    assert after[f"dedup_seconds_total{kind}"] > 0
    assert service.client.get("/metrics").headers["content-type"].startswith("text/plain")


def test_the_docs_need_nothing_from_elsewhere(service):
    answer = service.client.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert not re.search(r"//|src=|@import|<script|<link", answer.text)
    for path in service.client.get("/openapi.json").json()["paths"]:
        assert path in answer.text
    assert service.client.get("/redoc").status_code == 404


@pytest.mark.parametrize("says", ["its length", "nothing"])
def test_a_body_that_is_too_long_is_refused(service, says):
    """As soon as that is known: the rest of it is not read."""
    most, block = 16 << 20, b" " * (1 << 20)
    with closing(socket.create_connection(("127.0.0.1", service.port), timeout=60)) as connection:
        head = (
            "POST /articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a secret\r\nContent-Type: application/json\r\n"
        )
        size = f"Content-Length: {10**15}" if says == "its length" else "Transfer-Encoding: chunked"
        connection.sendall(f"{head}{size}\r\n\r\n".encode())
        sent = 0
        with suppress(ConnectionError):
            while sent < 4 * most and not select.select([connection], [], [], 0)[0]:
                connection.sendall(block if says == "its length" else b"%x\r\n%s\r\n" % (len(block), block))
                sent += len(block)
        answer = b""
        with suppress(ConnectionError):
            while not answer.endswith(b"}") and (received := connection.recv(1 << 16)):
                answer += received
    assert answer.startswith(b"HTTP/1.1 413")
    assert f"allowed: up to {most} bytes".encode() in answer
    assert most <= sent < 4 * most
    assert service.add(article("a")).status_code == 201


def test_without_a_token_it_does_not_start(tmp_path):
    given = environment(tmp_path / "stories.db")
    del given["DEDUP_TOKEN"]
    for token in ({}, {"DEDUP_TOKEN": ""}):
        ended = subprocess.run(SCRIPT, cwd=ROOT, env=given | token, capture_output=True, text=True, timeout=60)
        assert ended.returncode != 0
        assert "DEDUP_TOKEN is not set; allowed: a secret that writers send" in ended.stderr
    assert not list(tmp_path.iterdir())


def test_the_page_about_it_has_each_request_and_its_files_what_it_reads(service):
    page = (ROOT / "docs" / "how-to" / "http-service.md").read_text("utf-8")
    table = re.findall(r"^\| (`.*?) \| ", page, re.MULTILINE)
    listed = {
        (method, path)
        for row in table
        for path in re.findall(r"(/[\w./{}]+)", row)
        for method in re.findall("[A-Z]{3,}", row)
    }
    paths = service.client.get("/openapi.json").json()["paths"]
    asked = {
        (method.upper(), re.sub(r"{\w+_id}", "{id}", path)) for path, methods in paths.items() for method in methods
    }
    assert asked | {("GET", "/docs"), ("GET", "/openapi.json")} == listed
    read = set(re.findall(r'"(DEDUP_\w+)"', (ROOT / SCRIPT[1]).read_text("utf-8")))
    files = [page, *((ROOT / "examples" / name).read_text("utf-8") for name in ("Dockerfile", "dedup.service"))]
    assert set(re.findall(r"DEDUP_\w+", "".join(files))) == read
    assert all("ingest_service:app" in text for text in files)
    assert (ROOT / SCRIPT[1]).read_text("utf-8").count("\n") <= 300


# Many at once


@pytest.mark.slow
def test_clients_that_write_and_read_at_the_same_time(service):
    articles = sample()
    deliveries = articles * 2  # each article comes twice
    random.Random(0).shuffle(deliveries)
    acknowledged = []

    def work(part):
        with service.new_client() as client:
            for place, given in enumerate(part):
                if place % 10 == 0:
                    answer = client.post("/articles/batch", json={"articles": [given]})
                    (assignment,) = answer.json()["assignments"]
                else:
                    answer = client.post("/articles", json=given)
                    assignment = answer.json()
                acknowledged.append((given["id"], assignment["story_id"], assignment["outcome"]))
                story = client.get(f"/stories/{assignment['story_id']}")
                assert given["id"] in {a["id"] for a in story.json()["articles"]}
                if place % 10 == 5:
                    assert client.get("/stories?min_size=2").status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, (deliveries[i::8] for i in range(8))))
    assert len(acknowledged) == len(deliveries)
    assert Counter(outcome == "unchanged" for *_, outcome in acknowledged) == {True: 216, False: 216}
    assert service.client.get("/health").json()["articles"] == len(articles)
    service.assert_kept({(name, story) for name, story, _ in acknowledged})
    told = [a["id"] for s in service.stories(limit=1000) for a in s["articles"]]
    assert sorted(told) == sorted(a["id"] for a in articles)


def test_health_is_answered_while_a_big_batch_is_written(service):
    with service.posting(many(150)) as connection:
        start = time.perf_counter()
        waits = []
        while not select.select([connection.sock], [], [], 0)[0]:
            asked = time.perf_counter()
            assert service.client.get("/health").json()["ok"]
            waits.append(time.perf_counter() - asked)
        took = time.perf_counter() - start
        assert connection.getresponse().status == 200
    assert len(waits) > 10
    assert max(waits) < took / 2
    assert sorted(waits)[len(waits) // 2] < took / 20


# How it ends


@pytest.mark.slow
def test_sigterm_answers_what_is_under_way_and_closes_the_file(tmp_path):
    with running(tmp_path) as service:
        with service.posting(many(200)) as connection:
            for _ in range(30):  # each makes the service look at its connections
                service.client.get("/health")
            service.client.close()
            service.process.send_signal(signal.SIGTERM)
            answer = connection.getresponse()
            assert answer.status == 200
            assignments = json.load(answer)["assignments"]
        assert service.process.wait(30) == 0, service.log.read_text()
        assert "Traceback" not in service.log.read_text()
    assert not (tmp_path / "stories.db-wal").exists()
    with running(tmp_path) as service:
        assert service.client.get("/health").json()["articles"] == len(assignments) == 200
        service.assert_kept((a["article_id"], a["story_id"]) for a in assignments)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_changes(tmp_path, number):
    with running(tmp_path) as service, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(service.client.get, "/changes?timeout=60")
        time.sleep(0.5)
        start = time.monotonic()
        service.process.send_signal(number)
        assert waiting.result(30).json() == []
        service.process.wait(30)
        assert time.monotonic() - start < 20
        assert "Traceback" not in service.log.read_text()


@pytest.mark.slow
def test_kill_loses_nothing_that_was_acknowledged(tmp_path):
    articles = sample()
    random.Random(0).shuffle(articles)
    batches = [articles[i : i + 9] for i in range(0, 108, 9)]
    single = articles[108:]
    acknowledged, batch_acknowledged = [], set()
    enough = threading.Event()

    def post_single(part):
        with service.new_client() as client:
            for given in part:
                answer = client.post("/articles", json=given)
                assert answer.status_code == 201
                acknowledged.append((given["id"], answer.json()["story_id"]))
                if len(acknowledged) >= 50:
                    enough.set()

    def post_batches(part):
        with service.new_client() as client:
            for number in part:
                answer = client.post("/articles/batch", json={"articles": batches[number]})
                assert answer.status_code == 200
                acknowledged.extend((a["article_id"], a["story_id"]) for a in answer.json()["assignments"])
                batch_acknowledged.add(number)

    with running(tmp_path) as service, ThreadPoolExecutor(8) as pool:
        posts = [pool.submit(post_single, single[i::6]) for i in range(6)]
        posts += [pool.submit(post_batches, range(i, len(batches), 2)) for i in range(2)]
        assert enough.wait(60)
        service.kill()
        ends = [post.exception() for post in posts]
    assert any(ends)
    assert all(end is None or isinstance(end, httpx.TransportError) for end in ends)
    assert 50 <= len(acknowledged) < len(articles)

    with running(tmp_path) as service:
        service.assert_kept(acknowledged)
        for number, batch in enumerate(batches):  # all of one transaction or nothing
            found = {service.story_of(given["id"]).status_code for given in batch}
            assert found == {200} if number in batch_acknowledged else found in ({200}, {404})
        kept = service.client.get("/health").json()["articles"]
        assert len(acknowledged) <= kept < len(articles)
        answers = [service.add(given) for given in articles]
        assert Counter(answer.status_code for answer in answers) == {200: kept, 201: len(articles) - kept}


class Clients:
    """Clients that post until all is acknowledged, whatever happens to the service meanwhile, and one who follows."""

    def __init__(self, service, articles, count):
        self.service, self.left, self.acknowledged, self.is_over = service, list(articles), [], threading.Event()
        self.told, self.failures, self.pool = [], 0, ThreadPoolExecutor(count + 1)
        self.works = [self.pool.submit(self.post) for _ in range(count)]
        self.follower = self.pool.submit(self.follow)

    def post(self):
        with self.service.new_client() as client:
            while self.left:
                with suppress(IndexError):
                    given = self.left.pop()
                    answer = self.until_answered(lambda: client.post("/articles", json=given))  # noqa: B023
                    self.acknowledged.append((given["id"], answer["story_id"]))

    def follow(self):
        """Every change once and in order, from workers that come and go."""
        with self.service.new_client() as client:
            while True:
                was_over, since = self.is_over.is_set(), len(self.told)
                news = self.until_answered(lambda: client.get(f"/changes?since={since}&timeout=1"))  # noqa: B023
                self.told += news
                if was_over and not news:
                    return

    def until_answered(self, ask):
        deadline = time.monotonic() + 300
        while True:
            try:
                answer = ask()
                if answer.status_code < 500:
                    assert answer.status_code < 300, answer.text
                    return answer.json()
            except httpx.TransportError:
                self.failures += 1
            assert time.monotonic() < deadline, self.service.log.read_text()
            time.sleep(0.05)

    def wait_for(self, count):
        while len(self.acknowledged) < count:
            assert not any(work.done() and work.exception() for work in self.works)
            time.sleep(0.01)

    def finish(self):
        for work in self.works:
            work.result()
        self.is_over.set()
        self.follower.result()
        self.pool.shutdown()


def workers_of(process):
    """The processes that answer for a service."""
    children = [child for child, parent, _ in processes_now() if parent == process.pid]
    return [child for child in children if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks for the workers in /proc")
def test_two_workers_on_one_store_that_are_killed_twice_lose_nothing_that_was_acknowledged(tmp_path, url):
    """CLIENTS=200 is a run by hand."""
    count = int(os.environ.get("CLIENTS", "12"))
    articles, port = list(many(max(60, 3 * count))), free_port()
    command = [sys.executable, "-m", "uvicorn", "examples.ingest_service:app", "--workers", "2", "--port", str(port)]
    with running(tmp_path, command, url, port) as service:
        clients = Clients(service, articles, count)
        clients.wait_for(len(articles) // 3)
        workers = workers_of(service.process)
        assert len(workers) == 2
        os.kill(workers[0], signal.SIGKILL)  # another one takes its place
        clients.wait_for(len(articles) * 2 // 3)
        service.kill()
        kept = len(clients.acknowledged)
    with running(tmp_path, command, url, port) as service:
        clients.finish()
        assert kept < len(articles) == len(clients.acknowledged)
        assert clients.failures > 0
        service.assert_kept(clients.acknowledged)
        for _ in range(20):  # whichever worker answers
            with service.new_client() as client:
                assert client.get("/health").json() == {"ok": True, "articles": len(articles)}
        assert [change["cursor"] for change in clients.told] == list(range(1, len(clients.told) + 1))
        came = [change["article_id"] for change in clients.told if change["kind"] in ("story_begun", "joined")]
        assert set(came) == {given["id"] for given in articles}
        service.client.close()
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(30) in (0, -signal.SIGTERM)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits the files of another process")
def test_a_full_disk_is_503_until_there_is_room_again(tmp_path):
    import resource

    with running(tmp_path) as service:
        acknowledged = [service.add(article("a")).json()]
        soft, hard = resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (1000, hard))
        for answer in (service.add(article("b", BANK)), service.add_many([article("b", BANK)], errors="skip")):
            assert answer.status_code == 503
            assert answer.json()["detail"]
        assert service.client.get("/health").json() == {"ok": True, "articles": 1}
        assert service.story_of("b").status_code == 404
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (soft, hard))
        answer = service.add(article("b", BANK))
        assert answer.status_code == 201
        acknowledged.append(answer.json())
        service.assert_kept((a["article_id"], a["story_id"]) for a in acknowledged)


@pytest.mark.slow
def test_uvicorn_runs_the_app_and_a_second_service_is_refused_the_file(tmp_path):
    command = [sys.executable, "-m", "uvicorn", "examples.ingest_service:app", "--port", "{port}"]
    with running(tmp_path, command) as service:
        assert service.add(article("a")).status_code == 201
        second = subprocess.run(
            SCRIPT, cwd=ROOT, env=environment(tmp_path / "stories.db"), capture_output=True, text=True, timeout=60
        )
        assert second.returncode != 0
        assert "is open for writing elsewhere; allowed: one StoryIndex at a time" in second.stderr
        assert service.add(article("b", BANK)).status_code == 201


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn"])
def test_what_is_missing_is_said_with_the_command_that_installs_it(missing):
    code = f"import sys; sys.modules[{missing!r}] = None; import examples.ingest_service"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    assert 'pip install "dedup-stories[service]"' in ended.stderr.splitlines()[-1]
