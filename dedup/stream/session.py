"""An open store, and the state in memory that follows it."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TypeVar

from dedup.article import Article
from dedup.encoders import Encoder
from dedup.parameters import StorySettings
from dedup.progress import Progress
from dedup.store.opening import name_of, open_store
from dedup.store.serialization import digest_of
from dedup.stream.arrival import Clock, arrival_day, is_spoilt, mend
from dedup.stream.assigner import Assigner
from dedup.stream.assignment import Assignment
from dedup.stream.live import INDEXED_FEATURES
from dedup.stream.preparing import Prepared
from dedup.stream.settings import stored_parameters, stored_versions
from dedup.stream.state import IndexState

Result = TypeVar("Result")

#: Who waits for what other processes write asks as often.
POLL_SECONDS = 0.2


class Session:
    """Consistent reads and atomic writes of an index, for one thread at a time.

    `state` and `assigner` are used inside `reading` and `write` only.
    """

    def __init__(
        self,
        path: str | Path,
        settings: StorySettings,
        clock: Clock,
        *,
        read_only: bool,
        encoder: Encoder | None = None,
    ) -> None:
        self._process, self._name = os.getpid(), name_of(path)
        self.store = open_store(path, stored_parameters(settings, encoder), stored_versions(), read_only=read_only)
        self.settings, self._encoder = settings, encoder
        self._clock, self._read_only = clock, read_only
        self._data_version: int | None = None  # that of the state in memory; None when that cannot be relied on
        self._mutex = threading.RLock()
        self._written, self._count = threading.Condition(), 0  # the transactions of this session; closing is one too
        try:
            with self.store.snapshot() as data_version:
                self._refresh(data_version)
                spoilt = not read_only and is_spoilt(self.store, arrival_day(clock))
            if spoilt:
                self.write(lambda: mend(self.state))
                self._data_version = None
        except BaseException:
            self.store.close()
            raise

    def close(self) -> None:
        """Close the store; in a fork of the process that opened it, leave it to that."""
        if os.getpid() == self._process:
            with self._mutex:
                self.store.close()
            self._tell()

    @contextmanager
    def reading(self, *, refresh: bool = False) -> Iterator[IndexState]:
        """Show one snapshot to everything that is read inside; with `refresh`, memory is of that snapshot too."""
        self._require_own_process()
        with self._mutex, self.store.snapshot() as data_version:
            if refresh or self._data_version is None:
                self._refresh(data_version)
            self.state.arrival = arrival_day(self._clock)
            yield self.state

    def reading_until(self, ask: Callable[[IndexState], Result], timeout: float) -> Result:
        """Return what a question finds as soon as it finds something, at the latest after so many seconds.

        Threads of this session are told of each transaction; what other processes write is looked for.
        """
        deadline, others_write = monotonic() + timeout, self._read_only or self.store.is_shared
        while True:
            count = self._count  # before it is asked, so that what is written after that is not waited for
            with self.reading() as state:
                found = ask(state)
            left = deadline - monotonic()
            if found or left <= 0:
                return found
            with self._written:
                self._written.wait_for(
                    lambda: self._count != count,  # noqa: B023 (called before the next one)
                    min(left, POLL_SECONDS) if others_write else left,
                )

    def _tell(self) -> None:
        with self._written:
            self._count += 1
            self._written.notify_all()

    def add(self, articles: Sequence[Article], progress: Progress) -> list[Assignment]:
        """Put articles into stories; what needs no lock is done before the transaction."""
        with self._mutex:
            prepared = self._prepared(articles)
            return self.write(lambda: self.assigner.add(articles, prepared, progress))

    def _prepared(self, articles: Sequence[Article]) -> Prepared:
        """Take in what others wrote, and read articles that are not stored, where other writers would wait for it."""
        if self._read_only or not self.store.is_shared:
            return Prepared(self.state, [])
        with self.reading(refresh=True) as state:
            stored = self.store.nodes_and_digests([article.id for article in articles])
            new = [article for article in articles if stored.get(article.id, (0, b""))[1] != digest_of(article)]
            return Prepared(state, new)

    def write(self, work: Callable[[], Result]) -> Result:
        """Call `work` in a transaction; when it fails, memory is loaded again before it is next used."""
        if self._read_only:
            raise RuntimeError("the index is open with read_only=True; allowed: what only reads")
        self._require_own_process()
        with self._mutex:
            try:
                with self.store.transaction() as data_version:
                    self._refresh(data_version)
                    self.state.arrival = arrival_day(self._clock)
                    result = work()
                    self.state.flush()
            except BaseException:
                self._data_version = None
                raise
            self._tell()
            return result

    def _require_own_process(self) -> None:
        """Refuse a fork: both processes would use one connection, and a lock may be held there for ever."""
        if os.getpid() != self._process:
            raise RuntimeError(
                f"{self._name} was opened by process {self._process}, and this is a fork of it; allowed: to open a "
                "StoryIndex in each process"
            )

    def _refresh(self, data_version: int) -> None:
        """Bring memory up to date with the open transaction or snapshot: other processes may have written."""
        if data_version == self._data_version:
            return
        known, self._data_version = self._data_version, None
        written = None if known is None else self.store.written_by_others(known, INDEXED_FEATURES)
        if written is None:
            self.state = IndexState(self.store, self.settings, self._encoder)
            self.assigner = Assigner(self.state)
        else:
            self.state.catch_up(written)
        self._data_version = data_version
