"""``portal`` (and ``python -m console``): the command line, with nothing loaded that the verb does not need."""

import gc
import sys

if sys.argv[1:2] == ["console"]:
    gc.disable()  # nothing that is loaded until the first frame stands is garbage; the console enables it then

from console.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
