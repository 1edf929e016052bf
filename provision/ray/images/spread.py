"""An image of one host brought to the others of the cluster, as an archive."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack

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
from provision.ray.images.facts import Image, short_name
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
    names = node_names(cluster) | {source.name}
    hosts = [one for name, one in cluster.hosts.items() if name in names]
    seen = survey(hosts, forks)
    image = _image_of(seen, source.name, tag)
    found, lacking = _divided(hosts, seen, image.id, tag)
    if not lacking:
        return found
    sent = _Archive(cluster, source, tag, image.size, forks, moved).to(lacking)
    return Results(
        {**found.values, **dict.fromkeys(sent.values, "loaded")},
        {**found.errors, **sent.errors},
        (*found.unfinished, *sent.unfinished),
    )


def _divided(
    hosts: Sequence[Host], seen: Results[tuple[Image, ...]], image: str, tag: str
) -> tuple[Results[str], list[Host]]:
    """Return what is known of *hosts*, and those that lack *image*."""
    errors, there, lacking = dict(seen.errors), {}, []
    for one in hosts:
        if one.name not in seen.values:
            continue
        has = _named(seen.values[one.name], tag)
        if has is None:
            lacking.append(one)
        elif has.id == image:
            there[one.name] = "there"
        else:
            errors[one.name] = HostError(
                f"{one.name}: the name {tag} is that of another image, {has.id[:19]}"
            )
    return Results(there, errors, seen.unfinished), lacking


def _image_of(seen: Results[tuple[Image, ...]], host: str, tag: str) -> Image:
    """Return the image of *host* that has the name *tag*.

    Raises:
        HostError: there is none, or the host could not be asked.
    """
    if host in seen.errors:
        raise seen.errors[host]
    if host in seen.unfinished:
        raise KeyboardInterrupt
    if image := _named(seen.values[host], tag):
        return image
    raise HostError(f"{host}: there is no image {tag}")


def _named(images: Sequence[Image], tag: str) -> Image | None:
    return next((one for one in images if short_name(tag) in one.names), None)


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
            saved = on_each(
                [self._source], lambda h, c: run_on(h, c, save, LIMIT_S), forks=1
            )
            saved.all_values()
            places = parse_both(f"{self._source.name}:{self._path}", file)
            self._copied([self._source], places).all_values()
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
