"""What Hyper-V and the failover cluster answer when they refuse or fail: identifiers, HRESULTs and English texts.

All of it, and nowhere else: tests go through this module and see that Ferry knows what to say to each.

Sources: Microsoft Learn, MigrateVirtualSystemToHost (return codes); SupportArticles, "Troubleshoot live migration
issues" (texts with HRESULTs); Windows error texts (winerror.h). Sentences marked "assumed" were found in no source.
That an error of the cluster carries its HRESULT in brackets, and which code says that a node does not take a role for
the sake of anti-affinity, is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Identifier(StrEnum):
    """First half of a FullyQualifiedErrorId of the Hyper-V module, one per WMI return code."""

    OPERATION_FAILED = "OperationFailed"  # 32768
    ACCESS_DENIED = "AccessDenied"  # 32769
    NOT_SUPPORTED = "NotSupported"  # 32770
    INVALID_PARAMETER = "InvalidParameter"  # 32773
    OBJECT_IN_USE = "ObjectInUse"  # 32774
    INVALID_STATE = "InvalidState"  # 32775
    OBJECT_NOT_FOUND = "ObjectNotFound"  # 32779


@dataclass(eq=False)
class HyperVError(Exception):
    """A refusal or failure in Hyper-V's own words.

    Attributes:
        summary: the outer sentence; empty for errors that have only one.
        description: the cause, its HRESULT in brackets last.
        invalid_operation: OperationFailed in category InvalidOperation (raised by a check before any job exists).
    """

    description: str
    identifier: Identifier = Identifier.OPERATION_FAILED
    summary: str = ""
    invalid_operation: bool = False

    @property
    def message(self) -> str:
        return f"{self.summary}\n\n{self.description}" if self.summary else self.description

    def __str__(self) -> str:
        return self.message


ACCESS_DENIED = "General access denied error (0x80070005)"
PATH_NOT_FOUND = "The system cannot find the path specified. (0x80070003)"
FILE_EXISTS = "The file exists. (0x80070050)"
DISK_FULL = "There is not enough space on the disk. (0x80070070)"
NETWORK_PATH_NOT_FOUND = "The network path was not found. (0x80070035)"
NETWORK_NAME_NOT_FOUND = "The network name cannot be found. (0x80070043)"
CANCELLED = "The operation was canceled by the user. (0x800704C7)"
CONNECTION_RESET = (
    "Failed to send data for a Virtual Machine migration: An existing connection was forcibly closed by the remote "
    "host. (0x80072746)"
)
IN_USE = "The operation cannot be performed while the object is in use."
WRONG_STATE = "The operation cannot be performed while the virtual machine is in its current state."


def at_source(vm: str, vm_id: str, host: str, description: str) -> HyperVError:
    return HyperVError(description, summary=_failed(vm, vm_id, f"migration source '{host}'"))


def at_destination(vm: str, vm_id: str, host: str, description: str) -> HyperVError:
    return HyperVError(description, summary=_failed(vm, vm_id, f"migration destination '{host}'"))


def _failed(vm: str, vm_id: str, where: str) -> str:
    return f"Virtual machine migration operation for '{vm}' failed at {where}. (Virtual machine ID {vm_id})"


def storage(vm: str, vm_id: str, description: str) -> HyperVError:
    # The summary is assumed; causes carry their own HRESULT.
    return HyperVError(description, summary=f"Storage migration for virtual machine '{vm}' ({vm_id}) failed.")


def migration_limit(vm: str, limit: int) -> str:
    return (
        f'Failed to perform migration on virtual machine "{vm}" because virtual machine migration limit "{limit}" was '
        "reached, please wait for completion of an ongoing migration operation."
    )


def storage_limit(vm: str, limit: int) -> str:
    return (
        f"Storage migration for '{vm}' was not finished because maximum storage migration limit '{limit}' was reached, "
        "please wait for completion of an ongoing migration operation"
    )


def no_credentials(destination: str) -> str:
    return (
        "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine migration with "
        f"host '{destination}': No credentials are available in the security package (0x8009030E).\n"
        "Failed to authenticate the connection at the source host: no suitable credentials available."
    )


def refused_connection(destination: str) -> str:
    return (
        "The Virtual Machine Management Service failed to establish a connection for a Virtual Machine migration with "
        f"host '{destination}': No connection could be made because the target machine actively refused it. "
        "(0x8007274D)"
    )


def out_of_memory(vm: str) -> str:
    return f"'{vm}' could not initialize memory: Ran out of memory (0x8007000E)."


def missing_switch(switch: str) -> str:
    return f"Could not find Ethernet switch '{switch}'."


def not_compatible(vm: str, host: str) -> str:
    return f"The virtual machine '{vm}' is not compatible with physical computer '{host}'."


def iso(vm: str) -> str:
    return (
        f"'{vm}' Synthetic SCSI Controller: Failed to restore with Error 'A virtual disk support provider for the "
        "specified file was not found.' (0xC03A0014)."
    )


def iso_report(path: str) -> str:
    return f"Could not open attachment '{path}'. Error: '{PATH_NOT_FOUND}'"  # assumed wording


HARDWARE = (
    "The virtual machine cannot be moved to the destination computer. The hardware on the destination computer is not "
    "compatible with the hardware requirements of this virtual machine."
)


def processor_features(vm: str, host: str) -> str:
    return f'Virtual machine "{vm}" is using processor-specific features not supported on host "{host}".'


def version(vm: str, number: str, host: str) -> str:
    return f"The configuration version {number} of virtual machine '{vm}' is not supported on '{host}'."  # assumed


def attachment_denied(vm: str, path: str) -> str:
    return (
        f"'{vm}': Account does not have sufficient privilege to open attachment '{path}'. "
        f"Error: 'General access denied error' (0x80070005)."
    )


def attachment_missing(vm: str, path: str, cause: str) -> str:
    return f"'{vm}': Attachment '{path}' not found. Error: {cause}"


def physical_disk(vm: str) -> str:
    # assumed wording; Microsoft Learn lists "no physical disks" as a requirement of live migration
    return f"'{vm}': Live migration does not support virtual machines that are attached to a physical disk."


SHARED_DISK = (
    "Shared VHDX or VHD Set disks can only be used in clustered VM roles and can't be migrated using standard methods."
)


def not_enough_space(path: str) -> str:
    return f"Migration did not succeed. Not enough disk space at '{path}'. {DISK_FULL}"


def copy_failed(path: str, cause: str) -> str:
    return f"Migration did not succeed. Failed to copy to '{path}': {cause}"  # assumed wording


def register_failed(vm: str, path: str) -> str:
    return f"'{vm}' failed to register the configuration at '{path}': {PATH_NOT_FOUND}"


def clustered(vm: str) -> HyperVError:
    return HyperVError(
        f"The operation is not supported for the clustered virtual machine '{vm}'.",  # assumed wording
        invalid_operation=True,
    )


def not_cluster_storage(vm: str, path: str) -> HyperVError:
    return HyperVError(
        # assumed wording
        f"The path '{path}' is not storage that the cluster of the clustered virtual machine '{vm}' may use.",
        Identifier.INVALID_PARAMETER,
    )


def migrations_disabled(host: str, end: str) -> HyperVError:
    return HyperVError(
        f"Virtual machine migrations are disabled on the {end} computer '{host}'.",  # assumed wording
        invalid_operation=True,
    )


def no_migration_network(host: str) -> HyperVError:
    return HyperVError(
        f"No network for virtual machine migrations is configured on the destination computer '{host}'.",  # assumed
        invalid_operation=True,
    )


def in_use(vm: str) -> HyperVError:
    return HyperVError(f"'{vm}': {IN_USE}", Identifier.OBJECT_IN_USE)


def wrong_state(vm: str) -> HyperVError:
    return HyperVError(f"'{vm}': {WRONG_STATE}", Identifier.INVALID_STATE)


def unknown_computer(name: str) -> HyperVError:
    return HyperVError(
        f"The operation on computer '{name}' failed: WinRM cannot process the request. The following error occurred "
        f"while using Kerberos authentication: Cannot find the computer {name}. Verify that the computer exists on the "
        "network and that the name provided is spelled correctly.",
        Identifier.INVALID_PARAMETER,  # assumed identifier
    )


def unreachable_computer(name: str) -> HyperVError:
    return HyperVError(
        f"The operation on computer '{name}' failed: The client cannot connect to the destination specified in the "
        "request. Verify that the service on the destination is running and is accepting requests.",
        Identifier.OBJECT_NOT_FOUND,  # assumed identifier
    )


def service_stopped(computer: str) -> HyperVError:
    return HyperVError(
        f"Hyper-V encountered an error trying to access an object on computer '{computer}' because the object was not "
        "found. The object might have been deleted, or you might not have permission to perform the task. Verify that "
        "the Virtual Machine Management service on the computer is running.",
        Identifier.OBJECT_NOT_FOUND,
    )


def invalid_path(path: str) -> HyperVError:
    return HyperVError(
        f"The path '{path}' is not valid. Specify a fully qualified path.",  # assumed wording
        Identifier.INVALID_PARAMETER,
    )


def vm_not_found(name: str) -> HyperVError:
    return HyperVError(
        f'Hyper-V was unable to find a virtual machine with name "{name}".', Identifier.INVALID_PARAMETER
    )


def vm_id_not_found(vm_id: str) -> HyperVError:
    return HyperVError(
        f'Hyper-V was unable to find a virtual machine with id "{vm_id}".',  # assumed: worded as for a name
        Identifier.INVALID_PARAMETER,
    )


def same_computer(source: str) -> HyperVError:
    return HyperVError(
        f"Virtual machines cannot be moved to the computer they are on ('{source}').",  # assumed wording
        Identifier.INVALID_PARAMETER,
    )


def no_destination() -> HyperVError:
    return HyperVError("No destination is given for any of the files.", Identifier.INVALID_PARAMETER)  # assumed


def names_differ() -> HyperVError:
    return HyperVError(
        "The virtual hard disk name must be identical in SourceFilePath and DestinationFilePath.",  # assumed
        Identifier.INVALID_PARAMETER,
    )


@dataclass(eq=False)
class ClusterError(Exception):
    """A refusal of the cluster service: a system error code and its text."""

    code: int
    text: str

    def __str__(self) -> str:
        return f"{self.text} (0x{0x80070000 | self.code:08X})"


NOT_A_POSSIBLE_OWNER = ClusterError(
    5016,
    "The operation failed because either the specified cluster node is not the owner of the group, or the node is not "
    "a possible owner of the group",
)
INVALID_STATE = ClusterError(
    5023, "The group or resource is not in the correct state to perform the requested operation"
)
NO_SUCH_NODE = ClusterError(5042, "The cluster node was not found")
NODE_DOWN = ClusterError(5050, "The cluster node is down")
NODE_NOT_PAUSED = ClusterError(5058, "The cluster node is not paused")
NODE_PAUSED = ClusterError(5070, "The cluster node is paused")
GROUP_MOVING = ClusterError(5908, "The group is unable to accept the request since it is moving to another node")
LOCKED = ClusterError(5960, "The operation did not complete because the group is locked")  # assumed code and text
APART = ClusterError(
    5966, "The requested operation cannot be completed because of an anti-affinity rule between cluster groups"
)
