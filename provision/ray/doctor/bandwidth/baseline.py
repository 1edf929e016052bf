"""The baseline of a cluster: the best bandwidth of each pair so far, in a file beside its secrets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from provision.atomic_file import replace as write
from provision.config.inventory import Inventory
from provision.errors import OptionError
from provision.ray.doctor.transfer import Transfer

Key = tuple[str, str, str]
"""Sender, receiver, and the receiver's address: by another one it is another network."""
FIELDS: dict[str, type | tuple[type, ...]] = {
    "from": str,
    "to": str,
    "address": str,
    "gbit_s": (int, float),
}


def baseline_file(cluster: Inventory) -> Path:
    """Return the path of the file; it need not exist."""
    return cluster.state_dir / "bandwidth.json"


def read_baseline(file: Path) -> dict[Key, float]:
    """Return the Gbit/s of each pair; nothing if there is no file.

    Raises:
        OptionError: it cannot be read, or is none.
    """
    try:
        data = json.loads(file.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise OptionError(
            f"the baseline of --bandwidth cannot be read: {error}"
        ) from error
    except ValueError as error:
        raise _no_baseline(file) from error
    pairs = data.get("pairs") if isinstance(data, dict) else None
    if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
        raise _no_baseline(file)
    return {(one["from"], one["to"], one["address"]): one["gbit_s"] for one in pairs}


def _is_pair(data: object) -> bool:
    return isinstance(data, dict) and all(
        isinstance(data.get(name), kind) for name, kind in FIELDS.items()
    )


def _no_baseline(file: Path) -> OptionError:
    return OptionError(
        f"{file} is not a baseline of --bandwidth",
        hint="remove it: the next measurement makes a new one",
    )


def with_baseline(
    transfers: Iterable[Transfer], baseline: Mapping[Key, float]
) -> tuple[Transfer, ...]:
    """Return *transfers*, each with what *baseline* has of it."""
    return tuple(replace(one, baseline=baseline.get(_key(one))) for one in transfers)


def keep(
    file: Path, baseline: Mapping[Key, float], transfers: Iterable[Transfer]
) -> None:
    """Write *baseline* with the pairs that are new or were better in *transfers*.

    Raises:
        OptionError: it cannot be written.
    """
    kept = dict(baseline)
    for one in transfers:
        if one.gbit_s is not None:
            kept[_key(one)] = max(one.gbit_s, kept.get(_key(one), 0.0))
    names = list(FIELDS)
    pairs = [
        dict(zip(names, (*key, gbit_s), strict=True)) for key, gbit_s in kept.items()
    ]
    text = json.dumps({"pairs": pairs}, indent=1)
    try:
        write(file, f"{text}\n".encode())
    except OSError as error:
        raise OptionError(
            f"the baseline of --bandwidth cannot be written: {error}"
        ) from error


def _key(one: Transfer) -> Key:
    return one.sender, one.receiver, one.address
