"""Who is at the other end of one TCP connection: Basic, Negotiate (NTLM, Kerberos), CredSSP, a client certificate.

Facts
1. WinRM ties a security context to the connection: it is gone with the socket, and a client that goes on using the old
   one on a new connection gets HTTP 400.
2. NTLM comes under the scheme Negotiate, bare or inside SPNEGO; Windows offers no scheme of its own for it.
3. Over TLS the acceptor expects channel bindings (RFC 5929, tls-server-end-point), as a host hardened with
   CbtHardeningLevel Strict does (Microsoft Learn, "Installation and configuration for WinRM").
4. A client certificate is announced by an Authorization header with a URI (MS-WSMV, profile https/mutual).
5. With the Kerberos libraries, what they refuse also comes as gssapi's own error, and a ticket that was refused as an
   AttributeError: pyspnego 0.12 asks for the flags of a context that there is none of.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Collection

import spnego
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import GSSError, SpnegoError

from bot.lab.winrm import encryption
from bot.lab.winrm.accounts import Accounts

_MUTUAL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/secprofile/https/mutual"
_GSSAPI = () if GSSError is Exception else (GSSError,)  # what pyspnego calls it where gssapi is missing
_REFUSED: tuple[type[Exception], ...] = (SpnegoError, *_GSSAPI, AttributeError)  # fact 5
_BROKEN: tuple[type[Exception], ...] = (SpnegoError, *_GSSAPI, ValueError)
SCHEMES = ("Negotiate", "Basic", "CredSSP")
"""What is offered unless something else is asked for; Kerberos alone, without Negotiate, can be."""


class Unauthorized(Exception):
    """Answer 401.

    Attributes:
        challenges: values of WWW-Authenticate, an intermediate token of the scheme in use among them.
    """

    def __init__(self, challenges: list[str]) -> None:
        super().__init__("401")
        self.challenges = challenges


class Undecipherable(Exception):
    """Answer 400: the message was not encrypted for the security context of this connection."""


class Connection:
    """Authentication state of one TCP connection.

    Attributes:
        user: the user's name once authenticated.
    """

    def __init__(self, accounts: Accounts, schemes: Collection[str], certificate: bytes | None) -> None:
        """`certificate`: the server's own in DER form if this is TLS."""
        self.user: str | None = None
        self._accounts = accounts
        self._schemes = schemes
        self._certificate = certificate
        self._scheme = ""
        self._context: spnego.ContextProxy | None = None

    @property
    def must_encrypt(self) -> bool:
        """As on Windows without AllowUnencrypted. Basic, which cannot encrypt, may go in clear: this is loopback."""
        return self._certificate is None and self._scheme in encryption.PROTOCOLS

    def authenticate(self, header: str | None, client_certificate_name: str | None) -> list[str]:
        """Values of WWW-Authenticate for the answer. Raises Unauthorized."""
        if header is None:
            if self.user is None or self._scheme == "Basic":
                raise self._refusal()
            return []
        scheme, _, text = header.partition(" ")
        if scheme == _MUTUAL:
            return self._accept(scheme, client_certificate_name and self._accounts.known(client_certificate_name))
        if scheme not in self._schemes:
            raise self._refusal()
        try:
            token = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise self._refusal() from None
        if scheme == "Basic":
            name, _, password = token.decode(errors="replace").partition(":")
            return self._accept(scheme, self._accounts.check(name, password))
        return self._negotiate(scheme, token)

    def decrypt(self, body: bytes) -> bytes:
        if self._context is None or not self._context.complete:
            raise Undecipherable
        try:
            return encryption.decrypt(self._context, body)
        except _BROKEN as error:
            raise Undecipherable from error

    def encrypt(self, message: bytes) -> tuple[str, bytes]:
        """Content-Type and body, for an answer to a message that came encrypted."""
        if self._context is None:
            raise Undecipherable
        return encryption.encrypt(self._context, self._scheme, message)

    def _accept(self, scheme: str, user: str | None) -> list[str]:
        if not user:
            raise self._refusal()
        self.user, self._scheme = user, scheme
        return []

    def _refusal(self) -> Unauthorized:
        return Unauthorized([f'{each} realm="WSMAN"' if each == "Basic" else each for each in self._schemes])

    def _negotiate(self, scheme: str, token: bytes) -> list[str]:
        """One leg. A token after the handshake is over begins a new one."""
        try:
            with self._accounts.for_ntlm():
                if self._context is None or self._context.complete:
                    self.user, self._context = None, self._acceptor(scheme)
                answer = self._context.step(token)
        except _REFUSED:
            self._context = None
            raise self._refusal() from None
        challenge = f"{scheme} {base64.b64encode(answer).decode()}" if answer else scheme
        if not self._context.complete:
            raise Unauthorized([challenge])
        self._accept(scheme, self._accounts.known(self._context.client_principal or ""))
        return [challenge] if answer else []

    def _acceptor(self, scheme: str) -> spnego.ContextProxy:
        """pyspnego's own implementation on every platform, so that SSPI does not ask Windows about the lab's users."""
        bindings = None
        if self._certificate is not None:
            digest = hashlib.sha256(self._certificate).digest()
            bindings = GssChannelBindings(application_data=b"tls-server-end-point:" + digest)
        return spnego.server(
            protocol=scheme.lower(), channel_bindings=bindings, options=spnego.NegotiateOptions.use_negotiate
        )
