"""The hosts and shares of a world, and which host reaches which place."""

from __future__ import annotations

from bot.lab.world import faults
from bot.lab.world.cluster import CLUSTER_STORAGE, Cluster
from bot.lab.world.machines import CONFIGURATION_BYTES, Host, Vm
from bot.lab.world.storage import Share, Store, Volume, drive_letter, is_share_path


class Estate:
    """Not safe by itself: the world uses it under its lock."""

    def __init__(self, core_bytes_s: float) -> None:
        self.core_bytes_s = core_bytes_s
        self.hosts: list[Host] = []
        self.shares: list[Share] = []
        self.clusters: list[Cluster] = []

    def find_host(self, name: str) -> Host | None:
        return next((host for host in self.hosts if host.answers_to(name)), None)

    def cluster_of(self, host: Host) -> Cluster | None:
        return next((cluster for cluster in self.clusters if cluster.has(host)), None)

    def migration_limit(self, host: Host) -> int:
        """How many live migrations a host takes part in at once: what its cluster says goes before its own setting."""
        cluster = self.cluster_of(host)
        return cluster.maximum_parallel_migrations if cluster else host.maximum_migrations

    @property
    def _shared(self) -> tuple[Store, ...]:
        return (*self.shares, *(volume for cluster in self.clusters for volume in cluster.volumes))

    def host(self, name: str) -> Host:
        """Raises LookupError."""
        host = self.find_host(name)
        if host is None:
            raise LookupError(f"the world has no host {name}")
        return host

    def place(self, host: Host, vm: Vm) -> None:
        """Put a VM's files where its paths say. Raises LookupError if the host reaches no such place."""
        files = [(file.path, file.file_bytes) for disk in vm.disks for file in disk.files]
        for path, size_bytes in [(vm.configuration_file, CONFIGURATION_BYTES), *files]:
            match self.store_for(host, path):
                case Store() as store:
                    store.put(path, size_bytes)
                case problem:
                    raise LookupError(f"{vm.name} on {host.name}: {path}: {problem}")
        host.vms[vm.id] = vm

    def store_for(self, host: Host, path: str) -> Store | str:
        """The store a host reaches a path in, or why it does not (an English sentence with HRESULT)."""
        if path.casefold().startswith(CLUSTER_STORAGE.casefold()):
            cluster = self.cluster_of(host)
            return (cluster.volume_for(path) if cluster else None) or faults.PATH_NOT_FOUND
        if not is_share_path(path):
            return host.store(drive_letter(path)) or faults.PATH_NOT_FOUND
        wanted = path.casefold() + "\\"
        share = next((share for share in self.shares if wanted.startswith(share.name.casefold() + "\\")), None)
        if share is None:
            server = path.strip("\\").split("\\")[0].casefold()
            known = any(share.server == server for share in self.shares)
            return faults.NETWORK_NAME_NOT_FOUND if known else faults.NETWORK_PATH_NOT_FOUND
        return share if share.admits(host.name) else faults.ACCESS_DENIED

    def carry_configuration(self, source: Host, destination: Host, vm: Vm) -> None:
        """A configuration on a local volume follows its VM to the same path; on shared storage it stays."""
        old, new = (self.store_for(host, vm.configuration_file) for host in (source, destination))
        if not isinstance(old, Volume):
            return
        old.delete(vm.configuration_file)
        if isinstance(new, Store):
            new.put(vm.configuration_file, CONFIGURATION_BYTES)

    def capacity_bytes_s(self, resource: str) -> float:
        """The speed of something that migrations share; the names are `bot.lab.world.migration`'s."""
        kind, _, name = resource.partition(" ")
        if kind == "core":
            return self.core_bytes_s
        if kind == "network":
            return self.host(name).network_bytes_s
        for store in self._shared:
            if store.name == name:
                return store.rate_bytes_s
        host, _, letter = name.partition(" ")
        return self.host(host).volumes[letter].rate_bytes_s
