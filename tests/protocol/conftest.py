"""What the protocol tests share. They run without Home Assistant."""

from importlib.util import find_spec

from hypothesis import settings
import pytest

# How long one example takes says more about a busy machine than about the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if find_spec("pytest_socket") is None:

    @pytest.fixture
    def socket_enabled() -> None:
        """Nothing blocks sockets here, so nothing has to be opened."""
