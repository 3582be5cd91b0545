"""Home Assistant without the parts that a demo cannot have.

Home Assistant sets up a list of components whatever its configuration says. The
ones left out here need packages that have to be compiled, or programs that a bare
machine does not have, or fetch things from the internet. With them, the log would be
full of errors and the sidebar would show a warning.
"""

import sys

from homeassistant import bootstrap
from homeassistant.__main__ import main

LEFT_OUT = {
    # Sound and pictures.
    "ai_task",
    "assist_satellite",
    "camera",
    "image_processing",
    "tts",
    # One reports to its makers if asked to, the other fetches a catalogue, and both
    # open ports to the network beforehand.
    "analytics",
    "marketplace",
}

if __name__ == "__main__":
    bootstrap.DEFAULT_INTEGRATIONS -= LEFT_OUT
    sys.exit(main())
