"""Home Assistant without the parts that a demo cannot have.

Home Assistant sets up a list of components whatever its configuration says. Those
for sound and pictures need packages that have to be compiled, and programs that a
bare machine does not have; others want the internet. With them, the log would be
full of errors and the sidebar would show a warning.
"""

import ctypes
from importlib.util import find_spec
import signal
import sys
from unittest.mock import MagicMock

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

# Components that are not set up are imported all the same, to know their features
# when the frontend asks for the actions. Nothing of these packages is ever used.
NEVER_USED = ("numpy", "pymicro_vad", "pyspeex_noise", "turbojpeg")

PR_SET_PDEATHSIG = 1  # <sys/prctl.h>

if __name__ == "__main__":
    if sys.platform == "linux":
        # A demo that is killed cannot stop us any more. Without it there is no meter.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    bootstrap.DEFAULT_INTEGRATIONS -= LEFT_OUT
    for name in NEVER_USED:
        if find_spec(name) is None:
            sys.modules[name] = MagicMock()
    sys.exit(main())
