"""Archives from elsewhere: downloaded by the host, verified, and unpacked by version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import OwnPath, Seconds
from provision.model.shell import Sh
from provision.model.shell_file import read_shell
from provision.model.step import Settled, Step, Thing, lines_of
from provision.steps.files.foresight import read_at
from provision.steps.room import Megabytes, refuse_full

ARCH = "%ARCH%"
"""In a URL: the host's architecture, as publishers name it (amd64, arm64)."""
NOEXEC = "noexec."
"""Prefix of the field with the options of a file system that lets no program run."""
RESERVED = {"current", "healthy"}


def _version(value: str) -> str:
    if value in RESERVED:
        raise ValueError(
            f"must not be {value}: a link beside the versions has that name"
        )
    return value


Url = Annotated[str, Field(pattern=r"\Ahttps?://[A-Za-z0-9\[][!-~]*\z")]
Sum = Annotated[str, Field(pattern=r"\Asha256:[0-9a-f]{64}\z")]
Version = Annotated[
    str, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.+~-]*\z"), AfterValidator(_version)
]

PROBE = read_shell(__file__, "archive_probe.sh")
INSTALL = read_shell(__file__, "archive_install.sh")
ADVICE = {
    ("neither curl nor wget",): (
        "install one first: a step `packages: {names: [curl, ca-certificates]}`"
    ),
    ("error: 404", "ERROR 404", " 404 Not Found"): (
        "there is no such file: check the version, and the address in a browser"
    ),
    ("resolve", "bad address"): (
        "the host cannot look up that name: see its DNS; hosts without a way out need "
        "an address nearby that serves the file"
    ),
    ("onnection refused", "ailed to connect", "imed out", "nreachable"): (
        "the host does not reach that server: see its routes, proxy and firewalls"
    ),
    ("ertificate",): "install ca-certificates, and see that the host's clock is right",
    ("No space left", "write error", "Failure writing", "Cannot write", "Wrote only"): (
        "the disk is full: make room; what was downloaded is kept and continued"
    ),
    ("is not what its checksum promises",): (
        "take the checksum from the publisher's page for this very version and "
        "architecture; if it is right, the file was changed on its way"
    ),
    ("has no SHA-256 sum",): "look into that file: it may be of another version",
    ("no known format of SHA-256 sums",): (
        "see that it is the file of the SHA-256 sums; else write the sum itself, "
        "`checksum: sha256:...`"
    ),
    ("no checksum for",): "add the architecture to `checksum`",
    ("Cannot exec", "Cannot fork", "gzip: not found"): (
        "the program that unpacks it is missing: install gzip, xz-utils or bzip2 with "
        "a `packages` step"
    ),
    ("not look like a tar", "gzip: stdin", "invalid tar magic", "short read"): (
        "only tar archives, also compressed ones, can be unpacked"
    ),
    ("the archive has a ", "the archive has what "): (
        "nothing was unpacked: tell the publisher, or pack it anew without that"
    ),
    ("is left of it with strip",): "its paths are not that deep: set a smaller `strip`",
}


def archive_in(folder: str) -> Thing:
    """Return the versions of a program in *folder* as a thing that steps write and read."""
    return f"archive:{folder}"


class Archive(Step, kind="archive"):
    """A version of a program, from an archive (.tar.gz) that the host downloads.

    It is unpacked to `folder/version`, and the link `folder/current` is switched to it
    in one instant; the version before is kept, older ones are removed. The download
    goes on where an earlier run was cut off. Nothing is unpacked before its checksum
    is right: that is `sha256:` and 64 digits, the same for each architecture, or the
    URL of the publisher's file of SHA-256 sums. `%ARCH%` in a URL becomes amd64, arm64
    or whatever else the host is. All of it belongs to root; setuid, setgid and sticky
    bits and write bits of others are not kept (as `tar --no-same-permissions` under
    umask 022). A version that is on the host is not downloaded
    again, so going back to it needs no network.

    Example:
        archive:
          url: https://example.org/prometheus-3.5.0.linux-%ARCH%.tar.gz
          checksum: https://example.org/sha256sums.txt
          folder: /opt/prometheus
          version: 3.5.0

    Raises:
        RefusedError: `folder/current` is not a link, its file system is mounted noexec,
            or there is no room, see `room_mb`.
        ApplyError: it cannot be downloaded (the host says why), is not what the
            checksum promises, is no archive, has a path or a link that leads out of it
            or a device, or the disk is full.

    Source: curl(1) 7.64, wget(1) 1.20 and of busybox 1.35; tar(1), GNU tar 1.30.
    """

    title_format = "archive {folder} {version}"
    advice_table = ADVICE

    url: Url
    checksum: Sum | Url | Mapping[Literal["amd64", "arm64"], Sum]
    folder: OwnPath
    version: Version
    strip: int = Field(default=1, ge=0)
    """Number of leading folders of the archive's paths to leave out; `./` is none."""
    room_mb: Megabytes = 500
    """Room that is needed for the archive and what is in it, if it is not there yet."""
    timeout_s: Seconds = 1800

    @model_validator(mode="after")
    def _one_for_each(self) -> Self:
        if isinstance(self.checksum, Mapping) and ARCH not in self.url:
            raise ValueError(f"checksums by architecture need {ARCH} in the url")
        return self

    def _checksum(self) -> str:
        """The checksum as one word; this is what the host remembers."""
        if isinstance(self.checksum, str):
            return self.checksum
        pairs = sorted(self.checksum.items())
        return ",".join(f"{machine}={digest}" for machine, digest in pairs)

    def probe(self) -> Sh:
        return Sh.of(
            PROBE, folder=self.folder, version=self.version, room_mb=self.room_mb
        )

    def desired(self) -> State:
        return {"current": self.version, "checksum": self._checksum()}

    @property
    def thing(self) -> Thing:
        return archive_in(self.folder)

    def reads(self) -> list[Thing]:
        return [self.thing, *read_at(self.folder)]

    def foresee(self, observed: State, written: Mapping[Thing, State]) -> State:
        for thing, state in written.items():
            if thing == self.thing:
                observed = {**observed, **state}
            elif not state:
                observed = {}
        return observed

    def plan(self, observed: State) -> list[Change]:
        if (there := observed.get("current", "")).startswith("a "):
            raise RefusedError(
                f"{self.folder}/current is {there}, not a symbolic link",
                hint="look at it, and move it away or choose another folder",
            )
        changes = super().plan(observed)
        for field in [key for key in observed if key.startswith(NOEXEC) and changes]:
            mount, options = field.removeprefix(NOEXEC), observed[field]
            raise RefusedError(
                f"programs in {self.folder} cannot be run: {mount} is mounted {options}",
                hint="choose another folder, or mount it without noexec: "
                f"`mount -o remount,exec {mount}`, and in /etc/fstab",
            )
        if changes and "unpacked" not in observed:
            what = f"{self.folder} {self.version}"
            refuse_full(observed, what, self.room_mb, "room_mb")
        return changes

    def settled(self) -> Settled:
        return Settled(lines_of(self.desired()))

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(
            INSTALL,
            url=self.url,
            checksum=self._checksum(),
            folder=self.folder,
            version=self.version,
            strip=self.strip,
        )
