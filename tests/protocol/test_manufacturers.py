"""Names of manufacturers."""

import pytest

from iec21.manufacturers import MANUFACTURERS, manufacturer_name


@pytest.mark.parametrize(
    ("flag_code", "name"),
    [
        ("ISK", "Iskraemeco"),
        ("ISk", "Iskraemeco"),
        ("LGZ", "Landis+Gyr"),
        ("LUG", "Landis+Gyr"),
        ("KAM", "Kamstrup"),
        ("XX?", None),
    ],
)
def test_a_manufacturer_has_a_name(flag_code: str, name: str | None) -> None:
    """In either case; a code that nobody registered has none."""
    assert manufacturer_name(flag_code) == name


def test_the_list_is_in_order() -> None:
    """Three capital letters each, sorted, and a name without padding."""
    assert list(MANUFACTURERS) == sorted(MANUFACTURERS)
    for code, name in MANUFACTURERS.items():
        assert len(code) == 3
        assert code == code.upper()
        assert name
        assert name == name.strip()
