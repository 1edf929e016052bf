"""Addresses as text: how they are written, alone and before a port."""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def read_address(text: str) -> Address | None:
    """Return the address that *text* is; None: it is a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def canonical(text: str) -> str:
    """Return *text* as programs print it, if it is an IPv6 address, else as it is."""
    return str(read_address(text) or text) if ":" in text else text


def bracketed(host: str) -> str:
    """Return *host* as it stands before a port, in a URL as well: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def host_port(host: str, port: int) -> str:
    """Return *host* and *port* as one text, such as `10.0.0.7:6379` or `[fd00::7]:6379`."""
    return f"{bracketed(host)}:{port}"
