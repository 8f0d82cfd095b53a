"""Whether migrations between two hosts carry what their links should: if not, they may run over another network.

Live migration over the wrong network goes unnoticed: it works, and is slow. What a guest writes meanwhile slows it,
too, so the fastest of the migrations on record is what counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.core.estimate import usable_bytes_s
from bot.core.evacuation.measuring import LEAST_BYTES, Rate
from bot.core.readiness.model import Checkup, Finding, Level
from bot.core.wording import render_bytes, render_count, render_rate

_TOO_SLOW = 0.5
"""Of what the link should carry: less is not explained by set-up and the rounding of limits (assumed)."""
_LOOK = (
    "Get-VMMigrationNetwork",
    "Get-VMHost | Select-Object UseAnyNetworkForMigration, VirtualMachineMigrationPerformanceOption",
    "Get-SmbBandwidthLimit",
)


def check_rate(
    source: Checkup, destination: Checkup, rate: Rate | None, link_gbit_s: Mapping[str, float]
) -> Iterator[Finding]:
    hosts = (source.host, destination.host)

    def find(level: Level, seen: str, text: str = "", commands: tuple[str, ...] = ()) -> Finding:
        return Finding(level=level, code="rate", hosts=hosts, topic="rate", seen=seen, text=text, commands=commands)

    if rate is None:
        least = render_bytes(LEAST_BYTES)
        yield find(
            Level.UNKNOWN,
            "not measured yet",
            f"how fast migrations between them are is not measured yet: on record is none of {least} or more that had "
            "its links to itself",
        )
        return
    measured = f"{render_rate(rate.bytes_s)} at best, of {render_count(rate.count, 'migration')}"
    links = [link_gbit_s[host] for host in hosts if host in link_gbit_s]
    if len(links) < len(hosts):
        yield find(
            Level.UNKNOWN,
            measured,
            f"migrations between them carried {measured}; `link_gbit_s` does not tell what to expect",
        )
        return
    link, needed = min(links), usable_bytes_s(min(links))
    if rate.bytes_s >= _TOO_SLOW * needed:
        yield find(Level.FINE, f"{render_rate(rate.bytes_s)} measured")
        return
    yield find(
        Level.WARNING,
        measured,
        f"migrations between them carried {measured}; a link of {link:g} GbE, from settings, carries about "
        f"{render_rate(needed)}. They may run over another network, be held down by a limit of bandwidth, or the "
        "setting may be wrong",
        _LOOK,
    )
