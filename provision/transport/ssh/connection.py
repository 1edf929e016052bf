"""A connection: Fabric opens it, our policy decides on host keys and logs in.

Keys, known_hosts files and ssh_config are parsed once and shared by all connections.
A `fabric.Config` is not: threads that share one lose connections at random.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import math
import socket
import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import fabric
import paramiko

from provision.config.ssh import SshSettings
from provision.errors import ConnectError, ConnectionLost, ProvisionError
from provision.invocation import program
from provision.transport.ssh.algorithms import (
    missing,
    prefer_fast_ciphers,
    prefer_kinds,
    restrict,
)
from provision.transport.ssh.hops import hops, settings_of
from provision.transport.ssh.known_hosts import SSH_PORT, HostKeyPolicy
from provision.transport.ssh.limits import LoginLimiter
from provision.transport.ssh.login.explain import Heard, explain
from provision.transport.ssh.login.login import Login
from provision.transport.ssh.peer import PeerTransport
from provision.transport.ssh.sockets import ActivitySocket, Closable, ProxyCommand, dial

if TYPE_CHECKING:
    from provision.config.inventory import Host


_login_limiter = LoginLimiter()
# paramiko logs tracebacks of what is raised and explained anyway.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class SshConnection:
    """One connection to *host*, with the jump hosts it goes through.

    The inventory's key is tried at the jump hosts too; its password and its pinned
    host key are for the host alone, and so is another *login*.
    """

    def __init__(
        self,
        host: Host,
        *,
        timeout_s: float,
        silence_s: float,
        login: type[Login] = Login,
    ) -> None:
        self.silence_s = silence_s
        self.user = ""
        self.who = host.name
        self.transport: paramiko.Transport
        self._host = host
        self._timeout_s = timeout_s
        self._login = login
        self._lock = threading.Lock()
        self._open_parts: list[Closable] = []
        self._up = False
        self._dropped = False
        self._silent = False
        self._activity: ActivitySocket | None = None
        self._peer: PeerTransport | None = None
        self._proxy: ProxyCommand | None = None

    def open(self) -> None:
        """Connect and log in.

        Raises:
            ConnectError: not reachable; one that is `final` is not retried.
        """
        try:
            self._open()
        except BaseException:
            self.drop()
            raise

    @property
    def active(self) -> bool:
        """True while it is open, as far as is known."""
        return self._up and not self._dropped and self.transport.is_active()

    @property
    def last_received_s(self) -> float:
        """Time of the last byte from the host, by the monotonic clock."""
        return self._activity.last_received_s if self._activity else math.inf

    @property
    def idle(self) -> bool:
        """True if nothing has come for longer than a reachable host needs to answer."""
        return time.monotonic() - self.last_received_s > self.silence_s / 2

    @property
    def key_exchange(self) -> str:
        """The name of its key exchange."""
        return self._peer.exchange if self._peer else ""

    def request_reply(self) -> None:
        """Request an answer; return when it has come or the connection is dropped."""
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self.transport.global_request("keepalive@openssh.com", wait=True)

    def drop(self) -> None:
        """Close everything, and end all waiting for it; from any thread."""
        with self._lock:
            # Record idleness first: closing counts as activity.
            self._silent = self._silent or (self._up and self.idle)
            self._dropped = True
            parts, self._open_parts = self._open_parts, []
        for part in reversed(parts):
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                part.close()

    def lost(self) -> ConnectionLost:
        """Return the error to raise when the connection is lost."""
        farewell = self._peer.farewell if self._peer else ""
        error = ConnectionLost(
            f"the connection to {self.who} was lost",
            details=[f"sshd said: {farewell}"] if farewell else (),
        )
        error.silent = self._silent
        return error

    def _open(self) -> None:
        host = self._host
        request = host.ssh_request
        target = settings_of(request)
        self.user, self.who = target.user, f"{target.user}@{host.name}"
        via = None
        for hop in hops(target, request.file):
            via = self._reach(hop, via, f"{hop.user}@{hop.host} (jump host)")
        password = host.password.get_secret_value() if host.password else None
        login = self._login(target, host.key_file, password, self._timeout_s)
        self.transport = self._reach(target, via, self.who, login, host.host_key)
        self._up = True

    def _reach(
        self,
        target: SshSettings,
        via: paramiko.Transport | None,
        who: str,
        login: Login | None = None,
        pin: str | None = None,
    ) -> paramiko.Transport:
        """Connect to one machine, directly or through another."""
        policy = _host_key_policy(target, pin, self._host, jump=login is None)
        key_file, limit_s = self._host.key_file, self._timeout_s
        login = login or Login(target, key_file, None, limit_s, by_keys_alone=True)
        where = f"{target.host}:{target.port}"
        self._activity = self._peer = self._proxy = None
        try:
            with _login_limiter.slot(where, lambda: self._dropped):
                # The last socket, to the host itself, shows whether the host is silent.
                self._activity = ActivitySocket(self._open_socket(target, via))
                return self._connect(target, self._activity, policy, login)
        except ProvisionError:
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self._dropped:
                raise ConnectError(f"connecting to {who} was interrupted") from error
            heard = _heard(self._activity, self._peer, self._proxy)
            limit_s = self._limit_s(target)
            raise explain(error, who, where, login, limit_s, heard) from error

    def _connect(
        self,
        settings: SshSettings,
        sock: ActivitySocket,
        policy: HostKeyPolicy,
        login: Login,
    ) -> paramiko.Transport:
        target = _connection(settings)
        target.client.set_missing_host_key_policy(_Policy(policy))
        target.connect_kwargs = {
            "sock": sock,
            "transport_factory": functools.partial(
                self._make_transport, policy, settings.algorithms
            ),
            "auth_strategy": login,
            "banner_timeout": self._limit_s(settings),
        }
        # Longer than the banner's own limit, so that a silent port is reported as such.
        target.connect_timeout = self._limit_s(settings) + 5
        target.open()
        transport: paramiko.Transport = target.transport
        return transport

    def _make_transport(
        self,
        policy: HostKeyPolicy,
        algorithms: Mapping[str, str],
        sock: Any,
        **options: Any,
    ) -> paramiko.Transport:
        made = self._peer = PeerTransport(cast("socket.socket", sock), **options)
        self._keep(made)
        prefer_fast_ciphers(made)
        restrict(made, algorithms)
        prefer_kinds(made, policy.kinds)
        return made

    def _open_socket(self, target: SshSettings, via: paramiko.Transport | None) -> Any:
        address = (target.host, target.port)
        if via:
            return self._keep(
                via.open_channel(
                    "direct-tcpip", address, ("", 0), timeout=self._timeout_s
                )
            )
        if target.proxy_command:
            self._proxy = ProxyCommand(target.proxy_command)
            self._keep(self._proxy)
            return self._proxy.socket
        return dial(
            *address,
            self._limit_s(target),
            self._keep,
            family=target.address_family,
            bind=target.bind_address,
        )

    def _limit_s(self, target: SshSettings) -> float:
        """The longest time to connect, for which ConnectTimeout is."""
        return target.connect_timeout_s or self._timeout_s

    def _keep(self, part: Any) -> Any:
        """Keep *part* for `drop`; close it if the connection was dropped already."""
        with self._lock:
            self._open_parts.append(part)
            dropped = self._dropped
        if dropped:
            part.close()
        return part


class _Policy(paramiko.MissingHostKeyPolicy):
    """Checks every host key: paramiko itself never gets a known_hosts file."""

    def __init__(self, policy: HostKeyPolicy) -> None:
        self._policy = policy

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        self._policy.check(key.get_name(), key.asbytes())


class _Connection(fabric.Connection):  # type: ignore[misc]
    """Fabric's, with plain attributes: Invoke lists the whole class at each assignment."""

    __setattr__ = object.__setattr__


@functools.cache
def _config() -> fabric.Config:
    """Fabric's defaults, which connections only read; merging them takes half a millisecond.

    Lazy: no fabric.yaml of the user's may change how we connect.
    """
    return fabric.Config(lazy=True, ssh_config=paramiko.SSHConfig())


def _connection(target: SshSettings) -> fabric.Connection:
    return _Connection(
        target.host, user=target.user, port=target.port, config=_config(), gateway=False
    )


def _heard(
    sock: ActivitySocket | None,
    peer: PeerTransport | None,
    proxy: ProxyCommand | None,
) -> Heard:
    """Return what the other side of a connection that failed has said."""
    return Heard(
        before=sock.before_greeting if sock else (),
        greeted=sock.greeted if sock else False,
        ended=sock.ended if sock else False,
        farewell=peer.farewell if peer else "",
        incompatible=missing(peer.offers, peer.ours) if peer else ("", ""),
        proxy_exit=proxy.exit_code() if proxy else None,
        proxy_errors=proxy.errors() if proxy else (),
    )


def _host_key_policy(
    target: SshSettings, pin: str | None, host: Host, *, jump: bool
) -> HostKeyPolicy:
    alias = target.host_key_alias
    return HostKeyPolicy(
        alias or target.host,
        SSH_PORT if alias else target.port,
        pin=pin,
        files=host.known_hosts,
        others=[*target.user_known_hosts, *target.global_known_hosts],
        revoked=target.revoked_host_keys,
        accept=f"{program()} trust {host.inventory_options}" if host.inventory else "",
        jump=jump,
    )
