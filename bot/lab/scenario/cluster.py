"""A failover cluster of three nodes: what it moves by itself, what it keeps apart, and what it refuses."""

from __future__ import annotations

from bot.lab.scenario.building import add_host, add_share, add_vm, dynamic_disks, on_share, stop
from bot.lab.world import GIB, AffinityRule, Cluster, Disk, Priority, RuleType, SharedVolume, World, WorldClock

VOLUME = "C:\\ClusterStorage\\Volume1"
_WEB = ((1, 4), (2, 4), (3, 8))


def cluster(clock: WorldClock | None = None) -> World:
    """Cluster HVC1 of host01 to host03 with a dozen VMs on a shared volume; host04 belongs to no cluster.

    SQL-01 may run on host01 and host02 only, and better on host01. DC-01 and DC-02 are better not on one host, WEB-01
    and WEB-02 better on one, and MAIL-01 and WEB-03 never, by rules. TEST-01 has low priority, PKI-01 is off. ALONE-01
    is on host01 and no role of the cluster. Each node takes part in one live migration at a time, whatever its own
    settings say.
    """
    world = World(clock)
    add_share(world)
    host01, host02, host03, _ = (add_host(world, number, 128) for number in range(1, 5))
    made = world.add_cluster(Cluster.of("HVC1", host01, host02, host03))
    made.rules = [
        AffinityRule("web", RuleType.SAME_NODE, ["WEB-01", "WEB-02"]),
        AffinityRule("mail", RuleType.DIFFERENT_NODE, ["MAIL-01", "WEB-03"]),
    ]
    made.volumes.append(SharedVolume(VOLUME, 8192 * GIB, 2048 * GIB, rate_bytes_s=2.0e9))
    for name, host, memory_gib in (
        ("VM-01", host01, 8),
        ("APP-01", host01, 8),
        ("APP-02", host02, 8),
        ("MAIL-01", host02, 16),
        *((f"WEB-{number:02}", host03, memory_gib) for number, memory_gib in _WEB),
    ):
        world.add_role(made, add_vm(world, host, name, memory_gib, _on_volume(name)))
    sql = world.add_role(made, add_vm(world, host01, "SQL-01", 16, _on_volume("SQL-01"), days=60))
    sql.possible_owners, sql.preferred_owners = frozenset({"host01", "host02"}), ("host01",)
    for name, host in (("DC-01", host01), ("DC-02", host02)):
        world.add_role(made, add_vm(world, host, name, 4, _on_volume(name), days=120)).apart = ("Domain controllers",)
    world.add_role(made, add_vm(world, host01, "TEST-01", 4, _on_volume("TEST-01"))).priority = Priority.LOW
    pki = add_vm(world, host01, "PKI-01", 4, _on_volume("PKI-01"))
    stop(pki)
    world.add_role(made, pki)
    add_vm(world, host01, "ALONE-01", 2, on_share("ALONE-01", 20))
    return world


def _on_volume(name: str) -> list[Disk]:
    return dynamic_disks(f"{VOLUME}\\{name}", name, (40,))
