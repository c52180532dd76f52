"""When a transient failure is tried again: exponential back-off with jitter, never sooner than the far side asks."""

import random


def backoff(tries: int, base: float, longest: float, retry_after: float | None, jitter: random.Random) -> float:
    """Seconds until the next try after ``tries`` failed ones (1 = the first failed)."""
    wait = min(longest, base * 2.0 ** (max(1, tries) - 1)) * jitter.uniform(0.5, 1.0)
    return max(wait, retry_after or 0.0)
