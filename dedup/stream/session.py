"""A store that is open, and what is kept in memory of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from dedup.parameters import StorySettings
from dedup.store.protocol import Store
from dedup.stream.assigner import Assigner
from dedup.stream.live import LEADING_FEATURES
from dedup.stream.state import IndexState

Result = TypeVar("Result")


class Session:
    """Reads of one moment and writes that are all or none, with memory that follows what others write.

    Parameters
    ----------
    store : Store
        Closed when its memory cannot be made.
    settings : StorySettings
    read_only : bool

    Attributes
    ----------
    store : Store
    settings : StorySettings
    ledger : Ledger
    assigner : Assigner
        What is in memory, to be used inside `reading` and `write` only.
    """

    def __init__(self, store: Store, settings: StorySettings, *, read_only: bool) -> None:
        self.store, self.settings = store, settings
        self._read_only = read_only
        self._moment: int | None = None  # that memory is of; None when memory is not to be relied on
        self._mutex = threading.RLock()
        try:
            with store.snapshot() as moment:
                self._keep_up(moment)
        except BaseException:
            store.close()
            raise

    def close(self) -> None:
        """Close the store."""
        with self._mutex:
            self.store.close()

    @contextmanager
    def reading(self, *, memory: bool = False) -> Iterator[IndexState]:
        """One moment for all that is read inside; memory that is asked for is of that moment too."""
        with self._mutex, self.store.snapshot() as moment:
            if memory or self._moment is None:
                self._keep_up(moment)
            yield self.state

    def write(self, work: Callable[[], Result]) -> Result:
        """Do it in one transaction; when it fails, memory is made again from what is stored, when it is needed."""
        if self._read_only:
            raise RuntimeError("the index is open with read_only=True; allowed: what only reads")
        with self._mutex:
            try:
                with self.store.transaction() as moment:
                    self._keep_up(moment)
                    return work()
            except BaseException:
                self._moment = None
                raise

    def _keep_up(self, moment: int) -> None:
        """Make memory what is stored at a moment, which is open: others may have written."""
        if moment == self._moment:
            return
        changes = None if self._moment is None else self.store.changes(self._moment, LEADING_FEATURES)
        self._moment = None
        if changes is None:
            self.state = IndexState(self.store, self.settings)
            self.assigner = Assigner(self.state)
        else:
            self.state.catch_up(changes)
        self._moment = moment
