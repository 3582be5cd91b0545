"""`python -m iec21`, also as `python -m custom_components.iec62056.iec21`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
