"""Folders that all nodes of a cluster share: who has them, and where they are mounted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from provision.model.fields import Parameters
from provision.steps.mounts.mount_point import MountEntry, MountPath

FROM = re.compile(r"(?P<server>[^\s\\#/]+?):(?P<path>/[^\s\\:,\"]+)\Z")
FULL_NAME = re.compile(r"[^.:]+[.:].+\Z")
"""A name with a domain, or an address: it may be of a host that is in no inventory."""
NFS = "nfs"


def _from(value: str) -> str:
    if not FROM.match(value):
        raise ValueError(
            "must be SERVER:/PATH, with a host or a group of the inventory, or the full "
            "name or address of a server of your own"
        )
    return value


class SharedFolder(Parameters):
    """One folder: where it is, and the path at which every node has it."""

    model_config = ConfigDict(populate_by_name=True)

    origin: Annotated[str, AfterValidator(_from)] = Field(alias="from")
    at: Annotated[MountPath, Field(pattern=r'\A/[^\s\\:,"]+\z')]
    type: Annotated[str, Field(pattern=r"\A[a-z0-9._-]+\z")] = NFS
    options: Annotated[str, Field(pattern=r"\A[^\s\\]*\z")] = ""

    @property
    def server(self) -> str:
        """The host, its only group, or another machine."""
        return self.origin.rpartition(":/")[0]

    @property
    def path(self) -> str:
        """Its path on the server."""
        return "/" + self.origin.rpartition(":/")[2]

    def is_on(self, host_names: Iterable[str]) -> bool:
        """Return whether the host with these names, its own and its groups, has it."""
        return self.server in host_names

    def entry(self, address: str) -> MountEntry:
        """Return what the nodes mount of the server at *address*."""
        host = f"[{address}]" if ":" in address and "@" not in address else address
        return MountEntry(
            source=f"{host}:{self.path}",
            path=self.at,
            type=self.type,
            options=self.options,
        )


def container_mounts(
    folders: Iterable[SharedFolder], host_names: Iterable[str]
) -> Iterator[str]:
    """Yield the mounts of the container on the host with these names."""
    for folder in folders:
        source = folder.path if folder.is_on(host_names) else folder.at
        yield f"{source}:{folder.at}"


class Member(Parameters):
    """A host of the inventory: its name, its groups, and its address in the cluster."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")

    name: str
    groups: tuple[str, ...] = ()
    address: str


def server_address(folder: SharedFolder, members: Sequence[Member]) -> str:
    """Return the address of the server of *folder*.

    Raises:
        ValueError: it is no host, or several.
    """
    name = folder.server
    found = [m.address for m in members if name == m.name] or [
        m.address for m in members if name in m.groups
    ]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"from: {name} is a group of {len(found)} hosts, and a folder is on one: name it"
        )
    if FULL_NAME.match(name):
        return name
    known = dict.fromkeys(word for m in members for word in (m.name, *m.groups))
    raise ValueError(
        f"from: {name} is no host or group of this cluster ({', '.join(known)}); a server "
        "that is in no inventory is written with its full name or address"
    )
