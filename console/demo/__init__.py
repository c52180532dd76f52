"""``portal demo``: the whole product against the sandbox, on a screen or headless (issue 2, §7)."""

from pathlib import Path

from console.demo.options import DemoOptions

__all__ = ["DemoOptions", "run_demo"]


def run_demo(
    *,
    headless: bool,
    orders: int = 50,
    json: bool = False,
    calm: bool = False,
    directory: Path | None = None,
    seed: int | None = None,
) -> int:
    """Run it and return the exit code. Headless: 0 only if nothing was lost or made twice and every order is in a state
    that the sandbox expects; 1 otherwise. On a screen: the console's.
    """
    options = DemoOptions(orders=orders, json=json, calm=calm, directory=directory, seed=1 if seed is None else seed)
    if headless:
        from console.demo.headless import run_headless

        return run_headless(options)
    from console.demo.screen import run_screen

    return run_screen(options)
