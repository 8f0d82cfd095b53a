"""The instructions that go with the files: what to type on a host, and which rights the identity needs."""

from __future__ import annotations

from bot.hyperv.jea.session import TRANSCRIPTS, Identity

_HEAD = r"""Ferry's JEA endpoint
====================

With these files Ferry's account enters a session on a Hyper-V host in which it can
do what Ferry does, and nothing else. It needs no administrator's rights of its own.
Run everything here in Windows PowerShell 5.1 as an administrator.

  Ferry.pssc                           who may enter ({group}), and as whom commands run
  Ferry\RoleCapabilities\*.psrc        the commands, their parameters and values
  Ferry\Ferry.psd1                     makes the folder a module, where PowerShell looks


1. On every host
----------------

    # the role capability, where PowerShell finds it and only administrators write
    Copy-Item .\Ferry "$Env:ProgramFiles\WindowsPowerShell\Modules" -Recurse -Force

    # transcripts: who did what, as whom; for the system and administrators only
    $folder = '{transcripts}'
    New-Item -ItemType Directory -Force $folder | Out-Null
    icacls $folder /inheritance:r /grant '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F'

    Test-PSSessionConfigurationFile .\Ferry.pssc        # says True
    Register-PSSessionConfiguration -Name Ferry -Path .\Ferry.pssc -Force

{nodes}Registering restarts WinRM: sessions on the host end, running migrations do not.
After a new version of Ferry: copy the folder again; sessions opened afterwards see it.
To register anew: Unregister-PSSessionConfiguration -Name Ferry -Force, then as above.
Never register it on a domain controller: virtual accounts are Domain Admins there.

Every session writes a transcript; nobody deletes old ones unless you do.

Every module under ModulesToImport has to be on the host, or no session opens. No other
file of the same name as one of the .psrc files may be there, for PowerShell takes
whichever it finds first. And the account must get no other role in this endpoint: where
two roles apply, everything that either allows is allowed.


2. Test
-------

    Get-PSSessionCapability -ConfigurationName Ferry -Username {group_member}

lists the commands of the .psrc files. From the machine that runs Ferry:

    ferry.toml:   [remote]
                  configuration = 'Ferry'

In a session for people, Select-Object is Ferry's own too: Import-PSSession does not work
with this endpoint, Enter-PSSession and Invoke-Command with single commands do.


3. Rights of the account that Ferry signs in with
-------------------------------------------------

Member of {group}, and of nothing else on the hosts: no administrator, no Hyper-V
administrator, no member of Remote Management Users. Entering the endpoint is granted by
its registration. It may be flagged "Account is sensitive and cannot be delegated":
nothing is delegated from it.
"""

_VIRTUAL = r"""

4. The identity that runs the commands: a virtual account
----------------------------------------------------------

Ferry.pssc says RunAsVirtualAccount: on the host the commands run as a temporary local
administrator, named WinRM Virtual Users\... in event logs and transcripts.

On the network that account is the computer account of the host. Move-VM and Compare-VM
open a connection to the destination first, so they arrive there as SOURCE$. Therefore, on
every host, for every other one:

    Add-LocalGroupMember -Group 'Hyper-V Administrators' -Member 'CONTOSO\HOST02$'

A host that is taken over can then do as Hyper-V administrator on the others what it likes.
If that is too much, generate the files with --gmsa.
"""

_SERVICE_ACCOUNT = r"""

4. The identity that runs the commands: {service_account}
---------------------------------------------------------

Every session on every host runs as this group managed service account, on the host and
on the network. Nobody knows its password. On a domain controller, once, for a group that
holds the computer accounts of all hosts:

    New-ADServiceAccount -Name {service_name} -DNSHostName {service_name}.contoso.com `
        -PrincipalsAllowedToRetrieveManagedPassword 'Hyper-V Hosts'

On every host (restart it after it became a member of the group, or purge its tickets):

    Install-ADServiceAccount {service_name}
    Test-ADServiceAccount {service_name}                  # says True
    Add-LocalGroupMember -Group 'Hyper-V Administrators' -Member '{service_account}'

Move-VM and Compare-VM reach the destination as {service_account}, which the membership
allows. Win32_OperatingSystem, Get-Volume and the migration jobs are read through WMI; if
`hosts` in chat says that access is denied, or shows no volumes, the account lacks Enable
Account or Execute Methods in root\cimv2, root\Microsoft\Windows\Storage or
root\virtualization\v2.

All of Ferry's sessions look alike on the hosts. Transcripts name the account that
connected; Ferry's own journal names the person.
"""

_DELEGATION = r"""

5. Delegation between the hosts
-------------------------------

The hosts' Virtual Machine Management services talk to each other under their own
computer accounts, whichever identity runs the command. A session of this endpoint holds no
password to hand on, so CredSSP between hosts cannot work. Every host needs

    Set-VMHost -VirtualMachineMigrationAuthenticationType Kerberos

and constrained delegation with "use any authentication protocol", for each direction that
VMs move in, here from HOST01 to HOST02:

    Get-ADComputer HOST01 | Set-ADObject -Add @{{ 'msDS-AllowedToDelegateTo' =
        'Microsoft Virtual System Migration Service/HOST02',
        'Microsoft Virtual System Migration Service/HOST02.contoso.com',
        'cifs/HOST02', 'cifs/HOST02.contoso.com' }}
    Set-ADAccountControl (Get-ADComputer HOST01) -TrustedToAuthForDelegation $true

It takes effect with a new ticket: wait 15 minutes, or `klist purge -li 0x3e7` on HOST01.
VMs on SMB shares: share and folder rights for the computer accounts of all hosts.


6. What was not tried on a real host
------------------------------------

These files were made from Microsoft's documentation and PowerShell's source, and are
enforced as those say by Ferry's simulated hosts. Not tried are: a live migration that is
started from a virtual account or a group managed service account, end to end; whether a
member of Hyper-V Administrators who is no administrator can read Win32_OperatingSystem,
MSFT_Volume and Msvm_MigrationJob; and that Ferry.psrc's own Select-Object, Invoke-CimMethod
and Remove-VM stand before the ones they replace. Move a VM that may fail first.
"""


_NODES = r"""On the nodes of failover clusters register Ferry-cluster-node.pssc instead, under the same
name: it adds the commands of the module FailoverClusters, which other hosts do not have.

"""


def render_instructions(identity: Identity, *, nodes: bool) -> str:
    """README.txt; lines end as in the other files.

    Args:
        nodes: whether cluster nodes have a session configuration of their own.
    """
    account = identity.service_account
    text = _HEAD + (_SERVICE_ACCOUNT if account else _VIRTUAL) + _DELEGATION
    return text.format(
        transcripts=TRANSCRIPTS,
        nodes=_NODES if nodes else "",
        group=identity.group,
        group_member=identity.group.partition("\\")[0] + "\\<account>",
        service_account=account,
        service_name=account.partition("\\")[2].removesuffix("$") if account else "",
    )
