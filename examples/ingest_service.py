"""An HTTP service that puts articles into stories as they come; see docs/how-to/http-service.md, and its own /docs.

pip install "dedup-stories[service]"
DEDUP_TOKEN=secret DEDUP_INDEX=stories.db python examples/ingest_service.py
DEDUP_TOKEN=secret DEDUP_INDEX=postgresql:///?service=news uvicorn examples.ingest_service:app --workers 2

What was answered with 2xx is stored. Who writes sends "Authorization: Bearer secret". Several workers need PostgreSQL.
"""

import asyncio
import html
import os
import secrets
import signal
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar

try:
    import uvicorn
    from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Query, Request, Response
    from fastapi.responses import HTMLResponse, PlainTextResponse
    from pydantic import BaseModel, BeforeValidator
except ImportError as error:
    raise ImportError(f'{error}; the service needs: pip install "dedup-stories[service]"') from error

from dedup import Assignment, Change, Operation, Similar, StoryIndex

MAX_BYTES = 16 << 20
EXAMPLE = {"id": "a", "text": "Kim Jong Un crossed into Russia by train.", "published": "2023-09-12T08:00:00Z"}

# Broken feeds carry lone surrogates, which no answer can be encoded with: they become question marks.
Text = Annotated[str, BeforeValidator(lambda text: text.encode("utf-8", "replace").decode())]
ArticleId = Annotated[str, BeforeValidator(lambda article: article.id)]
Given = Annotated[dict[str, Any], Body(examples=[EXAMPLE])]
Parameters = Annotated[dict[str, Any], Body(examples=[{"a": "s1", "b": "s2"}])]
Articles = Annotated[list[Any], Body(examples=[[EXAMPLE]], max_length=1000)]
Count = Annotated[int, Query(ge=1, le=1_000_000)]
Result = TypeVar("Result")


class ArticleAnswer(BaseModel, from_attributes=True):
    """An article without its text."""

    id: str
    title: Text
    published: datetime | None
    source: Text | None
    url: Text | None
    language: Text | None


class WholeArticleAnswer(ArticleAnswer):
    """An article with its text, and the id of its story."""

    text: Text
    story_id: str


class StoryAnswer(BaseModel, from_attributes=True):
    """A story: the article to show and why, its articles by publication, the ids of those that are copies in groups."""

    id: str
    headline: Text
    representative: ArticleAnswer
    reason: str
    articles: list[ArticleAnswer]
    near_duplicates: list[list[ArticleId]]


class PageAnswer(BaseModel):
    """Stories, what each is ordered by, `after` of the next page, and the cursor of the last change before."""

    stories: list[StoryAnswer]
    values: list[float]
    next: str | None
    cursor: int


class BatchAnswer(BaseModel):
    """What became of the articles, and why others were refused, by position."""

    assignments: list[Assignment]
    refusals: dict[int, Text]


class Service:
    """What handlers share: one StoryIndex that writes, in a thread of its own, and one that reads meanwhile."""

    def open(self) -> None:
        """Open the index, and look for the signals to stop."""
        self.token, path = os.environ.get("DEDUP_TOKEN"), os.environ.get("DEDUP_INDEX", "stories.db")
        if not self.token:
            raise SystemExit("DEDUP_TOKEN is not set; allowed: a secret that writers send")
        self.totals, self._counting = Counter[str](), threading.Lock()
        self.index = StoryIndex(path, observe=self._observe)
        self.reader = StoryIndex(path, observe=self._observe, read_only=True)
        self.writer, self.is_stopping, self.cursor = ThreadPoolExecutor(1), False, self.reader.stories(limit=1).cursor
        self._handlers = {number: signal.signal(number, self._stop) for number in (signal.SIGINT, signal.SIGTERM)}

    def close(self) -> None:
        """Close, when what was begun is stored."""
        self.writer.shutdown()
        self.reader.close()
        self.index.close()  # last, so that it tidies up the file

    def _stop(self, number: int, frame: Any) -> None:
        self.is_stopping = True  # before uvicorn waits for all answers, so that nobody waits for changes
        self._handlers[number](number, frame)

    def _observe(self, done: Operation) -> None:
        with self._counting:
            for name, count in (asdict(done) | {"operations": 1, "failures": done.error is not None}).items():
                if name not in ("kind", "error"):
                    self.totals[f'dedup_{name}_total{{kind="{done.kind}"}}'] += count

    async def write(self, work: Callable[[StoryIndex], Result]) -> Result:
        """Write, in the order in which it is asked for."""
        return await self._answered(asyncio.get_running_loop().run_in_executor(self.writer, work, self.index))

    async def read(self, work: Callable[[StoryIndex], Result]) -> Result:
        """Read what is stored, also while a batch is being written."""
        return await self._answered(asyncio.to_thread(work, self.reader))

    async def _answered(self, work: Awaitable[Result]) -> Result:
        try:
            return await work
        except KeyError as error:
            raise HTTPException(404, error.args[0]) from error
        except (TypeError, ValueError, OSError) as error:  # OSError: the disk is full, or the database away
            raise HTTPException(503 if isinstance(error, OSError) else 422, str(error)) from error

    async def follow(self) -> None:
        """Look for changes, also of other processes, for all who wait for some: a thread for each would be many."""
        while not self.is_stopping:
            try:
                news = await asyncio.to_thread(self.reader.changes, self.cursor, limit=1000, timeout=1.0)
            except OSError:
                news = await asyncio.sleep(1.0, [])
            self.cursor = news[-1].cursor if news else self.cursor


async def _may_write(request: Request) -> None:
    given = request.headers.get("authorization", "").encode()
    if not secrets.compare_digest(given, f"Bearer {service.token}".encode()):
        raise HTTPException(401, "allowed: writers that send the token", {"WWW-Authenticate": "Bearer"})


service, reads, writes = Service(), APIRouter(), APIRouter(dependencies=[Depends(_may_write)])


@writes.post("/articles", status_code=201, responses={200: {"model": Assignment, "description": "It was there before"}})
async def add(article: Given, answer: Response) -> Assignment:
    """Put an article into a story: `id`, `text`, and if known `title`, `published`, `source`, `url`, `language`."""
    assignment = await service.write(lambda index: index.add(article))
    if assignment.outcome in ("unchanged", "updated"):
        answer.status_code = 200
    return assignment


@writes.post("/articles/batch")
async def add_many(articles: Articles, errors: Annotated[Literal["raise", "skip"], Body()] = "raise") -> BatchAnswer:
    """Put articles into stories in one transaction; a bad one refuses all of them or, with "skip", only itself."""
    found = await service.write(lambda index: index.add_many(articles, errors=errors))
    assignments, refusals = found if isinstance(found, tuple) else (found, [])
    return BatchAnswer(assignments=assignments, refusals={refusal.position: refusal.reason for refusal in refusals})


@writes.delete("/articles/{article_id:path}", status_code=204)
async def remove(article_id: str) -> None:
    """Forget an article."""
    if not await service.write(lambda index: index.remove(article_id)):
        raise HTTPException(404, f"no article has the id {article_id!r}")


@reads.get("/articles/{article_id:path}")
async def article(article_id: str) -> WholeArticleAnswer:
    """An article with its text, and the id of its story."""
    return await service.read(
        lambda index: WholeArticleAnswer(story_id=index.story_id(article_id), **asdict(index.article(article_id)))
    )


@writes.post("/edits/{kind}")
async def edit(kind: Literal["merge", "split", "move", "pin", "forbid", "undo"], given: Parameters) -> Change:
    """What an editor decides, by the parameters of that method of `StoryIndex`: two stories become one, for example."""
    return await service.write(lambda index: getattr(index, kind)(**given))


@reads.post("/similar")
async def similar(article: Given, k: Count = 10) -> list[Similar]:
    """The reports most similar to an article that need not be stored, and is not."""
    return await service.write(lambda index: index.similar(article, k))  # the reader would load all that is new


@reads.get("/stories")
async def stories(
    order_by: Literal["latest", "size", "outlets", "velocity"] = "latest",
    since: datetime | None = None,
    min_size: Count = 1,
    min_outlets: Count = 1,
    source: str | None = None,
    language: str | None = None,
    limit: Count = 100,
    after: str | None = None,
) -> PageAnswer:
    """A page of the stories that are asked for; `after` is `next` of the page before."""
    few = {"min_size": min_size, "min_outlets": min_outlets, "source": source, "language": language}

    def found(index: StoryIndex) -> PageAnswer:
        page = index.stories(order_by=order_by, since=since, limit=limit, after=after, **few)
        return PageAnswer(stories=page, values=page.values, next=page.next, cursor=page.cursor)

    return await service.read(found)


@reads.get("/stories/{story_id}")
async def story(story_id: str) -> StoryAnswer:
    """A story by its id, or by one that was merged into it; `id` is the one it has now."""
    return await service.read(lambda index: StoryAnswer.model_validate(index.story(story_id)))


@reads.get("/changes")
async def changes(
    since: Annotated[int, Query(ge=0)] = 0, limit: Count = 1000, timeout: Annotated[float, Query(ge=0, le=60)] = 0.0
) -> list[Change]:
    """What has happened since the change with that cursor; with `timeout`, waits so many seconds for something."""
    end = time.monotonic() + timeout
    while service.cursor <= since and time.monotonic() < end and not service.is_stopping:
        await asyncio.sleep(0.05)
    return await service.read(lambda index: index.changes(since, limit=limit))


@reads.get("/health")
async def health() -> dict[str, bool | int]:
    """Whether the store can be read, and how many articles it has, whichever process added them."""
    return {"ok": True, "articles": await service.read(len)}


@reads.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> str:
    """What this process has done since it began, for Prometheus."""
    return "".join(f"{name} {total}\n" for name, total in sorted(service.totals.copy().items()))


@reads.get("/docs", include_in_schema=False, response_class=HTMLResponse)
async def docs(request: Request) -> str:
    """What can be asked, on a page that needs nothing from elsewhere."""
    page = "<!doctype html><title>dedup</title><h1>dedup</h1><p>In full: <a href=openapi.json>openapi.json</a>"
    for path, methods in request.app.openapi()["paths"].items():
        for method, what in methods.items():
            given = " ".join(one["name"] for one in what.get("parameters", ()))
            page += f"<h2><code>{method.upper()} {path}</code> {given}</h2><p>{html.escape(what['description'])}"
    return page


def limited(app: Any) -> Any:
    """The app, which refuses a request whose body is too long as soon as that is known, whatever its header says."""

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        received = 0

        async def counted() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BYTES:
                raise HTTPException(413, f"the body is too long; allowed: up to {MAX_BYTES} bytes")
            return message

        await app(scope, counted, send)

    return counting


@asynccontextmanager
async def _lifespan(_: FastAPI) -> AsyncIterator[None]:
    service.open()
    following = asyncio.create_task(service.follow())
    yield
    service.is_stopping = True
    await following
    service.close()


app = FastAPI(title="dedup", lifespan=_lifespan, docs_url=None, redoc_url=None)
app.add_middleware(limited)
app.include_router(reads)
app.include_router(writes)

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again when all is closed
    uvicorn.run(app, host=os.environ.get("DEDUP_HOST", "127.0.0.1"), port=int(os.environ.get("DEDUP_PORT", "8000")))
