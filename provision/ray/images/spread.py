"""An image of one host brought to the others of the cluster, as an archive."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Unpack

from provision.config.inventory import Host, Inventory
from provision.engine.each_host import Results, on_each
from provision.engine.on_hosts.copy import Copied
from provision.engine.on_hosts.copy import copy as copy_files
from provision.engine.on_hosts.copy.copy import ignore
from provision.engine.on_hosts.copy.place import Place, parse_both
from provision.engine.run import FORKS, ClusterOptions, Hosts, load_inventory
from provision.errors import HostError
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.ray.head import node_names
from provision.ray.images.facts import Image
from provision.ray.images.survey import run_on, survey
from provision.ray.on_hosts.selection import chosen_one
from provision.transport.protocol import Transport

SAVE = read_shell(__file__, "save.sh")
LOAD = read_shell(__file__, "load.sh")
LIMIT_S = 1800.0


def spread_image(
    inventory: Hosts,
    host: str,
    tag: str,
    *,
    moved: Callable[[str, int], object] = ignore,
    **options: Unpack[ClusterOptions],
) -> Results[str]:
    """Bring the image *tag* of *host* to all hosts of the cluster that lack it.

    It goes through this machine, as an archive beside the inventory's state.

    Args:
        inventory: the cluster.
        host: has the image.
        tag: its name.
        moved: called with a host and a number of bytes, as they go.
        options: `forks`, `credentials`.

    Returns:
        By host: "there" where it was, "loaded" where it came.

    Raises:
        InputErrors: the inventory or the host is wrong.
        HostError: the image is not on *host*, or could not be fetched from there.
    """
    cluster = load_inventory(inventory, options)
    source, forks = chosen_one(cluster, host), options.get("forks", FORKS)
    names = node_names(cluster)
    hosts = [one for name, one in cluster.hosts.items() if name in names]
    seen = survey([source, *(one for one in hosts if one is not source)], forks)
    if source.name in seen.errors:
        raise seen.errors[source.name]
    mine = _id_of(seen, source.name, tag)
    if not mine:
        raise HostError(f"{source.name}: there is no image {tag}")
    errors, there, lacking = dict(seen.errors), {}, []
    for one in hosts:
        if one.name in errors or one.name in seen.unfinished:
            continue
        has = _id_of(seen, one.name, tag)
        if not has:
            lacking.append(one)
        elif has == mine:
            there[one.name] = "there"
        else:
            errors[one.name] = HostError(
                f"{one.name}: the name {tag} is that of another image, {has[:19]}"
            )
    if lacking:
        size = next(i.size for i in seen.values[source.name] if tag in i.names)
        sent = _Archive(cluster, source, tag, size, forks, moved).to(lacking)
        there |= dict.fromkeys(sent.values, "loaded")
        errors |= sent.errors
        left = sent.unfinished
    else:
        left = ()
    return Results(there, errors, (*seen.unfinished, *left))


def _id_of(seen: Results[tuple[Image, ...]], host: str, tag: str) -> str:
    return next((one.id for one in seen.values[host] if tag in one.names), "")


class _Archive:
    """The archive of an image, which goes from one host to others."""

    def __init__(
        self,
        cluster: Inventory,
        source: Host,
        tag: str,
        size: int,
        forks: int,
        moved: Callable[[str, int], object],
    ) -> None:
        self._cluster, self._source, self._tag = cluster, source, tag
        self._size, self._forks, self._moved = size, forks, moved
        self._path = f"/var/tmp/provision-image-{secrets.token_hex(8)}.tar"  # noqa: S108

    def to(self, hosts: list[Host]) -> Results[str]:
        """Bring the image to *hosts*; the archive stays nowhere.

        Raises:
            HostError: it could not be fetched.
        """
        folder = self._cluster.state_dir
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix="image-") as kept:
            file = str(Path(kept) / "image.tar")
            self._fetch(file)
            return self._send(file, hosts)

    def _fetch(self, file: str) -> None:
        save = Sh.of(SAVE, tag=self._tag, path=self._path, needed_kb=self._size // 1024)
        try:
            _only(
                on_each(
                    [self._source], lambda h, c: run_on(h, c, save, LIMIT_S), forks=1
                )
            )
            places = parse_both(f"{self._source.name}:{self._path}", file)
            _only(self._copied([self._source], places))
        finally:
            remove = Sh.of('rm -f -- "$path"', path=self._path)
            on_each([self._source], lambda h, c: run_on(h, c, remove, 60), forks=1)

    def _send(self, file: str, hosts: list[Host]) -> Results[str]:
        copied = self._copied(hosts, parse_both(file, f"all:{self._path}"))
        have = [one for one in hosts if one.name in copied.values]
        loaded = on_each(have, self._load, forks=self._forks)
        errors = {**copied.errors, **loaded.errors}
        return Results(loaded.values, errors, (*copied.unfinished, *loaded.unfinished))

    def _load(self, host: Host, link: Transport) -> str:
        sh = Sh.of(LOAD, tag=self._tag, path=self._path)
        return run_on(host, link, sh, LIMIT_S).strip()

    def _copied(
        self, hosts: list[Host], places: tuple[Place, Place]
    ) -> Results[Copied]:
        return copy_files(
            hosts,
            *places,
            forks=self._forks,
            moved=self._moved,
        )


def _only(results: Results[Any]) -> None:
    for error in results.errors.values():
        raise error
    if results.unfinished:
        raise KeyboardInterrupt
