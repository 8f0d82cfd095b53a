"""What hosts say about rights, the VM and themselves."""

from __future__ import annotations

from bot.core.faults.known import C, Known, Q, T, U

_DELEGATE = (
    "On both hosts: Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos. In Active Directory: delegate cifs "
    "and Microsoft Virtual System Migration Service from source to destination, with any authentication protocol. "
    "Then on the source: klist purge -li 0x3e7, and wait 15 minutes"
)
_MEMORY = "Choose another host, or free memory there: compare the VM's memory with the free memory in `hosts`"
EVENTS = "Read Microsoft-Windows-Hyper-V-VMMS-Admin in the event logs of both hosts"
_WAIT = "Wait until the VM's status is only OK (backup, checkpoint or merge done), then ask again"
_RIGHTS = "Add Ferry's account to Hyper-V Administrators on both hosts"

ENTRIES: tuple[Known, ...] = (
    # Authentication and rights
    Known(
        "no_credentials",
        C,
        "the source host has no credentials that it may use at the destination: delegation is not set up",
        _DELEGATE,
        hresults=("0X8009030E", "0X8009030D"),
        english=r"no credentials are available in the security package|no suitable credentials available",
        numbers=(20306,),
    ),
    Known(
        "logon_type",
        C,
        "the virtual machine's account may not log on as a service at the destination",
        "Give NT VIRTUAL MACHINE\\Virtual Machines the right 'Log on as a service' in the group policy, then on the "
        "destination: gpupdate /force",
        hresults=("0X80070569",),
        english=r"has not been granted the requested logon type",
    ),
    Known(
        "account_restriction",
        C,
        "an account restriction stops the virtual machine's own identity",
        "Look at the group policy's account restrictions for NT VIRTUAL MACHINE on both hosts",
        hresults=("0X8007052F",),
    ),
    Known(
        "target_principal",
        C,
        "a service principal name belongs to another account, or exists twice",
        "setspn -L <host> and setspn -X; address hosts by their full names; check the order of migration networks",
        hresults=("0X80090322",),
        english=r"target principal name is incorrect",
    ),
    Known(
        "access_denied_between_hosts",
        C,
        "access was denied between the hosts or to the storage",
        "Check delegation and service principal names; give both hosts' computer accounts full control on the share",
        hresults=("0X80070005",),
        english=r"general access denied error",
    ),
    Known(
        "no_right",
        C,
        "Ferry's account has no right to do this",
        _RIGHTS,
        identifiers=("AccessDenied",),
        english=r"do not have the required permission to complete this task",
        numbers=(32769,),
    ),
    Known(
        "object_not_found",
        T,
        "the management service is stopped or starting, the VM has just gone, or rights are missing",
        f"Get-Service vmms on the host. {_RIGHTS}",
        english=r"because the object was not found",
        kinds=("ObjectNotFound",),
        numbers=(32779, 32789),
    ),
    Known(
        "account_mapping",
        C,
        "the VM was created by an account that no longer exists",
        "Update the hosts; a quick migration of the VM works meanwhile",
        hresults=("0X80070534",),
        english=r"no mapping between account names and security ids",
        numbers=(1106,),
    ),
    Known(
        "virtual_tpm",
        C,
        "the destination cannot unwrap the VM's virtual TPM",
        "Export the Shielded VM Local Certificates with their keys from the source and import them at the destination",
        hresults=("0X80070057",),
        english=r"key protector .* could not be unwrapped|virtual tpm device.{0,80}not compatible with device",
    ),
    # Compatibility and configuration
    Known(
        "missing_switch",
        C,
        "the destination has no virtual switch of that name",
        "Create or rename the switch at the destination: New-VMSwitch, Rename-VMSwitch",
        english=r"could not find ethernet switch",
        numbers=(33012, 21125, 21502),
    ),
    Known(
        "disconnected_switch",
        C,
        "the VM is connected to a switch that does not reach the network",
        "Connect the VM to an external switch on both hosts",
        english=r"disconnected vm switch",
    ),
    Known(
        "processor_features",
        C,
        "the processors of the hosts differ for this VM",
        "With the VM off: Set-VMProcessor -CompatibilityForMigrationEnabled $true; align firmware and microcode; "
        "compare Get-SpeculationControlSettings on both hosts",
        english=r"processor-specific features|not compatible with the hardware requirements",
        numbers=(21502,),
    ),
    Known(
        "missing_media",
        C,
        "an ISO or disk that the VM uses cannot be opened at the destination",
        "Eject it: Set-VMDvdDrive -VMName <vm> -Path $null",
        hresults=("0XC03A0014",),
        english=r"virtual disk support provider for the specified file was not found|\.iso.{0,40}failed to open",
        numbers=(40010,),
    ),
    Known(
        "configuration_version",
        C,
        "the destination does not support the VM's configuration version",
        "Get-VMHostSupportedVersion on the destination; choose a host with a newer Windows",
        english=r"configuration version .{0,160}not supported",
        numbers=(10698, 21502),
    ),
    Known(
        "shared_disk",
        C,
        "the VM has a shared virtual disk",
        "Detach the shared disk first; shared disks belong to clustered VMs only",
        english=r"can only be used in clustered vm roles",
    ),
    Known(
        "saved_state",
        C,
        "the VM's saved state cannot be read on this host",
        "Resume the VM on the host that saved it. Remove-VMSavedState loses the saved memory: ask the VM's owner first",
        hresults=("0XC0370027",),
        english=r"saved state data cannot be read",
    ),
    Known(
        "configuration_path",
        C,
        "the VM's configuration path does not exist at the destination",
        "Align the hosts' drive letters, or give a path: … with storage at <path>",
        english=r"failed to register the configuration",
        numbers=(20413,),
    ),
    Known(
        "computer_name_case",
        C,
        "the hosts disagree about their computer names",
        "Set the host's registry value ComputerName in upper case (Windows Server 2019, SMB migration)",
        hresults=("0X80042001", "0X8007000D"),
    ),
    Known(
        "share_lock",
        C,
        "the storage of the share refused a lock",
        "Check opportunistic locks on the share (seen with NetApp)",
        hresults=("0X80048054", "0X8007003B"),  # ERROR_UNEXP_NET_ERR
        numbers=(59,),
    ),
    Known(
        "physical_disk",
        C,
        "the VM uses a physical disk of its host",
        "Replace the physical disk by a virtual one first",
        english=r"attached to a physical disk",
    ),
    Known(
        "missing_path",
        C,
        "a path does not exist there",
        "Create the folder or choose a drive that exists: `hosts` shows the volumes",
        hresults=("0X80070003",),
    ),
    Known(
        "file_exists",
        C,
        "a file of that name is already there",
        "Move the old file away, or choose another path",
        hresults=("0X80070050",),
    ),
    # Capacity and limits
    Known(
        "small_allocations",
        C,
        "live migrations of VMs with dynamic memory wait for ever (Azure Local 22H2 to 23H2)",
        "On the hosts, then restart them: Set-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Services\\Vid\\Parameters "
        "SkipSmallLocalAllocations 0",
    ),
    Known(
        "storage_limit",
        Q,
        "the host is at its limit of simultaneous storage migrations",
        "Wait for a running one to end, or raise it: Set-VMHost -MaximumStorageMigrations",
        english=r"maximum storage migration limit",
        numbers=(23007,),
    ),
    Known(
        "live_limit",
        Q,
        "the host is at its limit of simultaneous live migrations",
        "Wait for a running one to end, or raise it: Set-VMHost -MaximumVirtualMachineMigrations",
        english=r"migration limit .{0,20}was reached",
        numbers=(21501,),
    ),
    Known(
        "memory",
        Q,
        "the destination has not enough free memory",
        _MEMORY,
        identifiers=("OutOfMemory",),
        hresults=("0X8007000E", "0X800705AA"),
        english=r"could not initialize memory|insufficient system resources exist|not enough memory",
        numbers=(32778,),
    ),
    Known(
        "storage_full",
        Q,
        "the destination's storage is full",
        "Free space there, or choose another path",
        hresults=("0X80070070",),  # ERROR_DISK_FULL
        english=r"not enough space on the disk",
    ),
    # The course and the outcome of a migration
    Known(
        "long_blackout",
        U,
        "the migration succeeded, but the VM stood still for long: a slow or loaded network, or much memory written",
        "Nothing for this VM; give migrations a faster network, or fewer at a time",
        english=r"unexpectedly long blackout time",
        numbers=(20417,),
    ),
    Known(
        "failed_at_source",
        U,
        "the migration failed; this event only marks that, and others beside it say why",
        f"{EVENTS}, around the same second: 21502, 20306, 20413. If the VM lost its network: ipconfig /renew in it",
        numbers=(21024,),
    ),
    Known(
        "headline",
        U,
        "the headline of the Hyper-V Manager's wizard; the cause stands below it",
        f"Read the whole dialog. {EVENTS}",
        english=r"there was an error during move operation",
    ),
    # The state of the VM
    Known(
        "cancelled",
        C,
        "somebody stopped the migration",
        "Look where the VM is: `where <vm>`; ask again if it should move after all",
        hresults=("0X800704C7",),  # ERROR_CANCELLED
    ),
    Known(
        "no_such_vm",
        U,
        "the host does not know that VM, or not any more",
        "Look where the VM is: `where <vm>`",
        identifiers=("InvalidParameter,getvm",),
        english=r"unable to find a virtual machine",
    ),
    Known(
        "invalid_value",
        C,
        "the host does not accept one of the values it was given",
        "Read the host's words; check the path and the destination's name",
        kinds=("InvalidParameter",),
        numbers=(32773,),
    ),
    Known(
        "wrong_state",
        T,
        "the VM's present state does not allow it",
        "Look at the VM's state: `where <vm>`, then ask again",
        identifiers=("InvalidState",),
        english=r"cannot be performed while the virtual machine is in its current state",
        numbers=(32775,),
    ),
    Known(
        "in_use",
        T,
        "another operation holds the VM",
        _WAIT,
        identifiers=("ObjectInUse",),
        english=r"while the object is in use",
        numbers=(32774,),
    ),
    Known(
        "host_time_limit",
        U,
        "the host's own time limit passed; it may still be working",
        "Look at both hosts before anything else",
        identifiers=("OperationTimeout",),
        numbers=(32772,),
    ),
    Known(
        "not_supported",
        C,
        "the host does not support this operation",
        EVENTS,
        identifiers=("NotSupported",),
        numbers=(32770,),
    ),
    Known(
        "restart_required",
        C,
        "the host has to be restarted first",
        "Restart the host, then ask again",
        identifiers=("RebootRequired",),
        numbers=(32783,),
    ),
    Known(
        "no_such_object",
        T,
        "the object is not there any more",
        "Look where the VM is: `where <vm>`",
        hresults=("0X80041002",),
    ),
)
