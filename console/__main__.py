"""``portal`` (and ``python -m console``): the command line, with nothing loaded that the verb does not need."""

import sys

from console.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
