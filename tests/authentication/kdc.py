"""A real MIT Kerberos realm for the tests: Debian's own programs, in a folder, on a free port, gone afterwards.

Facts about MIT Kerberos 1.20 (krb5.conf(5), kdc.conf(5))
1. The libraries read KRB5_CONFIG, KRB5_KTNAME and KRB5CCNAME anew for every context, so tests may change them.
2. Without `udp_preference_limit` a KDC that is not there is asked by UDP first, and waited for.
3. `kdc_timesync` lets a client follow its KDC's clock, so a KDC whose clock is wrong is noticed by the host alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REALM = "FERRY.TEST"
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit")
START_S = 10.0
FAKETIME = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
_SYSTEM = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"))  # where Debian has the servers


def find(program: str) -> str | None:
    return shutil.which(program, path=_SYSTEM)


class Kdc:
    """A running realm.

    Attributes:
        environment: what the Kerberos libraries need to find it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = _free_port()
        self.environment = {
            "KRB5_CONFIG": str(self.config("krb5.conf", self.port)),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder / 'no-tickets'}",
            "KRB5RCACHENAME": "none:",
        }
        (folder / "kdc.conf").write_text(f"""
[kdcdefaults]
 kdc_listen = 127.0.0.1:{self.port}
 kdc_tcp_listen = 127.0.0.1:{self.port}
[realms]
 {REALM} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/kadm5.acl
  max_life = 10h
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
""")
        self._call("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")

    def config(self, name: str, port: int, more: str = "") -> Path:
        """A krb5.conf of its own: another KDC, other settings."""
        file = self.folder / name
        file.write_text(f"""
[libdefaults]
 default_realm = {REALM}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
{more}
[realms]
 {REALM} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 localhost = {REALM}
""")
        return file

    def add(self, principal: str, password: str = "", **options: str) -> None:
        """`options` as kadmin's addprinc has them: maxlife="5 seconds"."""
        given = " ".join(f'-{name} "{value}"' for name, value in options.items())
        secret = f'-pw "{password}"' if password else "-randkey"
        self._kadmin(f"addprinc {given} {secret} {principal}")

    def keytab(self, name: str, *principals: str) -> Path:
        """A file with their keys, as they are (-norandkey)."""
        file = self.folder / name
        self._kadmin(f"ktadd -norandkey -k {file} {' '.join(principals)}")
        return file

    def tickets(self, name: str, principal: str, password: str, lifetime: str) -> str:
        """A cache with a ticket, as `kinit` leaves it; for KRB5CCNAME."""
        cache = f"FILE:{self.folder / name}"
        self._call("kinit", "-c", cache, "-l", lifetime, principal, text=password + "\n")
        return cache

    @contextmanager
    def running(self, ahead_s: int = 0) -> Iterator[None]:
        """Answer, with a clock that is so many seconds ahead."""
        clock = {"LD_PRELOAD": str(FAKETIME[0]), "FAKETIME": f"+{ahead_s}"} if ahead_s else {}
        program = find("krb5kdc")
        assert program
        with (self.folder / "krb5kdc.out").open("wb") as out:
            process = subprocess.Popen(
                [program, "-n"], env={**os.environ, **self.environment, **clock}, stdout=out, stderr=out
            )
            try:
                self._wait(process)
                yield
            finally:
                process.kill()
                process.wait()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                assert process.poll() is None, (self.folder / "krb5kdc.out").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def _kadmin(self, query: str) -> None:
        self._call("kadmin.local", "-r", REALM, "-q", query)

    def _call(self, program: str, *arguments: str, text: str = "") -> None:
        path = find(program)
        assert path
        done = subprocess.run(
            [path, *arguments], env={**os.environ, **self.environment}, input=text, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
