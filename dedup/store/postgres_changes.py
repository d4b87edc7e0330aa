"""The log of changes and the decisions of editors in a PostgreSQL database."""

from collections.abc import Sequence

from dedup.store.postgres_connection import PostgresConnection, array_of
from dedup.store.records import ChangeRow, DecisionRow


class PostgresChanges(PostgresConnection):
    """A connection that reads and writes what has happened."""

    def insert_changes(self, changes: Sequence[ChangeRow]) -> None:
        """See `Store.insert_changes`."""
        rows = [(*row[:5], None if row.article is None else row.article.encode(), *row[6:]) for row in changes]
        self._insert(("changes", ("int8", "float8", "text", "int8", "int8", "bytea", "int8", "int8"), rows))

    def changes(self, since: int, limit: int | None = None) -> list[ChangeRow]:
        """See `Store.changes`."""
        query = (
            "SELECT cursor, day, kind, story, episode, article, merged_into, decision FROM dedup.changes "
            "WHERE cursor > %s ORDER BY cursor LIMIT %s"
        )
        rows = self._read(query, since, limit)
        return [ChangeRow._make((*row[:5], None if row[5] is None else row[5].decode(), *row[6:])) for row in rows]

    def last_cursor(self) -> int:
        """See `Store.last_cursor`."""
        return int(self._one("SELECT coalesce(max(cursor), 0) FROM dedup.changes")[0])

    def limit_change_days(self, day: float) -> None:
        """See `Store.limit_change_days`."""
        self._write("UPDATE dedup.changes SET day = %s WHERE day > %s", day, day)

    def delete_changes_before(self, day: float) -> None:
        """See `Store.delete_changes_before`."""
        kept = "SELECT cursor FROM dedup.changes WHERE day >= %s ORDER BY cursor LIMIT 1"
        last = "SELECT max(cursor) FROM dedup.changes"
        self._write(f"DELETE FROM dedup.changes WHERE cursor < coalesce(({kept}), ({last}))", day)  # noqa: S608

    def set_decisions(self, decisions: Sequence[DecisionRow]) -> None:
        """See `Store.set_decisions`."""
        self.delete_decisions([row.cursor for row in decisions])
        self._insert(("decisions", ("int8", "text", "text"), decisions))

    def delete_decisions(self, cursors: Sequence[int]) -> None:
        """See `Store.delete_decisions`."""
        self._write("DELETE FROM dedup.decisions WHERE cursor = ANY(%s::bigint[])", array_of(cursors))
        self._write("UPDATE dedup.state SET decided = %s", self._commits + 1)  # so that other writers see it

    def decisions(self) -> list[DecisionRow]:
        """See `Store.decisions`."""
        rows = self._read("SELECT cursor, kind, facts FROM dedup.decisions ORDER BY cursor")
        return list(map(DecisionRow._make, rows))
