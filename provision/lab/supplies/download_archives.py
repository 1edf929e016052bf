"""Stand-ins for the archives of publishers: Prometheus, node_exporter and Grafana.

They have the names and the layout of the publishers' archives, which cannot be
downloaded on a closed network. The programs in the first two are Debian's, of older
versions than the names say; Grafana is the program `grafana_stub`. Each archive says so
in STAND-IN.txt.
"""

from __future__ import annotations

import hashlib
import io
import os
import platform
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from provision.errors import LabError
from provision.lab import grafana_stub
from provision.lab.paths import LabPaths
from provision.lab.supplies.apt_repository import unpack
from provision.lab.supplies.images import DATA

Progress = Callable[[str], None]
PROMETHEUS = "3.5.0"
NODE_EXPORTER = "1.9.1"
GRAFANA = grafana_stub.VERSION
REAL_GRAFANA = "PROVISION_GRAFANA_TARBALL"
"""Environment variable with the path of a real Grafana archive to serve instead."""
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "other")
GZIP_LEVEL = 1
SCRIPT = "#!/bin/sh\n# {note}\n{text}\n"
# Finds the files of its web pages as upstream's program does; Debian keeps them elsewhere.
RUN_PROMETHEUS = """here=$(dirname "$(readlink -f "$0")")
exec "$here/debian/prometheus" --web.local-assets="$here/debian/web/" "$@\""""
RUN_GRAFANA = """here=$(dirname "$(dirname "$(readlink -f "$0")")")/stand-in
export LD_LIBRARY_PATH="$here/libraries" PYTHONHOME="$here" PYTHONPATH="$here/ours"
exec "$here/bin/python3" -B -P -S -m provision.lab.grafana_stub "$@\""""
UNUSED = re.compile(r"\.(map|pyc|gz|brotli|scss|less)$|\.map\.")
NOTE = "A stand-in made by provision's lab, not the publisher's archive."
DEBIAN_PROGRAMS = "The programs are those of the Debian packages:"
NEXT_PROMETHEUS = "3.5.1"
"""Version of a copy of the same program, for tests of an upgrade."""
BROKEN_PROMETHEUS = {
    "3.5.2": 'echo "broken on purpose, to try a rollback" >&2; exit 1',
    "3.5.3": 'echo "never healthy, to try a rollback" >&2; exec sleep 100000',
}


@dataclass(frozen=True, slots=True)
class ArchiveTree:
    """Content of an archive: its top folder and the files in it."""

    top: str
    texts: Mapping[str, str] = field(default_factory=dict)
    """Content by path."""
    copies: Mapping[str, Path] = field(default_factory=dict)
    """Files and folders by path."""

    def pack(self, file: Path) -> None:
        """Write the archive to *file*."""
        with tarfile.open(file, "w:gz", compresslevel=GZIP_LEVEL) as tar:
            for path, text in self.texts.items():
                data = text.encode()
                entry = tarfile.TarInfo(f"{self.top}/{path}")
                entry.size, entry.mode = len(data), 0o644
                if text.startswith("#!"):
                    entry.mode = 0o755
                tar.addfile(entry, io.BytesIO(data))
            for path, source in self.copies.items():
                for inside in _files(source):
                    name = Path(self.top, path, inside.relative_to(source))
                    tar.add(inside.resolve(), name, filter=_without_owner)


def _files(source: Path) -> Iterator[Path]:
    """Yield *source*, or all files below it; follow links, skip broken ones."""
    if source.is_file():
        yield source
    for folder, below, names in os.walk(source, followlinks=True):
        below[:] = [name for name in below if name != "data"]  # 200 MB of time zones
        paths = [Path(folder, name) for name in names if not UNUSED.search(name)]
        yield from (path for path in paths if path.is_file())


def _without_owner(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def ensure_archives(paths: LabPaths, progress: Progress) -> None:
    """Make the archives in `paths.archives` if needed; they may be served meanwhile."""
    recipe, stamp = _recipe(paths), paths.archives / ".recipe"
    if stamp.exists() and stamp.read_text() == recipe:
        return
    progress("making the archives of Prometheus, node_exporter and Grafana")
    new, root = paths.archives / ".new", paths.archives / ".root"
    for folder in (new, root):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    unpack(paths.archive_packages, "*", root)
    _prometheus(root, new / "prometheus")
    _node_exporter(root, new / "node_exporter")
    _grafana(root, new / "grafana")
    for folder in new.iterdir():
        shutil.rmtree(paths.archives / folder.name, ignore_errors=True)
        folder.rename(paths.archives / folder.name)
    for folder in (new, root):
        shutil.rmtree(folder)
    (paths.archives / "apt").mkdir(exist_ok=True)  # mount point of the packages
    stamp.write_text(recipe)


def _recipe(paths: LabPaths) -> str:
    """Return a digest of everything that the archives are made from."""
    names = sorted(deb.name for deb in paths.archive_packages.glob("*.deb"))
    digest = hashlib.sha256(repr((names, yaml.__version__)).encode())
    for file in [Path(__file__), *sorted(_stub_folder().glob("*.py"))]:
        digest.update(file.read_bytes())
    if given := _real_grafana():
        about = given.stat()
        digest.update(f"{given} {about.st_size} {about.st_mtime_ns}".encode())
    return digest.hexdigest()


def _real_grafana() -> Path | None:
    name = os.environ.get(REAL_GRAFANA)
    if name and not Path(name).is_file():
        raise LabError(f"{REAL_GRAFANA} is {name}, and there is no such file")
    return Path(name) if name else None


def _stub_folder() -> Path:
    return Path(grafana_stub.__file__).parent


def _name(product: str, version: str) -> str:
    return f"{product}-{version}.linux-{ARCH}"


def _script(text: str) -> str:
    return SCRIPT.format(note=NOTE, text=text)


def _prometheus(root: Path, folder: Path) -> None:
    folder.mkdir()
    name = _name("prometheus", PROMETHEUS)
    texts = {
        "STAND-IN.txt": f"{NOTE}\n{DEBIAN_PROGRAMS} prometheus\n",
        "prometheus": _script(RUN_PROMETHEUS),
        "prometheus.yml": "global:\n  scrape_interval: 15s\n",
    }
    copies = {
        "promtool": root / "usr/bin/promtool",
        "debian/prometheus": root / "usr/bin/prometheus",
        "debian/web": root / "usr/share/prometheus/web",
    }
    good = folder / f"{name}.tar.gz"
    ArchiveTree(name, texts, copies).pack(good)
    (folder / f"{_name('prometheus', NEXT_PROMETHEUS)}.tar.gz").hardlink_to(good)
    for version, script in BROKEN_PROMETHEUS.items():
        name = _name("prometheus", version)
        texts = {
            "STAND-IN.txt": f"{NOTE}\nIt does not work, on purpose.\n",
            "prometheus": _script(script),
            "promtool": _script("exit 0"),
        }
        ArchiveTree(name, texts).pack(folder / f"{name}.tar.gz")
    _write_sums(folder)


def _node_exporter(root: Path, folder: Path) -> None:
    folder.mkdir()
    name = _name("node_exporter", NODE_EXPORTER)
    texts = {"STAND-IN.txt": f"{NOTE}\n{DEBIAN_PROGRAMS} prometheus-node-exporter\n"}
    copies = {"node_exporter": root / "usr/bin/prometheus-node-exporter"}
    ArchiveTree(name, texts, copies).pack(folder / f"{name}.tar.gz")
    _write_sums(folder)


def _grafana(root: Path, folder: Path) -> None:
    folder.mkdir()
    file = folder / f"{_name('grafana', GRAFANA)}.tar.gz"
    if given := _real_grafana():
        shutil.copyfile(given, file)
    else:
        _stand_in(root).pack(file)
    Path(f"{file}.sha256").write_text(f"{_sum(file)}  {file.name}\n")


def _stand_in(root: Path) -> ArchiveTree:
    """Return the stand-in for Grafana, with a Python to run it: bare hosts have none."""
    ours = "stand-in/ours"
    run = _script(RUN_GRAFANA)
    texts = {
        "STAND-IN.txt": f"{NOTE}\n{grafana_stub.VERSION_TEXT}\n{grafana_stub.__doc__}",
        "VERSION": f"{GRAFANA}\n",
        "bin/grafana": run,
        "bin/grafana-server": run.replace('grafana "$@"', 'grafana server "$@"'),
        "bin/grafana-cli": run.replace('grafana "$@"', 'grafana cli "$@"'),
        "conf/defaults.ini": (DATA / "grafana_defaults.ini").read_text(),
        "public/robots.txt": "User-agent: *\nDisallow: /\n",
        **{f"{ours}/provision/{name}__init__.py": "" for name in ("", "lab/")},
    }
    sources = {
        f"{ours}/provision/lab/grafana_stub/{file.name}": file
        for file in _stub_folder().glob("*.py")
    }
    pure = {
        f"{ours}/yaml/{file.name}": file
        for file in Path(yaml.__file__).parent.glob("*.py")
    }
    libraries = {
        f"stand-in/libraries/{file.name}": file
        for name in ("libz.so.1", "libexpat.so.1")
        for file in root.rglob(name)
    }
    program = next((root / "usr/bin").glob("python3.*"))
    python = {
        "stand-in/bin/python3": program,
        f"stand-in/lib/{program.name}": root / "usr/lib" / program.name,
    }
    top = f"grafana-v{GRAFANA}"
    return ArchiveTree(top, texts, {**sources, **pure, **libraries, **python})


def _sum(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _write_sums(folder: Path) -> None:
    lines = [f"{_sum(file)}  {file.name}" for file in sorted(folder.glob("*.tar.gz"))]
    (folder / "sha256sums.txt").write_text("\n".join(lines) + "\n")
