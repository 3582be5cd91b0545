#!/usr/bin/env python3
"""Draw the icon of the integration: a meter and its optical port.

Run it with the Python of `.venv`; it writes `icon.png` and `icon@2x.png`. All
lengths are in parts of 256, and everything is drawn four times as large first.
"""

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

BRAND: Final = Path(__file__).parent.parent / "custom_components" / "iec62056" / "brand"
SCALE: Final = 8

BODY: Final = "#0f8b8d"
EDGE: Final = "#0a6769"
PANEL: Final = "#e9f4ee"
DIGIT: Final = "#1d3b3c"
LAST_DIGIT: Final = "#d1495b"
PLATE: Final = "#f4f7f8"
PLATE_EDGE: Final = "#b9c8ca"
PORT: Final = "#14292a"
LIGHT: Final = "#ffb703"
GLOW: Final = "#fb8500"


def draw() -> Image.Image:
    """Draw the icon, much larger than it is going to be."""
    icon = Image.new("RGBA", (256 * SCALE, 256 * SCALE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(icon)

    def box(x: float, y: float, width: float, height: float) -> list[float]:
        return [SCALE * x, SCALE * y, SCALE * (x + width), SCALE * (y + height)]

    def disc(x: float, y: float, radius: float, colour: str) -> None:
        pen.ellipse(box(x - radius, y - radius, 2 * radius, 2 * radius), fill=colour)

    # The housing, with a lighter front on a darker edge.
    pen.rounded_rectangle(box(28, 8, 200, 240), radius=40 * SCALE, fill=EDGE)
    pen.rounded_rectangle(box(38, 18, 180, 220), radius=31 * SCALE, fill=BODY)

    # The counter: five digits, and one behind the point.
    pen.rounded_rectangle(box(52, 38, 152, 58), radius=10 * SCALE, fill=PANEL)
    for number in range(6):
        pen.rounded_rectangle(
            box(60 + 23.6 * number, 47, 18, 40),
            radius=4 * SCALE,
            fill=LAST_DIGIT if number == 5 else DIGIT,
        )

    # The optical port: a plate for the magnet of the head, and two windows.
    disc(128, 170, 56, PLATE_EDGE)
    disc(128, 170, 51, PLATE)
    disc(128, 170, 35, PORT)
    for x in (112, 144):
        disc(x, 170, 11, GLOW)
        disc(x, 170, 7, LIGHT)
    return icon


def main() -> None:
    """Write the icon in both sizes."""
    icon = draw()
    for name, size in (("icon.png", 256), ("icon@2x.png", 512)):
        small = icon.resize((size, size), Image.Resampling.LANCZOS)
        small.save(BRAND / name, optimize=True)


if __name__ == "__main__":
    main()
