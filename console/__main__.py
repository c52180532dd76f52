"""``portal`` (and ``python -m console``): the command line, with nothing loaded that the verb does not need."""

import gc
import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line, ``argv`` or the process's own; the exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    if arguments[:1] == ["console"]:
        gc.disable()  # nothing that is loaded until the first frame stands is garbage; the console enables it then
    from console.cli.main import main as portal

    return portal(arguments)


if __name__ == "__main__":
    sys.exit(main())
