"""Functions of the role that take a cmdlet's name, where a list of parameters would allow too much.

A function goes before a cmdlet of the same name (about_Command_Precedence), so Ferry sends the same pipelines to an
endpoint with the role and to one without. Each does one thing for Ferry and passes on nothing that it has not checked.

Facts:
1. The body of a role's function runs in full language and may call what the session does not show, best by its
   module's name, so that no proxy of the session answers (Microsoft Learn, JEA Role Capabilities).
2. RestrictedRemoteServer brings a Select-Object of its own: -InputObject, and -Property for eleven names. A role that
   lists Select-Object only wraps that one again. Function definitions are added after it and replace it (PowerShell
   source, DISCPowerShellConfiguration.GetInitialSessionState). Not verified on a host.
3. Invoke-CimMethod takes any instance that a client sends, and its -Arguments cannot be checked: with it a client could
   switch off every VM. So this one takes nothing from its input but a job's GUID, and reads the job itself.
4. Remove-VM removes any VM that is off. So this one removes planned VMs only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bot.hyperv.cmdlets import INVOKE_CIM_METHOD, REMOVE_VM, SELECT_OBJECT, VIRTUALIZATION, Cmdlet
from bot.hyperv.jea.data_file import Script, quote


def _choices(cmdlet: Cmdlet, name: str) -> str:
    parameter = next(one for one in cmdlet.parameters if one.name == name)
    return ", ".join(quote(one) if isinstance(one, str) else str(one) for one in parameter.choices)


def _select_object(cmdlet: Cmdlet) -> str:
    return f"""{{
    # One property of an object of this host: what Compare-VM reports arrives flattened otherwise.
    [CmdletBinding()]
    param(
        [Parameter(Mandatory = $true, ValueFromPipeline = $true)] $InputObject,
        [Parameter(Mandatory = $true)] [ValidateSet({_choices(cmdlet, "ExpandProperty")})] [string] $ExpandProperty
    )
    process {{
        Microsoft.PowerShell.Utility\\Select-Object -InputObject $InputObject -ExpandProperty $ExpandProperty
    }}
}}"""


def _invoke_cim_method(cmdlet: Cmdlet) -> str:
    return f"""{{
    # Asks a migration job of this host to end. Nothing of the object sent is used but the job's id.
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, ValueFromPipeline = $true)] $InputObject,
        [Parameter(Mandatory = $true)] [ValidateSet({_choices(cmdlet, "MethodName")})] [string] $MethodName,
        [Parameter(Mandatory = $true)] [System.Collections.IDictionary] $Arguments
    )
    process {{
        $state = $Arguments['RequestedState']
        if ($Arguments.Count -ne 1 -or @({_choices(cmdlet, "Arguments")}) -notcontains $state) {{
            throw 'This endpoint takes -Arguments @{{ RequestedState = {_choices(cmdlet, "Arguments")} }} and no other.'
        }}
        $id = ([guid] $InputObject.InstanceID).ToString().ToUpperInvariant()
        $job = @{{ Namespace = '{VIRTUALIZATION}'; ClassName = 'Msvm_MigrationJob'; Filter = "InstanceID='$id'" }}
        $order = @{{ MethodName = $MethodName; Arguments = @{{ RequestedState = [uint16] $state }} }}
        CimCmdlets\\Get-CimInstance @job | CimCmdlets\\Invoke-CimMethod @order -Confirm:$false
    }}
}}"""


def _remove_vm(_: Cmdlet) -> str:
    return """{
    # Removes what a comparison leaves at a destination. A VM that exists is never removed here.
    [CmdletBinding(SupportsShouldProcess = $true)]
    param(
        [Parameter(Mandatory = $true, ValueFromPipeline = $true)] $VM,
        [switch] $Force
    )
    process {
        if ($VM -isnot [Microsoft.HyperV.PowerShell.VirtualMachine] -or
            $VM.VirtualMachineType.ToString() -ne 'PlannedVirtualMachine') {
            throw 'This endpoint removes planned virtual machines only.'
        }
        Hyper-V\\Remove-VM -VM $VM -Force:$Force -Confirm:$false
    }
}"""


_BODIES: Final[Mapping[str, Callable[[Cmdlet], str]]] = {
    SELECT_OBJECT.name: _select_object,
    INVOKE_CIM_METHOD.name: _invoke_cim_method,
    REMOVE_VM.name: _remove_vm,
}


def function_of(cmdlet: Cmdlet) -> Script | None:
    """The body of the function that stands for this cmdlet in the role; None if its parameters can be listed."""
    body = _BODIES.get(cmdlet.name)
    return Script(body(cmdlet)) if body else None
