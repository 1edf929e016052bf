"""NVIDIA's container toolkit: installed, with a CDI file of the driver that is loaded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from pydantic import Field, model_validator

from provision.model.change import Change, State
from provision.model.fields import Seconds
from provision.model.shell import NOTHING, Sh
from provision.model.shell_file import read_shell
from provision.model.step import Step, Thing
from provision.steps.docker.engine.engine import HostEngine
from provision.steps.files.foresight import at
from provision.steps.gpu.host_gpus import (
    GPU_ACCESS,
    CdiFile,
    HostGpus,
    read_gpus,
    vendor_ids,
)
from provision.steps.packages.packages import (
    ADVICE,
    UPDATE_WITHIN_S,
    Package,
    package,
)

PROBE = read_shell(__file__, "probe.sh")
INSTALL = read_shell(__file__, "install.sh")
ENGINE: Thing = HostEngine().thing
CDI_PATH = "/etc/cdi/nvidia.yaml"
FIRST_WITH_CDI = 25
"""The first Docker that takes CDI names."""
NUMBERED = re.compile(r"\d+(:\d+)?")
"""The name of a GPU in a CDI file, or of a MIG device of it."""
TOOLKIT = "toolkit"
"""The field of the package."""
Url = Annotated[str, Field(pattern=r"\A((https?|file)://[!-~]*[!-.0-~])?\z")]
Fingerprint = Annotated[str, Field(pattern=r"\A([0-9A-F]{40})?\z")]


class NvidiaToolkit(Step, kind="nvidia_toolkit"):
    """NVIDIA's container toolkit, on a host that has an NVIDIA GPU with its driver.

    The package comes from what the host's index has, else from the repository that is
    given here, whose key must have the fingerprint. Where Docker is 25 or newer, a CDI
    file is made, and again when another driver is loaded, or a GPU has come or gone;
    while nvidia-smi fails it is left. On other hosts nothing is done.

    Example:
        nvidia_toolkit:
          deb: http://mirror.lan/libnvidia-container/stable/deb
          key: http://mirror.lan/libnvidia-container/gpgkey
          fingerprint: C95B321B61E88C1809C4F759DDCAE044F796ECB0

    Raises:
        ApplyError: the key is another one, the package cannot be installed, or
            `nvidia-ctk` fails.

    Source: NVIDIA's container toolkit 1.17, "Installing" and "Support for CDI".
    """

    title_format = "NVIDIA's container toolkit"
    advice_table = {
        ("the key is not the one",): (
            "see that the URL is that of NVIDIA's key; a new key has a new fingerprint, "
            "which NVIDIA publishes"
        ),
        ("cannot get",): "see that the host reaches that URL, or name a mirror",
        **ADVICE,
    }

    package: Package = "nvidia-container-toolkit"
    deb: Url = ""
    """The repository for apt, without the architecture; "" = the host has one that does."""
    rpm: Url = ""
    """The repository for dnf and yum, likewise."""
    key: Url = ""
    """The key that signs both."""
    fingerprint: Fingerprint = ""
    lock_timeout_s: int = Field(default=120, ge=0)
    timeout_s: Seconds = 900

    @model_validator(mode="after")
    def _repository_has_key(self) -> Self:
        if (self.deb or self.rpm) and not (self.key and self.fingerprint):
            raise ValueError(
                "a repository needs `key` and `fingerprint`: nobody else says that its "
                "packages are NVIDIA's"
            )
        return self

    def probe(self) -> Sh:
        return Sh.of(PROBE, gpu_vendors=vendor_ids())

    def desired(self) -> State:
        return {}

    def plan(self, observed: State) -> list[Change]:
        found = read_gpus(observed)
        if not found.gpus and not found.driver:
            return []
        install = [] if found.toolkit else [Change(TOOLKIT, None, self.package)]
        return [*install, *_cdi_changes(found)]

    def remarks(self, observed: State) -> Iterator[str]:
        found = read_gpus(observed)
        silent = found.error or not found.gpus
        if found.driver and silent and major_version(found) >= FIRST_WITH_CDI:
            yield (
                f"nvidia-smi: {found.error or 'lists no GPU'}; CDI files are left as they "
                "are until it lists all GPUs"
            )

    @property
    def thing(self) -> Thing:
        return GPU_ACCESS

    def reads(self) -> list[Thing]:
        return [GPU_ACCESS, ENGINE]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State | None:
        if engine_to_come(observed, written):
            return None
        return {**observed, **written.get(GPU_ACCESS, {})}

    def writes(self, changes: Sequence[Change]) -> dict[Thing, State]:
        access: dict[str, str] = {}
        written: dict[Thing, State] = {}
        for change in changes:
            if change.field == TOOLKIT:
                access["gpu.toolkit"] = "/usr/bin/nvidia-ctk"
                written[package(self.package)] = {"status": "installed"}
            else:
                access[f"gpu.cdi.{change.field}"] = change.after or ""
                written[at(change.field)] = {"type": "file"}
        return {GPU_ACCESS: access, **written}

    def apply(self, changes: Sequence[Change]) -> Sh:
        if not changes:
            return NOTHING
        fields = {change.field for change in changes}
        return Sh.of(
            INSTALL,
            install=TOOLKIT in fields,
            package=self.package,
            deb=self.deb,
            rpm=self.rpm,
            key=self.key,
            fingerprint=self.fingerprint,
            cdi="".join(fields - {TOOLKIT}),
            lock_timeout_s=self.lock_timeout_s,
            update_within_s=UPDATE_WITHIN_S,
        )


def engine_to_come(observed: State, written: Mapping[Thing, State]) -> bool:
    """Return True if only a Docker that is not there yet says what its GPUs need."""
    found = read_gpus(observed)
    return bool(found.gpus or found.driver) and not found.docker and ENGINE in written


def major_version(found: HostGpus) -> int:
    """Return the first number of Docker's version; 0 = it does not answer."""
    version = found.docker.version if found.docker else ""
    number = version.partition(".")[0]
    return int(number) if number.isdigit() else 0


def _cdi_changes(found: HostGpus) -> list[Change]:
    """The change that makes a CDI file of all GPUs, if there is none of this driver.

    None while nvidia-smi does not list them: `nvidia-ctk` asks the same driver, and a file
    that is good would be lost.
    """
    if major_version(found) < FIRST_WITH_CDI or not found.gpus or found.error:
        return []
    if any(_describes(file, found) for file in found.cdi):
        return []
    # The one that is outdated is replaced, wherever it lies: two would name a GPU twice.
    stale = found.cdi[0] if found.cdi else None
    names = [*(name for gpu in found.gpus for name in gpu.cdi_names), "all"]
    path = stale.path if stale else CDI_PATH
    return [Change(path, _words(stale), " ".join([found.driver or "-", *names]))]


def _describes(file: CdiFile, found: HostGpus) -> bool:
    of_driver = file.driver in {"", found.driver} or not found.driver
    numbered = {name for name in file.names if NUMBERED.fullmatch(name)}
    listed = {name for gpu in found.gpus for name in gpu.cdi_names}
    # More than are listed is an outdated file only if the bus has no more either.
    fits = listed == numbered or (listed < numbered and not found.has_all_of_bus)
    return of_driver and "all" in file.names and (fits or not numbered)


def _words(file: CdiFile | None) -> str | None:
    return " ".join([file.driver or "-", *file.names]) if file else None
