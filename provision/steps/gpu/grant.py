"""The GPUs that a container gets of what its host has, and the way it gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.steps.gpu.cuda import cuda_warning
from provision.steps.gpu.host_gpus import AMD, NVIDIA, Gpu, HostGpus, read_gpus
from provision.steps.gpu.wanted import AUTO, WantedGpus

CDI_KIND = "nvidia.com/gpu"
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable with the GPUs that CUDA uses, and that share out work."""
DEVICE, GROUP = "device.", "group."
"""Prefixes of a container's fields of devices and of groups."""
OF_GPUS = tuple(f"{DEVICE}{name}" for name in (CDI_KIND, "/dev/kfd", "/dev/dri"))
"""Beginnings of the fields of devices that are GPUs."""
CDI_DIRS = ("/etc/cdi", "/var/run/cdi")
"""Folders of CDI files that Docker reads, if nothing else is set."""
TOOLKIT = "the package nvidia-container-toolkit"


@dataclass(frozen=True, slots=True)
class Grant:
    """Options of a container that give it GPUs.

    Attributes:
        gpus: the value of Docker's `--gpus`; "" = none.
        devices: the values of Docker's `--device`.
        groups: the values of Docker's `--group-add`.
        uuids: of NVIDIA's GPUs or MIG devices that it then has.
        visible: UUIDs for CUDA_VISIBLE_DEVICES; none = a program finds them by itself.
        number: how many GPUs it then has; None = unknown.
        cdi_file: the CDI file that describes `devices`; "" = none does.
        warnings: what a person should know.
    """

    gpus: str = ""
    devices: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    uuids: tuple[str, ...] = ()
    visible: tuple[str, ...] = ()
    number: int | None = 0
    cdi_file: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def gives(self) -> bool:
        """True if the container gets any."""
        return bool(self.gpus or self.devices)

    @property
    def env(self) -> Mapping[str, str]:
        """Variables for the container.

        A program sees no more than one MIG device by itself, and counts none of them.
        """
        return {VISIBLE: ",".join(self.visible)} if self.visible else {}

    def told(self, env: Mapping[str, str]) -> int | None:
        """Return the number to tell a program that counts GPUs; None = it counts right.

        It counts no MIG devices. The variables *env* of its user win.
        """
        return len(self.visible) if self.visible and VISIBLE not in env else None

    def on(self, changes: Sequence[Change]) -> list[Change]:
        """Return *changes* of a container that is made with it."""
        if not self.gives:
            return list(changes)
        return [Granted(c.field, c.before, c.after, self) for c in changes]


NO_GPUS = Grant()


@dataclass(frozen=True, slots=True)
class Granted(Change):
    """A change of a container, with the GPUs that it is to get."""

    gpus: Grant = NO_GPUS


def granted(changes: Sequence[Change]) -> Grant:
    """Return the GPUs that come with *changes*."""
    return next((c.gpus for c in changes if isinstance(c, Granted)), NO_GPUS)


def grant(found: HostGpus, wanted: WantedGpus, current: State | None = None) -> Grant:
    """Return what a container gets that should have the *wanted* ones of those *found*.

    Where the driver or the toolkit is missing, a container with `auto` gets none, with a
    warning; one that has them keeps them. NVIDIA's GPUs go before AMD's, of which there is
    often a small one in the processor. Others are not given.

    Args:
        found: the GPUs of the host.
        wanted: those that the container should have.
        current: the fields of the container that is there.

    Raises:
        RefusedError: it cannot have what is wanted, and that is not `auto`.
    """
    if wanted is False:
        return NO_GPUS
    has = _kept(current or {})
    try:
        if found.gpus or found.driver or found.of(NVIDIA):
            return _nvidia(found, wanted, by_hook=bool(has.gpus))
        if found.of(AMD):
            return _amd(found, wanted)
    except RefusedError as error:
        if wanted == AUTO:
            return replace(has, warnings=(f"{error.message}; {error.hint}",))
        raise
    if wanted == AUTO:
        return Grant()
    others = ", ".join(map(str, found.cards))
    raise RefusedError(
        "this host has no GPU of NVIDIA or AMD, and its container is to have one"
        + (f"; it has {others}" if others else ""),
        hint="see with `lspci -nn` that the card is there; or ask for none on this host "
        "(auto, or false)",
    )


def warnings(observed: State, wanted: WantedGpus, image: str) -> Iterator[str]:
    """Yield what a person should know of the GPUs that a container of *image* gets.

    Nothing where *wanted* is refused: the plan says so, or an earlier step makes it good.
    """
    found = read_gpus(observed)
    try:
        given = grant(found, wanted, observed)
    except RefusedError:
        return
    yield from given.warnings
    if given.gives and (warning := cuda_warning(image, found.driver)):
        yield warning


def _kept(current: State) -> Grant:
    """The GPUs that a container with the fields *current* was made with.

    Its other devices, and its groups if it has none of AMD's, are its user's.
    """
    devices = [key.removeprefix(DEVICE) for key in current if key.startswith(OF_GPUS)]
    amd = any(device.startswith("/dev/kfd") for device in devices)
    groups = [
        key.removeprefix(GROUP) for key in current if amd and key.startswith(GROUP)
    ]
    return Grant(current.get("gpus", ""), tuple(devices), tuple(groups), number=None)


def _nvidia(found: HostGpus, wanted: WantedGpus, *, by_hook: bool) -> Grant:
    cards = ", ".join(map(str, found.of(NVIDIA)))
    if not found.gpus and not found.driver:
        raise RefusedError(
            f"{cards}: the driver is not loaded, so no container gets this GPU",
            hint=f"install {NVIDIA.package}",
        )
    if not found.gpus:
        raise RefusedError(
            f"NVIDIA's driver {found.driver} is loaded, and nvidia-smi lists no GPU: "
            f"{_silence(found)}",
            hint="see `dmesg | grep -i nvrm` on the host; a reboot often helps",
        )
    chosen = found.gpus if isinstance(wanted, str | bool) else _chosen(found, wanted)
    names = ("all",) if isinstance(wanted, str | bool) else _names(chosen, wanted)
    uuids = tuple(_uuids(chosen, wanted))
    way = replace(
        _way(found, names, by_hook=by_hook),
        uuids=uuids,
        visible=uuids if any(gpu.mig is not None for gpu in chosen) else (),
        number=len(uuids) if found.gpus and not found.error else None,
    )
    return replace(way, warnings=(*way.warnings, *_remarks(found, chosen)))


def _silence(found: HostGpus) -> str:
    return found.error or ("it says nothing" if found.smi else "it was not found")


def _remarks(found: HostGpus, chosen: Sequence[Gpu]) -> Iterator[str]:
    for card in found.of(NVIDIA):
        if not card.has_driver and found.gpus:
            has = f"the module {card.driver}" if card.driver else "no module"
            yield f"{card} is not used: {has} has it, and not NVIDIA's driver"
    if not found.gpus or found.error:
        yield f"nvidia-smi: {_silence(found)}"
    for gpu in chosen:
        if gpu.mig == ():
            yield (
                f"GPU {gpu.index} ({gpu.name}) has MIG on, and no MIG device: nobody can "
                "compute with it; make some with `nvidia-smi mig`, or switch MIG off"
            )


def _chosen(found: HostGpus, wanted: Sequence[str]) -> tuple[Gpu, ...]:
    """The GPUs that have the *wanted* indexes or UUIDs, or a MIG device that has."""
    known = {name for gpu in found.gpus for name in _all_names(gpu)}
    if missing := [name for name in wanted if name not in known]:
        there = ", ".join(f"{gpu.index} ({gpu.name}, {gpu.uuid})" for gpu in found.gpus)
        raise RefusedError(
            f"there is no GPU {', '.join(missing)} on this host; there are: {there}",
            hint="correct the list, or set auto",
        )
    return tuple(gpu for gpu in found.gpus if {*_all_names(gpu)} & {*wanted})


def _all_names(gpu: Gpu) -> tuple[str, ...]:
    return (gpu.index, gpu.uuid, *(gpu.mig or ()))


def _uuids(chosen: Sequence[Gpu], wanted: WantedGpus) -> Iterator[str]:
    names = () if isinstance(wanted, str | bool) else wanted
    for gpu in chosen:
        if gpu.mig is None:
            yield gpu.uuid
            continue
        some = [uuid for uuid in gpu.mig if uuid in names]
        yield from some or gpu.mig


def _names(chosen: Sequence[Gpu], wanted: Sequence[str]) -> tuple[str, ...]:
    """The names of the *wanted* ones for Docker: the index of a GPU, the UUID of a MIG device."""
    names = []
    for gpu in chosen:
        some = [uuid for uuid in gpu.mig or () if uuid in wanted]
        names += some or [gpu.index]
    return tuple(names)


def _way(found: HostGpus, names: Sequence[str], *, by_hook: bool) -> Grant:
    """The way in which a container gets the GPUs *names*: by CDI, else by the toolkit's hook.

    A container that has them *by_hook* is not replaced only because a CDI file came.

    Raises:
        RefusedError: there is none.
    """
    folders = found.docker.cdi_dirs if found.docker else CDI_DIRS
    if found.toolkit and by_hook:
        return _hook(names)
    for file in found.cdi:
        there = file.path.rpartition("/")[0] in folders
        if there and {*names} <= {*file.names}:
            devices = tuple(f"{CDI_KIND}={name}" for name in names)
            stale = _stale(found, file.path, file.driver)
            return Grant(devices=devices, cdi_file=file.path, warnings=stale)
    if found.toolkit:
        return _hook(names)
    cards = ", ".join(map(str, found.of(NVIDIA) or [gpu.name for gpu in found.gpus]))
    if found.cdi and not folders and found.docker:
        raise RefusedError(
            f"{cards}: {found.cdi[0].path} is there, and Docker {found.docker.version} "
            "takes no CDI names, so no container gets this GPU",
            hint='from Docker 25 on, `"features": {"cdi": true}` in daemon.json switches '
            "that on",
        )
    raise RefusedError(
        f"{cards}: NVIDIA's container toolkit is missing, so no container gets this GPU",
        hint=f"install {TOOLKIT}, or set nvidia_toolkit: true and deploy",
    )


def _hook(names: Sequence[str]) -> Grant:
    one = tuple(names) == ("all",)
    return Grant(gpus="all" if one else f'"device={",".join(names)}"')


def _stale(found: HostGpus, path: str, driver: str) -> tuple[str, ...]:
    if not driver or not found.driver or driver == found.driver:
        return ()
    return (
        f"{path} was made for the driver {driver}, and {found.driver} is loaded: make it "
        f"again (`nvidia-ctk cdi generate --output={path}`, or nvidia_toolkit: true)",
    )


def _amd(found: HostGpus, wanted: WantedGpus) -> Grant:
    cards = found.of(AMD)
    if not found.kfd:
        raise RefusedError(
            f"{', '.join(map(str, cards))}: there is no /dev/kfd, so no container gets "
            "this GPU",
            hint=f"install {AMD.package}",
        )
    devices: tuple[str, ...] = ("/dev/kfd", "/dev/dri")
    number = len([card for card in cards if card.has_driver])
    if not isinstance(wanted, str | bool):
        there = {str(n): card.node for n, card in enumerate(cards) if card.node}
        if missing := [name for name in wanted if name not in there]:
            raise RefusedError(
                f"there is no GPU {', '.join(missing)} on this host; there are: "
                + ", ".join(f"{n} ({node})" for n, node in there.items()),
                hint="correct the list, or set auto",
            )
        nodes = (f"/dev/dri/{there[name]}" for name in wanted)
        devices, number = ("/dev/kfd", *nodes), len(wanted)
    return Grant(devices=devices, groups=found.groups, number=number)
