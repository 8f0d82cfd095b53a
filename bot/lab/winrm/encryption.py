"""WinRM's message encryption: the MIME form around wrapped messages (MS-WSMV 2.2.9.1)."""

from __future__ import annotations

import re
import struct
from typing import Protocol

ENCRYPTED_TYPES = frozenset({"multipart/encrypted", "multipart/x-multi-encrypted"})
PROTOCOLS = {"Negotiate": "SPNEGO", "Kerberos": "Kerberos", "CredSSP": "CredSSP"}
"""WWW-Authenticate's scheme -> the name in the MIME type."""

_BOUNDARY = b"--Encrypted Boundary"
_PART = re.compile(rb"--\s*Encrypted Boundary\r\n")  # some clients put a blank after the dashes
_CONTENT = b"\tContent-Type: application/octet-stream\r\n"
_CREDSSP_CHUNK_BYTES = 16384  # one TLS record; a longer message goes in several parts


class SecurityContext(Protocol):
    """The part of a pyspnego context that is used here."""

    def wrap_winrm(self, data: bytes) -> tuple[bytes, bytes, int]: ...

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes: ...


def decrypt(context: SecurityContext, body: bytes) -> bytes:
    """The message in a multipart body. Raises ValueError if it is none, SpnegoError if the context does not fit."""
    message = b""
    contents = [part for part in _PART.split(body) if part.startswith(_CONTENT)]
    if not contents:
        raise ValueError("no encrypted part")
    for part in contents:
        data = part.removeprefix(_CONTENT).removesuffix(_BOUNDARY + b"--\r\n")
        if len(data) < 4:
            raise ValueError("an encrypted part without length")
        length = struct.unpack("<i", data[:4])[0]
        message += context.unwrap_winrm(data[4 : 4 + length], data[4 + length :])
    return message


def encrypt(context: SecurityContext, scheme: str, message: bytes) -> tuple[str, bytes]:
    """Content-Type and body."""
    protocol = f"application/HTTP-{PROTOCOLS[scheme]}-session-encrypted"
    chunk_bytes = _CREDSSP_CHUNK_BYTES if scheme == "CredSSP" else max(1, len(message))
    chunks = [message[at : at + chunk_bytes] for at in range(0, len(message), chunk_bytes)]
    parts = b"".join(_part(context, protocol, chunk) for chunk in chunks)
    kind = "multipart/x-multi-encrypted" if len(chunks) > 1 else "multipart/encrypted"
    return f'{kind};protocol="{protocol}";boundary="Encrypted Boundary"', parts + _BOUNDARY + b"--\r\n"


def _part(context: SecurityContext, protocol: str, chunk: bytes) -> bytes:
    header, wrapped, padding_bytes = context.wrap_winrm(chunk)
    length = len(chunk) + padding_bytes
    return (
        _BOUNDARY
        + f"\r\n\tContent-Type: {protocol}\r\n".encode()
        + f"\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n".encode()
        + _BOUNDARY
        + b"\r\n"
        + _CONTENT
        + struct.pack("<i", len(header))
        + header
        + wrapped
    )
