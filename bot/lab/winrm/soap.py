"""WSMan envelopes: requests read, answers written.

Facts
1. Header and body shapes: MS-WSMV 2.2.4, and the recordings of Windows Server traffic in pypsrp's test suite.
2. Windows answers a WSMan fault with HTTP 500.
"""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import defusedxml
from defusedxml.ElementTree import fromstring

SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
POWERSHELL = "http://schemas.microsoft.com/powershell"
_ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"
_ENVELOPE_NAMESPACES = {
    "s": "http://www.w3.org/2003/05/soap-envelope",
    "a": "http://schemas.xmlsoap.org/ws/2004/08/addressing",
    "w": "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd",
    "p": "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd",
    "rsp": SHELL,
    "n": "http://schemas.xmlsoap.org/ws/2004/09/enumeration",
    "x": "http://schemas.xmlsoap.org/ws/2004/09/transfer",
}
_NAMESPACES = {**_ENVELOPE_NAMESPACES, "pwsh": POWERSHELL}
_DECLARATIONS = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _ENVELOPE_NAMESPACES.items())
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?")


class Unreadable(Exception):
    """The body is not a WSMan request: no XML, unsafe XML, or something required is missing."""


@dataclass(frozen=True)
class Request:
    """One WSMan request.

    Attributes:
        action: last segment of the action URI: "Create", "Receive".
        timeout_s: OperationTimeout: how long the client waits for this answer.
        max_envelope_bytes: how large the answer may be.
    """

    action: str
    action_uri: str
    message_id: str
    resource_uri: str
    session_id: str
    timeout_s: float
    max_envelope_bytes: int
    selectors: Mapping[str, str]
    body: Element

    def find(self, path: str) -> Element | None:
        return self.body.find(path, _NAMESPACES)

    def require(self, path: str) -> Element:
        element = self.find(path)
        if element is None:
            raise Unreadable(f"{self.action} has no {path}")
        return element

    def payload(self, path: str) -> bytes:
        """The base64 content of an element."""
        return decoded(self.require(path))


def decoded(element: Element) -> bytes:
    try:
        return base64.b64decode(element.text or "", validate=True)
    except binascii.Error as error:
        raise Unreadable(f"{element.tag} is not base64") from error


def identifier(text: str | None) -> uuid.UUID:
    try:
        return uuid.UUID(text or "")
    except ValueError as error:
        raise Unreadable(f"{text!r} is not a GUID") from error


def read_duration(text: str) -> float:
    """Seconds of an xs:duration without years and months."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise Unreadable(f"{text!r} is not a duration")
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def parse(data: bytes) -> Request:
    """Read one request. Raises Unreadable; entities, DTDs and external references count as unreadable."""
    try:
        root: Element = fromstring(data, forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException) as error:
        raise Unreadable(str(error)) from error
    head, body = root.find("s:Header", _NAMESPACES), root.find("s:Body", _NAMESPACES)
    if head is None or body is None:
        raise Unreadable("not a SOAP envelope")
    action_uri = _text(head, "a:Action")
    return Request(
        action=action_uri.rsplit("/", 1)[-1],
        action_uri=action_uri,
        message_id=_text(head, "a:MessageID"),
        resource_uri=_text(head, "w:ResourceURI"),
        session_id=_text(head, "p:SessionId"),
        timeout_s=read_duration(_text(head, "w:OperationTimeout", "PT60S")),  # DSP0226: the service chooses a default
        max_envelope_bytes=int(_text(head, "w:MaxEnvelopeSize", "153600")),
        selectors={
            each.get("Name", ""): each.text or "" for each in head.findall("w:SelectorSet/w:Selector", _NAMESPACES)
        },
        body=body,
    )


def _text(head: Element, path: str, default: str = "") -> str:
    return head.findtext(path, default, _NAMESPACES)


def envelope(action_uri: str, relates_to: str, body: str) -> bytes:
    """An answer. `body` is XML; the rest is escaped here."""
    return (
        f'<s:Envelope xml:lang="en-US" {_DECLARATIONS}><s:Header><a:Action>{escape(action_uri)}</a:Action>'
        f"<a:MessageID>uuid:{str(uuid.uuid4()).upper()}</a:MessageID><a:To>{_ANONYMOUS}</a:To>"
        f"<a:RelatesTo>{escape(relates_to)}</a:RelatesTo></s:Header><s:Body>{body}</s:Body></s:Envelope>"
    ).encode()


def reply(request: Request, body: str = "") -> bytes:
    return envelope(f"{request.action_uri}Response", request.message_id, body)
