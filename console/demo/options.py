"""What a demo is asked for."""

from dataclasses import dataclass
from pathlib import Path

CUSTOMERS = 60


@dataclass(frozen=True)
class DemoOptions:
    """``directory`` None: a temporary one, removed after a success. ``seed`` makes the world, orders and troubles."""

    orders: int = 50
    json: bool = False
    calm: bool = False
    directory: Path | None = None
    seed: int = 1
