# Home Assistant puts probatio in the place of voluptuous when it starts, and
# its own functions take probatio's schemas. Type checking happens before any
# start, so it is told here.
from probatio import *  # noqa: F403  # All of it, whatever it is.
