"""What hosts say about the way to each other: network, cluster, remote management."""

from __future__ import annotations

from bot.core.faults.known import C, Known, T, U

_PORT = "From the source: Test-NetConnection <destination> -Port 6600; on the destination: Get-VMHost, Get-Service vmms"

ENTRIES: tuple[Known, ...] = (
    # Network between the hosts
    Known(
        "connection_refused",
        T,
        "the destination refused the migration connection: its listener is not up, or a firewall answers",
        f"{_PORT}; Enable-VMMigration if migration is off",
        hresults=("0X8007274D",),
        english=r"actively refused it",
    ),
    Known(
        "no_connection",
        T,
        "the destination did not answer on the migration network",
        _PORT,
        hresults=("0X8007274C",),
        english=r"connected party did not properly respond",
    ),
    Known(
        "connection_broken",
        U,
        "the connection between the hosts broke during the migration",
        "Look at both hosts first; then check the destination's management service and network",
        hresults=("0X80072746",),
        english=r"forcibly closed by the remote host",
    ),
    Known(
        "data_timeout",
        U,
        "data between the hosts did not arrive in time",
        "Look at both hosts first; then check load, packet loss and jumbo frames on the migration network",
        hresults=("0X800705B4",),
        english=r"the timeout period expired",
    ),
    Known(
        "socket_forbidden",
        C,
        "a firewall or virus scanner on a host forbids the migration connection",
        "Allow vmms.exe and TCP port 6600 on both hosts",
        hresults=("0X8007271D",),
        english=r"forbidden by its access permissions",
    ),
    Known(
        "share_unreachable",
        C,
        "the source cannot reach the destination's share for storage (SMB)",
        "From the source: Test-NetConnection <destination> -Port 445; check name resolution",
        hresults=("0X80070035",),
        english=r"network path was not found",
    ),
    Known(
        "missing_share",
        C,
        "the server has no share of that name",
        "Get-SmbShare on the server; check the path",
        hresults=("0X80070043",),
    ),
    Known(
        "no_migration_network",
        C,
        "the destination takes no migrations on any network",
        "At the destination: Set-VMHost -UseAnyNetworkForMigration $true, or Add-VMMigrationNetwork <subnet>",
        english=r"no network for virtual machine migrations",
    ),
    Known(
        "listener_closed",
        C,
        "the host has closed its migration listener",
        "On that host: gpupdate /force, then Enable-VMMigration",
        english=r"disabled the listener for virtual machine migration",
    ),
    Known(
        "cluster_network",
        C,
        "no cluster network is available between the hosts",
        "Get-ClusterNetwork; allow cluster communication on one that both hosts share",
        hresults=("0X000013AB",),
        english=r"cluster network isn't available",
        numbers=(5035,),
    ),
    # Failover cluster
    Known(
        "possible_owner",
        C,
        "the destination is not a possible owner of the clustered VM",
        "Get-ClusterResource | Get-ClusterOwnerNode; add the node to the possible owners",
        hresults=("0X80071398",),
        english=r"not a possible owner",
        numbers=(5016,),
    ),
    Known(
        "cluster_service",
        C,
        "the cluster service does not run on the host",
        "Start-Service ClusSvc on it, or ask another node",
        identifiers=("ClusterEndpointNotRegistered",),
        english=r"cluster service is not running",
    ),
    Known(
        "role_state",
        C,
        "the cluster's role of the VM is not in a state for this: off, or not moving any more",
        "Get-ClusterGroup on a node shows its state; a VM that is off moves quickly, not live",
        hresults=("0X8007139F", "0X0000139F"),
        english=r"not in the correct state to perform the requested operation",
        numbers=(5023,),
    ),
    Known(
        "node_not_up",
        C,
        "the destination is paused, down, or no node of the cluster",
        "Get-ClusterNode shows the nodes; choose one that is up, or resume it",
        hresults=("0X800713CE", "0X800713BA", "0X800713B2"),
        english=r"cluster node is (paused|down)|cluster node was not found",
    ),
    Known(
        "role_moving",
        T,
        "the cluster is moving the VM already",
        "Wait for its end: Get-ClusterGroup on a node shows it",
        hresults=("0X80071714",),
        english=r"it is moving to another node",
    ),
    Known(
        "kept_apart",
        C,
        "a rule of the cluster keeps the VM apart from one that is on that node",
        "Choose another node. Get-ClusterGroup | Select Name, AntiAffinityClassNames shows who avoids whom; "
        "(Get-Cluster).ClusterEnforcedAntiAffinity whether that is enforced",
        hresults=("0X8007174E",),  # ERROR_CLUSTER_AFFINITY_CONFLICT
        english=r"anti-affinity rule",
        numbers=(5966,),
    ),
    Known(
        "cluster_storage",
        C,
        "the files of a clustered VM may lie on the cluster's shared volumes and on shares only",
        "Choose a path under C:\\ClusterStorage or on a share; `cluster` shows the shared volumes",
        english=r"not storage that the cluster",  # assumed
    ),
    Known(
        "clustered",
        C,
        "the VM is clustered",
        "Move it with Move-ClusterVirtualMachineRole, or take its role out of the cluster first",
        english=r"clustered virtual machine|virtual machine is clustered",
    ),
    Known(
        "migration_disabled",
        C,
        "live migration is switched off on one of the hosts",
        "On both hosts: Enable-VMMigration",
        english=r"migrations? (is|are) (disabled|not enabled)",
    ),
    Known(
        "admin_center",
        U,
        "Windows Admin Center lacks its own cluster resource; the cluster itself is not concerned",
        "Use the cluster's cmdlets, or Ferry",
        english=r"failed to find sddc management resource",
    ),
    # From the source's own session to the destination
    Known(
        "no_domain_controller",
        T,
        "no domain controller answered",
        "Check the host's name resolution, its clock and its way to a domain controller",
        hresults=("0X80090311",),
        english=r"no logon servers available",
    ),
    Known(
        "unknown_computer",
        C,
        "the source cannot find the destination by its name",
        "Check name resolution on the source; the destination's full name has to resolve there",
        english=r"cannot find the computer",
    ),
    Known(
        "wmi_quota",
        T,
        "the host's management interface (WMI) is out of quota",
        "Ask again; if it stays, have WMI looked at on that host",
        hresults=("0X8004106C",),
    ),
    Known(
        "remote_management",
        T,
        "the destination's remote management did not answer the source",
        "On the destination: winrm quickconfig; open TCP 5985 or 5986 between the hosts",
        english=r"cannot connect to the destination specified in the request",
        numbers=(20406, 280),
    ),
    Known(
        "untrusted_way",
        C,
        "the source does not trust the way to the destination's remote management",
        "Use full names and Kerberos, or HTTPS between the hosts",
        english=r"trustedhosts configuration setting",
    ),
    Known(
        "endpoint_access",
        C,
        "the account may not enter the session configuration of the host's remote management",
        "On the host: Get-PSSessionConfiguration, and RoleDefinitions in the file of the endpoint made for Ferry; "
        "`configuration` in Ferry's settings names that endpoint",
        english=r"\A(connecting to remote server .{0,200})?access is denied\.?\Z",
        numbers=(5,),
    ),
)
