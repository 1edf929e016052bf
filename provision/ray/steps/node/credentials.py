"""What a Ray node shows to others, token and certificate: files, mounts, environment.

The files lie on the host; a container gets them mounted, and is told where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

INSIDE = "/run/ray"
"""Where a container sees them."""
CERTIFICATES = {
    "RAY_TLS_CA_CERT": "authority.crt",
    "RAY_TLS_SERVER_CERT": "node.crt",
    "RAY_TLS_SERVER_KEY": "node.key",
}
"""A node shows the same certificate as a server and as a client."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Parts of a container."""

    env: dict[str, str]
    mounts: tuple[str, ...]
    files: tuple[str, ...]


def token(data_dir: str, *, wanted: bool) -> Keys:
    """The token in `data_dir/auth_token`; not *wanted*: nobody is asked for one."""
    if not wanted:
        return Keys({"RAY_AUTH_MODE": "disabled"}, (), ())
    file, inside = f"{data_dir}/auth_token", f"{INSIDE}/auth_token"
    env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": inside}
    return Keys(env, (f"{file}:{inside}:ro",), (file,))


def certificate(data_dir: str, *, wanted: bool) -> Keys:
    """The certificate in `data_dir/tls`; not *wanted*: nodes talk plain text."""
    if not wanted:
        return Keys({}, (), ())
    folder, inside = f"{data_dir}/tls", f"{INSIDE}/tls"
    env = {variable: f"{inside}/{name}" for variable, name in CERTIFICATES.items()}
    files = tuple(f"{folder}/{name}" for name in CERTIFICATES.values())
    return Keys({"RAY_USE_TLS": "1", **env}, (f"{folder}:{inside}:ro",), files)
