"""The work as Ferry does it: said in the channel, confirmed on the card, done when the card says so."""

from __future__ import annotations

from bot.app import build
from bot.lab.slack import Message
from bot.settings import Settings
from tests.ferry import Ferry

SELDOM_S = 3600


class QuietFerry(Ferry):
    """Looks at hosts in the background only when told to: all traffic belongs to what is being measured."""

    def start(self) -> None:
        settings = self.lab.settings(self.folder / "ferry.sqlite")
        settings["operations"]["refresh_s"] = SELDOM_S
        settings["slack"]["commands_per_minute"] = 0
        self.bot = build(Settings.model_validate(settings))
        self.bot.start()

    def look_around(self) -> None:
        """What the background does now and then; it also opens the sessions that Ferry keeps warm."""
        assert all(seen.known for seen in self.bot.inventory.refreshed().hosts)

    def plan(self, vm: str, destination: str) -> Message:
        """The offer's card."""
        card = self.say(f"migrate {vm} to {destination}")
        assert f"Move {vm} from" in self.text(card)
        return card

    def migrate(self, vm: str, destination: str) -> None:
        """From the message to the card's last state, everything included."""
        card = self.plan(vm, destination)
        self.press(card, "Confirm")
        assert f"{vm} is on {destination}" in self.wait_until_ended(card)
