"""The brake: more new orders than an hour should bring pause intake and ask a person with the count (rules §4.3)."""

import sqlite3

from console.settings.intake import IntakeSettings
from storage import desk, meta, runs

SUBJECT = "intake"
HOUR = 3600.0


class Brake:
    """Counted in the journal, so that a restart does not release it."""

    def __init__(self, settings: IntakeSettings) -> None:
        self._settings = settings
        self.pulled_now = False

    def on(self, db: sqlite3.Connection) -> desk.Pause | None:
        return desk.pauses(db).get(SUBJECT)

    def admits(self, db: sqlite3.Connection, now: float) -> bool:
        """May one more run start? Pulls the brake when it may not."""
        if self.on(db) is not None:
            return False
        count = runs.started_since(db, max(now - HOUR, self._released_at(db)))
        if count < self._settings.max_new_per_hour:
            return True
        self.pull(
            db,
            now,
            f"{count + 1} new orders within an hour (intake.max_new_per_hour is {self._settings.max_new_per_hour})",
        )
        return False

    def check_first_poll(self, db: sqlite3.Connection, now: float, count: int) -> bool:
        """False (and the brake is on) when the first poll of this journal finds suspiciously many orders."""
        if count <= self._settings.first_poll_max or self._released_at(db):
            return self.on(db) is None
        self.pull(
            db, now, f"the first poll found {count} orders (intake.first_poll_max is {self._settings.first_poll_max})"
        )
        return False

    def pull(self, db: sqlite3.Connection, now: float, reason: str) -> None:
        desk.pause(db, SUBJECT, "engine", reason, now, automatic=True)
        self.pulled_now = True

    @staticmethod
    def release(db: sqlite3.Connection, now: float) -> bool:
        """A person has looked: the hour counts from now on."""
        meta.put(db, "brake_released_at", str(now))
        return desk.resume(db, SUBJECT)

    @staticmethod
    def _released_at(db: sqlite3.Connection) -> float:
        return float(meta.get(db, "brake_released_at") or 0.0)
