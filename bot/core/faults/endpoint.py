"""What an endpoint says of the question itself: cmdlets, parameters, classes and objects that it does not know."""

from __future__ import annotations

from bot.core.faults.known import B, C, Known, U

_ROLE = "Copy the role that `ferry jea` writes to the host: the one there is another version's"

ENTRIES: tuple[Known, ...] = (
    Known(
        "script_text",
        B,
        "the endpoint runs no script text, and Ferry sent some",
        "Report this to whoever keeps Ferry",
        identifiers=("ScriptsNotAllowed",),
        english=r"syntax is not supported by this runspace",
    ),
    Known(
        "missing_cmdlet",
        B,
        "the endpoint does not offer a cmdlet that Ferry needs",
        "Copy the role that `ferry jea` writes to the host, or install the module there; Get-PSSessionCapability tells",
        identifiers=("CommandNotFoundException",),
    ),
    Known(
        "missing_parameter",
        B,
        "the endpoint does not take a parameter or value that Ferry sends",
        _ROLE,
        identifiers=(
            "NamedParameterNotFound",
            "PositionalParameterNotFound",
            "MissingMandatoryParameter",
            "AmbiguousParameter",
            "AmbiguousParameterSet",
            "ParameterAlreadyBound",
            "ParameterArgumentValidationError",
            "ParameterArgumentValidationErrorNullNotAllowed",
            "ParameterArgumentValidationErrorEmptyArrayNotAllowed",
            "ParameterArgumentValidationErrorEmptyStringNotAllowed",
            "CannotConvertArgument",
            "CannotConvertArgumentNoMessage",
            "InputObjectNotBound",
            "InputObjectMissingMandatory",
            "InvalidCastParseTargetInvocation",
        ),
    ),
    Known(
        "endpoint_rule",
        B,
        "a function of the endpoint made for Ferry refuses it by its own rule",
        _ROLE,
        english=r"\Athis endpoint (takes|removes) ",
    ),
    Known(
        "asks_a_person",
        C,
        "a cmdlet asks whether it may go on, and nobody is there to answer",
        "Copy the session configuration that `ferry jea` writes to the host: nothing in it may set $ConfirmPreference",
        identifiers=("PromptForChoice",),
    ),
    Known(
        "missing_property",
        B,
        "the host's answer lacks a property that Ferry asks for",
        "Report this to whoever keeps Ferry, with the host's version of Windows",
        identifiers=("ExpandPropertyNotFound",),
    ),
    Known(
        "unknown_to_wmi",
        B,
        "the host's management interface (WMI) does not know what Ferry asks it for",
        "On the host: Get-CimClass -Namespace root\\virtualization\\v2 -ClassName Msvm_Migration*; without it, install "
        "the Hyper-V role",
        # Invalid parameter, namespace, class, query, method (WMI error constants, Microsoft Learn)
        hresults=("0X80041008", "0X8004100E", "0X80041010", "0X80041017", "0X8004102E"),
    ),
    Known(
        "no_such_service",
        C,
        "the host has no such service, as if the Hyper-V role were not installed",
        "On the host: Get-WindowsFeature Hyper-V",
        identifiers=("NoServiceFoundForGivenName",),
    ),
    Known(
        "no_such_drive",
        C,
        "the host has no volume with that drive letter",
        "On the host: Get-Volume; choose a path on a drive that it has",
        identifiers=("CmdletizationQuery_NotFound_DriveLetter",),
    ),
    Known(
        "unreadable_disk",
        C,
        "a virtual disk of the VM cannot be opened on its host",
        "On the host: Get-VHD -Path <disk>; is the file there, and does the host reach its storage?",
        identifiers=("InvalidArgument,getvhd",),
    ),
    Known(
        "no_such_cluster_object",
        U,
        "the cluster does not know, or not any more, what it was asked for: a VM's role, a node, or a parameter of one",
        "`cluster` shows what it has; Get-ClusterGroup and Get-ClusterNode on a node",
        english=r"no virtual machine role has the id|the cluster (object|node|resource type) .{0,80} was not found"
        r"|\Aunable to find parameter ",
    ),
)
