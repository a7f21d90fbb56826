"""Entry point of `rotunda` and `python -m rotunda`."""

import sys

from rotunda.cli import main

if __name__ == "__main__":
    sys.exit(main())
