"""The catalogue: Kerberos's refusals, between the hosts and between Ferry and a host.

SSPI's codes and texts: winerror.h. Those that also mean something about delegation stand with the machines.
"""

from __future__ import annotations

from bot.core.faults.known import C, Known, T

_CLOCKS = "Set the clocks of Ferry's machine, of the hosts and of the domain controllers by one time source"

ENTRIES = (
    Known(
        "no_such_principal",
        C,
        "the domain knows no service principal name like the one that was asked for",
        "Address the host by its full name; setspn -Q host/<name> has to show its computer account",
        hresults=("0X80090303",),
        english=r"specified target is unknown or unreachable",
    ),
    Known(
        "logon_denied",
        C,
        "the domain did not take the account or its password",
        "Check the account's name, its password, and that it is neither disabled nor locked nor expired",
        hresults=("0X8009030C",),
        english=r"the logon attempt failed",
    ),
    Known(
        "ticket_expired",
        T,
        "a Kerberos ticket has expired",
        "Ask again; where Ferry uses the ticket of its own account, renew that (`kinit`), or give it a keytab",
        hresults=("0X80090317",),
        english=r"context has expired and can no longer be used",
    ),
    Known(
        "clocks_apart",
        C,
        "clocks differ by more than Kerberos takes, five minutes as a rule",
        _CLOCKS,
        hresults=("0X80090324",),
        english=r"clocks on the client and server machines are skewed",
    ),
    Known(
        "no_common_encryption",
        C,
        "the domain and the computer that asks share no kind of encryption for Kerberos",
        "Compare msDS-SupportedEncryptionTypes of the account and of the host with what the other side permits",
        hresults=("0X80090342",),
        english=r"encryption type requested is not supported by the KDC",
    ),
)
