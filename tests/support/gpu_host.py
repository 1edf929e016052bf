"""A host with GPUs as files below a folder: PCI cards, driver, CDI files, and a stub nvidia-smi.

The rows are what the real program printed on hosts with an H100 and an H200 (driver 580.159.04,
2026-11-27), with other UUIDs; those of MIG devices are as NVIDIA's guide to MIG shows them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

DRIVER = "580.159.04"
H100 = "GPU-00000000-0000-4000-8000-000000000001"
H200 = "GPU-00000000-0000-4000-8000-000000000002"
ROWS = {
    H100: f"{H100}, 81559, Disabled, 00000000:00:06.0, NVIDIA H100 80GB HBM3",
    H200: f"{H200}, 143771, Disabled, 00000000:00:07.0, NVIDIA H200",
}
UNIFIED = f"{H100}, [N/A], [N/A], 0000000F:01:00.0, NVIDIA GB10"
"""A GPU that shares the memory of its host."""
NO_DRIVER = (
    "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make "
    "sure that the latest NVIDIA driver is installed and running."
)
MIG = (
    f"GPU 0: NVIDIA H100 80GB HBM3 (UUID: {H100})\n"
    "  MIG 3g.40gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)\n"
    "  MIG 3g.40gb     Device  1: (UUID: MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb)\n"
)
MIG_UUIDS = (
    "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
    "MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb",
)
CDI = f"""\
cdiVersion: 0.5.0
containerEdits:
  mounts:
  - hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.{DRIVER}
    containerPath: /usr/lib/x86_64-linux-gnu/libcuda.so.{DRIVER}
devices:
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: "0"
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: {H100}
- containerEdits:
    deviceNodes:
    - path: /dev/nvidia0
  name: all
kind: nvidia.com/gpu
"""
"""A file in the form that `nvidia-ctk cdi generate` writes (1.17), with fewer mounts."""
SMI = """\
#!/bin/sh
case "$*" in
*--query-gpu*) cat "{folder}/rows"; exit {code} ;;
-L) cat "{folder}/list" ;;
esac
"""
HANGS = """\
#!/bin/sh
trap '' TERM
tr '\\0' ' ' <"/proc/$PPID/cmdline" >>"{folder}/asked"
echo >>"{folder}/asked"
while :; do sleep 1; done
"""
"""An nvidia-smi that waits for a GPU; it writes the words of timeout(1) that began it."""
INFO = """\
#!/bin/sh
[ "$1" = info ] || exit 1
case $3 in *CDISpecDirs*) {cdi} ;; *) echo '{version} null runc' ;; esac
"""
EXEC = """\
#!/bin/sh
case "$1" in
info) echo '28.0.1 ["/etc/cdi","/var/run/cdi"] runc' ;;
exec) cat "{inside}"; exit {code} ;;
esac
"""


@dataclass
class GpuHost:
    """A host below *root*; each method adds something, and returns the host.

    Attributes:
        tools: where its programs lie.
    """

    root: Path
    tools: Path
    env: dict[str, str] = field(default_factory=dict)

    def card(
        self,
        slot: str = "0000:00:06.0",
        ids: str = "10de:2330",
        kind: str = "030200",
        driver: str = "nvidia",
        node: str = "",
    ) -> GpuHost:
        place = self.root / "sys/bus/pci/devices" / slot
        place.mkdir(parents=True)
        vendor, device = ids.split(":")
        (place / "vendor").write_text(f"0x{vendor}\n")
        (place / "device").write_text(f"0x{device}\n")
        (place / "class").write_text(f"0x{kind}\n")
        if driver:
            module = self.root / "sys/bus/pci/drivers" / driver
            module.mkdir(parents=True, exist_ok=True)
            (place / "driver").symlink_to(module)
        if node:
            (place / "drm" / node).mkdir(parents=True)
        return self

    def driver(self, version: str = DRIVER) -> GpuHost:
        place = self.root / "sys/module/nvidia"
        place.mkdir(parents=True)
        (place / "version").write_text(f"{version}\n")
        return self

    def smi(
        self, *rows: str, code: int = 0, listed: str = "", at: str = "/usr/bin"
    ) -> GpuHost:
        """Add a stub of nvidia-smi: *rows* without their index, or lines of an error."""
        folder = self.root / at.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        numbered = (
            f"{n}, {row}" if row.count(",") > 3 else row for n, row in enumerate(rows)
        )
        (folder / "rows").write_text("".join(f"{row}\n" for row in numbered))
        (folder / "list").write_text(listed)
        self._program(folder / "nvidia-smi", SMI.format(folder=folder, code=code))
        return self

    def hanging_smi(self) -> Path:
        """Add an nvidia-smi that never ends; return the file with how it was asked."""
        folder = self.root / "usr/bin"
        folder.mkdir(parents=True, exist_ok=True)
        self._program(folder / "nvidia-smi", HANGS.format(folder=folder))
        return folder / "asked"

    def nvidiactl(self) -> GpuHost:
        """Add the device of NVIDIA's driver, which a host that is a container has, too."""
        (self.root / "dev").mkdir(exist_ok=True)
        (self.root / "dev/nvidiactl").touch()
        return self

    def cdi(self, text: str = CDI, at: str = "/etc/cdi/nvidia.yaml") -> GpuHost:
        path = self.root / at.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return self

    def toolkit(self) -> GpuHost:
        self._program(self.tools / "nvidia-ctk", "#!/bin/sh\n")
        return self

    def docker(
        self, version: str, dirs: str = '["/etc/cdi","/var/run/cdi"]'
    ) -> GpuHost:
        """Add a stub of Docker; *dirs* is its field of CDI folders, "" = it has none."""
        says = f"""echo '{version} {dirs} runc'""" if dirs else "exit 1"
        self._program(self.tools / "docker", INFO.format(cdi=says, version=version))
        return self

    def container(self, inside: str, code: int = 0) -> GpuHost:
        """Let `docker exec` print *inside*, and `docker info` as an engine with CDI."""
        (self.root / "inside").write_text(inside)
        says = EXEC.format(inside=self.root / "inside", code=code)
        self._program(self.tools / "docker", says)
        return self

    def kfd(self) -> GpuHost:
        (self.root / "dev/dri").mkdir(parents=True)
        (self.root / "dev/kfd").touch()
        (self.root / "dev/dri/renderD128").touch()
        return self

    def _program(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)
