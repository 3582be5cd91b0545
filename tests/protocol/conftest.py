"""What the protocol tests share. They run without Home Assistant."""

from importlib.util import find_spec

import pytest

if find_spec("pytest_socket") is None:

    @pytest.fixture
    def socket_enabled() -> None:
        """Nothing blocks sockets here, so nothing has to be opened."""
