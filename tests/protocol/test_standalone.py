"""The package works where Home Assistant is not installed."""

from pathlib import Path
import subprocess
import sys

import iec21

PROGRAM = """
import importlib, pkgutil, sys
sys.modules["homeassistant"] = None
import iec21
for module in pkgutil.walk_packages(iec21.__path__, "iec21."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
print(len(sys.modules))
"""


def test_every_module_imports_without_home_assistant() -> None:
    """A stray import would make the command line useless for everybody else."""
    result = subprocess.run(  # noqa: S603 - our own interpreter, our own program
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_the_package_is_marked_as_typed() -> None:
    """Users of the package get its types."""
    assert (Path(iec21.__file__).parent / "py.typed").exists()


def test_every_public_name_exists() -> None:
    """`__all__` is what the documentation promises."""
    assert iec21.__all__ == sorted(iec21.__all__)
    assert all(hasattr(iec21, name) for name in iec21.__all__)
