"""An HTTP service that puts articles into stories as they come; its /docs say what can be asked.

pip install "dedup-stories[service]"
python examples/ingest_service.py [--index stories.db] [--port 8000]
DEDUP_INDEX=stories.db uvicorn examples.ingest_service:app

What was answered with 2xx is stored. One process has the file: `--workers 2` is refused it. Whoever can connect may
write, and bodies of any size: put a proxy before it.
"""

import argparse
import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

try:
    import uvicorn
    from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Query, Request, Response
    from pydantic import BaseModel, BeforeValidator
except ImportError as error:
    raise ImportError(f'{error}; the service needs: pip install "dedup-stories[service]"') from error

from dedup import Assignment, StoryIndex

MAX_ARTICLES = 1000
EXAMPLE = {"id": "a", "text": "Kim Jong Un crossed into Russia by train.", "published": "2023-09-12T08:00:00Z"}

# Broken feeds carry lone surrogates, which no answer can be encoded with: they become question marks.
Text = Annotated[str, BeforeValidator(lambda text: text.encode("utf-8", "replace").decode())]
ArticleId = Annotated[str, BeforeValidator(attrgetter("id"))]
Given = Annotated[dict[str, Any], Body(examples=[EXAMPLE])]
Articles = Annotated[list[Any], Body(examples=[[EXAMPLE]])]
Errors = Annotated[Literal["raise", "skip"], Body()]
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


class StoryAnswer(BaseModel, from_attributes=True):
    """A story: the article to show and why, its articles by publication, the ids of those that are copies in groups."""

    id: str
    headline: Text
    representative: ArticleAnswer
    reason: str
    articles: list[ArticleAnswer]
    near_duplicates: list[list[ArticleId]]


class RefusalAnswer(BaseModel, from_attributes=True):
    """An article that was refused; see `dedup.Refusal`."""

    position: int
    reason: Text
    id: Text | None
    field: str | None
    value: Text


class BatchAnswer(BaseModel):
    """What became of the articles, and which were refused."""

    assignments: list[Assignment]
    refusals: list[RefusalAnswer]


@dataclass
class Service:
    """What handlers share; `articles` is counted here so that /health need not wait for a batch that is written."""

    index: StoryIndex
    articles: int

    async def run(self, work: Callable[[StoryIndex], Result]) -> Result:
        """Work in a thread, since the index blocks; what it raises is answered."""
        try:
            return await asyncio.to_thread(work, self.index)
        except KeyError as error:
            raise HTTPException(404, error.args[0]) from error
        except (TypeError, ValueError) as error:
            raise HTTPException(422, str(error)) from error
        except OSError as error:  # the disk is full or read-only; nothing was stored
            raise HTTPException(503, str(error)) from error

    def count(self, *assignments: Assignment) -> int:
        """How many of the articles are new; they are counted."""
        added = sum(assignment.outcome not in ("unchanged", "updated") for assignment in assignments)
        self.articles += added
        return added


async def _opened(request: Request) -> Any:
    return request.app.state.service


Opened = Annotated[Service, Depends(_opened)]
router = APIRouter()


@router.post("/articles", status_code=201, responses={200: {"model": Assignment, "description": "It was there before"}})
async def add(article: Given, to: Opened, answer: Response) -> Assignment:
    """Put an article into a story: `id`, `text`, and if known `title`, `published`, `source`, `url`, `language`."""
    assignment = await to.run(lambda index: index.add(article))
    if not to.count(assignment):
        answer.status_code = 200
    return assignment


@router.post("/articles/batch")
async def add_many(articles: Articles, to: Opened, errors: Errors = "raise") -> BatchAnswer:
    """Put articles into stories in one transaction; a bad one refuses all of them or, with "skip", only itself."""
    if len(articles) > MAX_ARTICLES:
        raise HTTPException(413, f"{len(articles)} articles in a batch; allowed: up to {MAX_ARTICLES}")
    found = await to.run(lambda index: index.add_many(articles, errors=errors))
    assignments, refusals = found if isinstance(found, tuple) else (found, [])
    to.count(*assignments)
    return BatchAnswer(assignments=assignments, refusals=[RefusalAnswer.model_validate(r) for r in refusals])


@router.delete("/articles/{article_id:path}", status_code=204)
async def remove(article_id: str, service: Opened) -> None:
    """Forget an article."""
    if not await service.run(lambda index: index.remove(article_id)):
        raise HTTPException(404, f"no article has the id {article_id!r}")
    service.articles -= 1


@router.get("/articles/{article_id:path}/story")
async def story_of(article_id: str, service: Opened) -> StoryAnswer:
    """The story of an article."""
    return await service.run(lambda index: StoryAnswer.model_validate(index.story(index.story_id(article_id))))


@router.get("/stories")
async def stories(
    service: Opened, since: datetime | None = None, min_size: Count = 1, limit: Count = 100
) -> list[StoryAnswer]:
    """Stories with an article since then and at least so many articles, the latest first."""

    def found(index: StoryIndex) -> list[StoryAnswer]:
        chosen = index.stories(since=since, min_size=min_size, limit=limit)
        return [StoryAnswer.model_validate(story) for story in chosen]

    return await service.run(found)


@router.get("/stories/{story_id}")
async def story(story_id: str, service: Opened) -> StoryAnswer:
    """A story by its id, or by one that was merged into it; `id` is the one it has now."""
    return await service.run(lambda index: StoryAnswer.model_validate(index.story(story_id)))


@router.get("/health")
async def health(service: Opened) -> dict[str, bool | int]:
    """Whether the service answers, and for how many articles."""
    return {"ok": True, "articles": service.articles}


def create_app(path: str | Path) -> FastAPI:
    """The service over the index in that file, which is open from the app's startup to its shutdown."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with StoryIndex(path) as index:
            app.state.service = Service(index, len(index))
            yield

    app = FastAPI(title="dedup", lifespan=lifespan)
    app.include_router(router)
    return app


app = create_app(os.environ.get("DEDUP_INDEX", "stories.db"))


def main() -> None:
    """Serve until SIGINT or SIGTERM, and answer what has been asked by then."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", default="stories.db")
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn raises it again when all is closed
    uvicorn.run(create_app(given.index), port=given.port)


if __name__ == "__main__":
    main()
