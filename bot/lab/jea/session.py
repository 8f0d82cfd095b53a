"""Entering an endpoint: which roles a user has there. What the file says of identity and transcripts has no effect."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.lab.jea.data_file import Malformed, read_data_file
from bot.lab.jea.role import Role

_KNOWN = frozenset(
    {"SchemaVersion", "GUID", "Author", "Description", "SessionType", "LanguageMode", "TranscriptDirectory"}
    | {"RunAsVirtualAccount", "GroupManagedServiceAccount", "RoleDefinitions"}
)


class NotAllowed(Exception):
    """The endpoint has no role for this user."""


def enter(session: str, roles: Mapping[str, str], groups: Collection[str]) -> Role:
    """What the session shows to a member of these groups.

    Args:
        session: the text of the .pssc file.
        roles: the texts of the .psrc files on the host, by file name without extension.
        groups: as `DOMAIN\\name`; the user's own name counts as one.

    Raises:
        Malformed: a file is not written as these files are, or says what is not known here.
        NotAllowed: no role is for any of the groups.
    """
    content = read_data_file(session)
    if unknown := content.keys() - _KNOWN:
        raise Malformed(f"a session configuration's {', '.join(sorted(unknown))} is not known here")
    if content.get("SessionType") != "RestrictedRemoteServer" or content.get("LanguageMode") != "NoLanguage":
        raise Malformed("only RestrictedRemoteServer in NoLanguage mode is known here")
    if bool(content.get("RunAsVirtualAccount")) == bool(content.get("GroupManagedServiceAccount")):
        raise Malformed("a session runs as a virtual account or as a group managed service account")
    definitions = content.get("RoleDefinitions")
    members = {group.casefold() for group in groups}
    entries = [
        entry["RoleCapabilities"]
        for group, entry in (definitions.items() if isinstance(definitions, dict) else ())
        if group.casefold() in members and isinstance(entry, dict)
    ]
    if not entries:
        raise NotAllowed("access is denied")
    names = [str(name) for entry in entries for name in (entry if isinstance(entry, list) else [entry])]
    if missing := [name for name in names if name not in roles]:
        raise Malformed(f"could not find the role capability {missing[0]}")
    return Role(read_data_file(roles[name]) for name in dict.fromkeys(names))
