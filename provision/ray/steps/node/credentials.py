"""The token and the certificate of a Ray node, as parts of its container.

The files are on the host. The container gets them mounted, and finds their paths in its
environment.
"""

from __future__ import annotations

from dataclasses import dataclass

CONTAINER_DIR = "/run/ray"
"""Folder of the files in the container."""
CERTIFICATES = {
    "RAY_TLS_CA_CERT": "authority.crt",
    "RAY_TLS_SERVER_CERT": "node.crt",
    "RAY_TLS_SERVER_KEY": "node.key",
}
"""File by variable; a node uses one certificate as a server and as a client."""


@dataclass(frozen=True, slots=True)
class ContainerParts:
    """Environment, mounts and files that a credential adds to a container."""

    env: dict[str, str]
    mounts: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


def token_parts(data_dir: str, *, enabled: bool) -> ContainerParts:
    """Return the parts for the token in `data_dir/auth_token`; disabled, Ray asks none."""
    if not enabled:
        return ContainerParts({"RAY_AUTH_MODE": "disabled"})
    file, mounted = f"{data_dir}/auth_token", f"{CONTAINER_DIR}/auth_token"
    env = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": mounted}
    return ContainerParts(env, (f"{file}:{mounted}:ro",), (file,))


def certificate_parts(data_dir: str, *, enabled: bool) -> ContainerParts:
    """Return the parts for the certificate in `data_dir/tls`; disabled, there are none."""
    if not enabled:
        return ContainerParts({})
    folder, mounted = f"{data_dir}/tls", f"{CONTAINER_DIR}/tls"
    env = {variable: f"{mounted}/{name}" for variable, name in CERTIFICATES.items()}
    files = tuple(f"{folder}/{name}" for name in CERTIFICATES.values())
    mounts = (f"{folder}:{mounted}:ro",)
    return ContainerParts({"RAY_USE_TLS": "1", **env}, mounts, files)


def env_on_host(parts: ContainerParts, data_dir: str) -> dict[str, str]:
    """Return the environment of *parts* for a process, which sees the files themselves."""
    inside = f"{CONTAINER_DIR}/"
    return {
        name: f"{data_dir}/{value.removeprefix(inside)}"
        if value.startswith(inside)
        else value
        for name, value in parts.env.items()
    }
