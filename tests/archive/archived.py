"""Articles for the tests of the archive, files of them, and the job over those."""

import json
import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import dedup
from dedup import archive

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
FIELDS = ("id", "text", "title", "published", "source", "url")
MAX_CHARS = 3000  # one article is longer

_ONSETS, _VOWELS, _ENDINGS = "bdfgklmnprstvz", "aeiou", ["", "n", "r", "s", "l"]


def vocabulary(count, seed=0):
    """Return made-up words."""
    rng, words = np.random.default_rng(seed), {}
    while len(words) < count:
        syllables = (rng.choice(list(_ONSETS)) + rng.choice(list(_VOWELS)) for _ in range(rng.integers(2, 5)))
        words["".join(syllables) + rng.choice(_ENDINGS)] = None
    return list(words)


def generated(n, *, seed=0, days=20.0, words=40, lasts=0.7, undated=0.04, sources=6, copied=0.2):
    """Return articles of made-up words: reports of stories that last some days, and copies.

    Every source has a line of its own at the head or the foot of each article.
    """
    rng = np.random.default_rng(seed)
    lexicon = vocabulary(3000, seed)
    common = 1 / np.arange(5, 5 + len(lexicon))
    templates = [" ".join(rng.choice(lexicon, 9)).capitalize() for _ in range(sources)]
    stories = [(rng.choice(len(lexicon), 25), rng.uniform(0, days)) for _ in range(max(1, n // 6))]
    articles, bodies = [], []
    for i in range(n):
        if bodies and rng.random() < copied:
            body, day = bodies[rng.integers(len(bodies))]
            if rng.random() < 0.5:  # with one word changed
                body = [*body]
                body[rng.integers(len(body))] = str(rng.choice(lexicon))
        else:
            own, begin = stories[rng.integers(len(stories))]
            day = begin + rng.exponential(lasts)
            of_story = rng.random(words) < 0.45
            others = rng.choice(len(lexicon), words, p=common / common.sum())
            body = [lexicon[k] for k in np.where(of_story, rng.choice(own, words), others).tolist()]
        bodies.append((body, day))
        source = int(rng.integers(sources + 1))  # the last is none
        lines = [" ".join(body).capitalize() + "."]
        if source < sources:
            lines.insert(source % 2, templates[source])
        article = {"id": f"a{rng.integers(10**9):09}-{i}", "text": "\n".join(lines)}
        if rng.random() < 0.6:
            article["title"] = " ".join(body[:5]).capitalize()
        if rng.random() >= undated:
            article["published"] = (BEGIN + timedelta(days=min(day, days), seconds=i % 7)).isoformat()
        if source < sources:
            article["source"] = f"site{source}.example"
        articles.append(article)
    return articles


def versions(articles, *, seed=0, pages=20, sections=2):
    """Return articles and later versions of some of them, under URLs of many forms, and articles under one URL."""
    rng, made = np.random.default_rng(seed), [dict(article) for article in articles]
    lexicon = vocabulary(3000, seed + 1)
    forms = ["https://www.{}/?utm_source={}", "http://m.{}/", "https://{}/amp#{}", "https://{}/index.html", "//{}"]
    for page in rng.choice(len(articles), pages, replace=False).tolist():
        first, path = made[page], f"outlet.example/news/{page}"
        first["url"] = f"https://{path}"
        for number in range(1, int(rng.integers(2, 5))):
            new, kept = " ".join(rng.choice(lexicon, 40).tolist()), rng.random() * len(first["text"])
            later = {
                "id": f"{first['id']}-{number}",
                "text": f"{new}\n{first['text'][int(kept) :]}",
                "url": forms[rng.integers(len(forms))].format(path, number),
            }
            if "published" in first and rng.random() < 0.9:
                moved = datetime.fromisoformat(first["published"]) + timedelta(days=float(rng.exponential(2)))
                later["published"] = moved.isoformat()
            made.append({key: first[key] for key in ("title", "source") if key in first} | later)
    for section in range(sections):
        for article in rng.choice(len(articles), 6, replace=False).tolist():
            made[article].setdefault("url", f"https://outlet.example/section-{section}/")
    return made


def hostile(*, surrogates=True):
    """Return items of feeds that are hardly articles, and a text with more copies than a small bucket has."""
    viral = " ".join(vocabulary(60, 7))
    articles = [
        {"id": f"viral-{i:03}", "text": f"{viral} {i % 3}", "published": (BEGIN + timedelta(hours=i)).isoformat()}
        for i in range(80)
    ]
    articles += [
        {"id": "blank", "text": " \n ", "published": BEGIN.isoformat()},
        {"id": "blank, undated", "text": ""},
        {"id": "blank, too", "text": "\u200b", "source": "site0.example", "published": BEGIN.isoformat()},
        {"id": "a title alone", "text": "", "title": viral[:80], "published": BEGIN.isoformat()},
        {"id": "long", "text": " ".join(vocabulary(2000, 8)), "published": "2024-01-03T12:00:00+05:30"},
        {"id": "long and the same", "text": " ".join([*vocabulary(1000, 8), *vocabulary(1000, 9)])},
        {"id": "no date", "text": viral.upper(), "published": "last Tuesday"},
        {"id": "日本 \U0001f600", "text": "首相は火曜日に東京で記者会見を開き、新しい経済対策を発表した。" * 3},
        {"id": "日本 \ufb00", "text": "首相は火曜日に東京で記者会見を開き、新しい経済対策を発表した。" * 3},
    ]
    if surrogates:
        articles.append({"id": "broken \ud800", "text": f"{viral} \udfff", "title": "\ud83d", "source": "\udc80"})
    return articles


def sampled():
    """Return the sample articles as rows."""
    return [
        {"id": a.id, "text": a.text, "title": a.title, "published": a.published.isoformat(), "source": a.source}
        for a in dedup.sample_articles()
    ]


def shuffled(articles, seed=0):
    return [articles[i] for i in np.random.default_rng(seed).permutation(len(articles)).tolist()]


def write(path, articles):
    """Write articles to a file of the format that its name says."""
    if path.suffix == ".parquet":
        table = pa.table({name: pa.array([a.get(name) for a in articles], pa.string()) for name in FIELDS})
        pq.write_table(table, path, row_group_size=max(1, len(articles) // 3))
    else:
        path.write_text("".join(json.dumps(article) + "\n" for article in articles), "utf-8")
    return path


def spread(folder, articles, suffixes):
    """Write articles to files with these suffixes in turn; Parquet takes no surrogates."""
    folder.mkdir()
    return [write(folder / f"part{k}{suffix}", articles[k :: len(suffixes)]) for k, suffix in enumerate(suffixes)]


def rows_of(out, table):
    """Return the rows of a table of the results."""
    parts = sorted((Path(out) / table).glob("*.parquet"))
    return [row for path in parts for row in pq.read_table(path).to_pylist()]


def files_of(out):
    """Return the bytes of every file of the results except the manifest, by name."""
    paths = [path for path in Path(out).rglob("*") if path.is_file() and path.name != "manifest.json"]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in paths}


def in_order(articles):
    """Return articles in canonical order."""
    batch = dedup.article.read_articles(articles, errors="undated")
    return [batch.articles[i] for i in batch.order]


def cluster(paths, out, **parameters):
    """Run a job, by default in this process."""
    return archive.cluster(paths, out, **{"n_jobs": 1, "max_chars": MAX_CHARS} | parameters)


def dies_once(job, number, folder):
    """Task: kills its worker at the first attempt at parts 1 and 4."""
    mark = Path(job.folder) / f"{number}.mark"
    if number in (1, 4) and not mark.exists():
        (folder / "half").write_text("half")
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "made").write_text(str(number))


def event_vectors(texts):
    """An encoder: texts are alike that have an event in common, in whatever language; always the same for a text."""
    rows = np.zeros((len(texts), 16))
    for row, text in zip(rows, texts, strict=True):
        own = np.random.default_rng(list(text.encode("utf-8", "replace")))
        row[:] = own.normal(size=16)
        for word in ("Kim", "Ким", "金正恩"):
            row[0] += 6 * (word in text)
        row[1 + len(text) % 5] += 4
        row *= own.random() > 0.05
    return rows
