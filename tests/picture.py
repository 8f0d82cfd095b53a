"""README's picture of the lab's page: `uv run python -m tests.picture` takes it anew, in Debian's Chromium."""

from __future__ import annotations

import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image  # matplotlib brings it along

from bot.lab.page import Page
from bot.lab.running import TITLES
from bot.lab.slack import SlackServer
from tests.browser import chromium
from tests.ferry import Ferry

PICTURE = Path(__file__).parents[1] / "bot" / "lab" / "page" / "dialogue.png"


def main() -> None:
    server = SlackServer(titles=TITLES)
    server.mount(Page(server, user="alice").add_to)
    with (
        tempfile.TemporaryDirectory() as folder,
        Ferry(Path(folder), server=server, speed=1) as ferry,
        chromium() as person,
    ):
        card = ferry.say("migrate VM-01 to host02")
        ferry.press(card, "Confirm", who="bob")
        ferry.wait_until_ended(card)
        ferry.say("migrate WEB-01 to host01")
        person.open(f"{server.address}#/bob/C0OPS00000/{card.ts}", width=1280, height=770)
        person.wait_for("verified", "#replies")
        person.wait(lambda: person.driver.execute_script("return !document.getAnimations().length"))
        shown = Image.open(BytesIO(person.driver.get_screenshot_as_png()))
        shown.convert("RGB").quantize(256).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
