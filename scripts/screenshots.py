"""Take the pictures that the README shows, from a Home Assistant that runs."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
import shutil
import sys
from tempfile import TemporaryDirectory
from typing import Any, Final

from playwright.async_api import (  # type: ignore[import-not-found]  # Live only.
    Page,
    async_playwright,
)

from iec21.simulator import SimulatedMeter
from iec21.simulator.household import IDENTIFICATION, Household
from iec21.simulator.terminal import serve_pty
from scripts.demo_process import running_demo
from scripts.home_assistant import (
    PASSWORD,
    ROOT,
    TIME_ZONE,
    USER,
    Client,
    DemoError,
)

DOMAIN: Final = "iec62056"
IMAGES: Final = ROOT / "docs" / "images"

WIDTH: Final = 1280
"""Of the window, in pixels. Each picture has a height that leaves nothing empty."""

BROWSER: Final = "chromium"

DRAWING_TIME: Final = 2500
"""Milliseconds that charts and animations take; nothing tells when they are done."""

ANOTHER_HOUSE: Final = 2
"""Number of the house whose meter is being set up; the demo lives in the first."""


async def take(page: Page, url: str, meter: str) -> None:
    """Take all pictures; `meter` is the port of a meter that is not set up yet."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    await log_in(page, url)
    await show_energy(page, url)
    await picture(page, "energy", 750)
    await show_device(page, url)
    await picture(page, "device", 990)
    await show_setup(page, url, meter)
    await picture(page, "setup", 860)


async def picture(page: Page, name: str, height: int) -> None:
    """Save what the window shows."""
    await page.set_viewport_size({"width": WIDTH, "height": height})
    # What the mouse is over looks different.
    await page.mouse.move(0, 0)
    await page.wait_for_timeout(DRAWING_TIME)
    path = IMAGES / f"{name}.png"
    await page.screenshot(path=path)
    print(path.relative_to(ROOT))


async def log_in(page: Page, url: str) -> None:
    """Log in as a user does."""
    await page.goto(url)
    await page.locator("input[name=username]").fill(USER)
    await page.locator("input[name=password]").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_text("Welcome Demo").wait_for()


async def show_energy(page: Page, url: str) -> None:
    """Show a whole day, yesterday, on the energy dashboard."""
    await page.goto(f"{url}/energy")
    await page.get_by_text("Energy distribution").wait_for()
    await page.get_by_label("Previous").click()


async def show_device(page: Page, url: str) -> None:
    """Show the page of the demo's meter."""
    async with Client.connect(url) as client:
        devices = await client.command("config/device_registry/list")
    device = next(
        device["id"]
        for device in devices
        if any(domain == DOMAIN for domain, _ in device["identifiers"])
    )
    await page.goto(f"{url}/config/devices/device/{device}")
    await page.get_by_text("Device info").wait_for()


async def show_setup(page: Page, url: str, meter: str) -> None:
    """Go through the config flow until it says which meter it has found."""
    await page.goto(f"{url}/config/integrations/dashboard/add?domain={DOMAIN}")
    await page.get_by_role("button", name="OK").click()
    await page.get_by_text("Serial port", exact=True).click()
    await page.locator("ha-selector-serial_port").click()
    await page.get_by_text("Enter manually").click()
    # The list of ports takes its time to go, and clears the field when it does.
    await page.wait_for_timeout(DRAWING_TIME)
    await page.locator("ha-selector-serial_port input").fill(meter)
    await page.get_by_role("button", name="Submit").click()
    await page.get_by_text("Meter found").wait_for()


# -- what they are taken of ---------------------------------------------------


@asynccontextmanager
async def home_assistant(url: str | None, folder: Path) -> AsyncIterator[str]:
    """Return the address of a Home Assistant; run one if there is none yet."""
    if url is not None:
        yield url.rstrip("/")
        return
    print("Starting a demo")
    async with running_demo(folder / "demo") as demo:
        yield demo.url


@asynccontextmanager
async def window(browser: str) -> AsyncIterator[Page]:
    """Open a window as an ordinary user has it."""
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=browser,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        ) as chromium,
        await chromium.new_context(
            viewport={"width": WIDTH, "height": 900},
            color_scheme="light",
            locale="en-GB",
            timezone_id=TIME_ZONE,
        ) as context,
    ):
        yield await context.new_page()


async def run(options: argparse.Namespace) -> None:
    """Take the pictures.

    Raises:
        DemoError: there is no browser, or no demo.

    """
    browser = shutil.which(BROWSER)
    if browser is None:
        raise DemoError(
            f"{BROWSER} is not installed; on Debian the package {BROWSER} has it."
        )
    house: Any = Household(ANOTHER_HOUSE)
    meter = SimulatedMeter(identification=IDENTIFICATION, content=house)
    with TemporaryDirectory() as name:
        folder = Path(name)
        async with (
            home_assistant(options.url, folder) as url,
            serve_pty(meter, folder / "meter", line_rate=True) as server,
            window(browser) as page,
        ):
            await take(page, url, server.port_url)


def main() -> int:
    """Take the pictures and return the exit status."""
    parser = argparse.ArgumentParser(prog="screenshots", add_help=False)
    parser.add_argument("--url")
    try:
        asyncio.run(run(parser.parse_args()))
    except DemoError as error:
        print(f"screenshots: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
