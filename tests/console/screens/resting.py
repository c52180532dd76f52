"""When a console under test has come to rest: decided by its event loop, not by how busy the machine is.

Textual's own test waits until the process used less than a millisecond in 20: twice for each key, up to a second each
where a daemon works in the same process, and over at once on a machine that gives the process no time.
"""

import asyncio
from typing import Any

from textual._context import active_app
from textual.app import ScreenStackError
from textual.screen import Screen

AT_MOST = (
    400  # rounds of the loop; a key takes some 20, and where a daemon works beside it there is always something to do
)


async def at_rest(*_seconds: float) -> None:
    """Until nothing can be done at once and what changed is painted. Answers from outside and timers are not waited for."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(AT_MOST):
        await asyncio.sleep(0)
        if loop._ready:
            continue
        try:
            screen = active_app.get().screen
        except ScreenStackError:
            return
        if not _unpainted(screen):
            return
        screen._on_timer_update()


def _unpainted(screen: Screen[Any]) -> bool:
    return bool(
        screen.is_current
        and (
            screen._callbacks
            or screen._dirty_widgets
            or screen._layout_required
            or screen._scroll_required
            or screen._repaint_required
            or screen._recompose_required
        )
    )
