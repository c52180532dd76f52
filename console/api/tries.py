"""Failed sign-ins of the last minute. Whoever comes by the socket needs no token, so ``limits`` is loaded with the first."""

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import MovingWindowRateLimiter

Bucket = tuple[str, str]


class FailedTries:
    """Counts by bucket (peer, token); ``most`` a minute are let through."""

    def __init__(self, most: int) -> None:
        self._most = most

    def hit(self, bucket: Bucket) -> None:
        window, item = self._window
        window.hit(item, *bucket)

    def over_at(self, bucket: Bucket) -> float | None:
        """When the next try may be made, by the wall clock; None for at once."""
        window, item = self._window
        return None if window.test(item, *bucket) else window.get_window_stats(item, *bucket).reset_time

    @cached_property
    def _window(self) -> "tuple[MovingWindowRateLimiter, RateLimitItem]":
        from limits import RateLimitItemPerMinute
        from limits.storage import MemoryStorage
        from limits.strategies import MovingWindowRateLimiter

        return MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(self._most)
