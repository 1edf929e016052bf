"""The archives that the lab offers, in the publishers' names and paths."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

import pytest

from provision.errors import LabError
from provision.lab.engine import Engine
from provision.lab.paths import LabPaths
from provision.lab.supplies import download_archives, services

PROGRAMS = {
    "usr/bin/prometheus": "#!/bin/sh\n",
    "usr/bin/promtool": "#!/bin/sh\n",
    "usr/bin/prometheus-node-exporter": "#!/bin/sh\n",
    "usr/bin/python3.11": "#!/bin/sh\n",
    "usr/lib/python3.11/os.py": "",
    "usr/lib/aarch64-linux-gnu/libz.so.1": "",
    "usr/share/javascript/d3/d3.js": "",
    "usr/share/prometheus/web/templates/_base.html": "",
}


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabPaths:
    def unpacked(_parts: Path, _package: str, root: Path) -> None:
        for path, text in PROGRAMS.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            (root / path).chmod(0o755)
        static = root / "usr/share/prometheus/web/static"
        static.mkdir()
        (static / "d3").symlink_to("../../../javascript/d3")
        (static / "broken").symlink_to("nowhere")

    monkeypatch.setattr(download_archives, "unpack", unpacked)
    monkeypatch.delenv(download_archives.REAL_GRAFANA, raising=False)
    return LabPaths(tmp_path / ".lab", tmp_path / "cache")


def ensure(paths: LabPaths) -> list[str]:
    lines: list[str] = []
    download_archives.ensure_archives(paths, lines.append)
    return lines


def names(file: Path) -> list[str]:
    with tarfile.open(file) as tar:
        assert {(entry.uid, entry.gid, entry.uname) for entry in tar} == {(0, 0, "")}
        return [entry.name for entry in tar]


def archive(paths: LabPaths, product: str, version: str) -> Path:
    name = f"{product}-{version}.linux-{download_archives.ARCH}.tar.gz"
    return paths.archives / product / name


def test_they_are_made_once(paths: LabPaths) -> None:
    assert ensure(paths) != []
    assert ensure(paths) == []
    kept = {path.name for path in paths.archives.iterdir()}
    assert kept == {".recipe", "apt", "grafana", "node_exporter", "prometheus"}


def test_each_has_a_checksum_file_like_its_publishers(paths: LabPaths) -> None:
    ensure(paths)
    for product in ("prometheus", "node_exporter"):
        folder = paths.archives / product
        lines = (folder / "sha256sums.txt").read_text().splitlines()
        assert len(lines) == len(list(folder.glob("*.tar.gz")))
        for line in lines:
            digest, name = line.split("  ")
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    grafana = archive(paths, "grafana", download_archives.GRAFANA)
    digest = hashlib.sha256(grafana.read_bytes()).hexdigest()
    assert Path(f"{grafana}.sha256").read_text().split() == [digest, grafana.name]


def test_each_says_what_it_is_and_has_its_programs(paths: LabPaths) -> None:
    ensure(paths)
    expected = {
        archive(paths, "prometheus", download_archives.PROMETHEUS): {
            "prometheus",
            "promtool",
        },
        archive(paths, "prometheus", "3.5.2"): {"prometheus", "promtool"},
        archive(paths, "node_exporter", download_archives.NODE_EXPORTER): {
            "node_exporter"
        },
        archive(paths, "grafana", download_archives.GRAFANA): {
            "bin/grafana",
            "conf/defaults.ini",
            "stand-in/bin/python3",
            "stand-in/ours/provision/lab/grafana_stub/__main__.py",
            "stand-in/ours/yaml/__init__.py",
        },
    }
    for file, programs in expected.items():
        inside = names(file)
        assert len({name.partition("/")[0] for name in inside}) == 1, "one folder"
        assert {*programs, "STAND-IN.txt"} <= {n.partition("/")[2] for n in inside}


def test_links_become_files_and_broken_ones_are_left_out(paths: LabPaths) -> None:
    ensure(paths)
    inside = names(archive(paths, "prometheus", download_archives.PROMETHEUS))
    web = [name for name in inside if "/static/" in name]
    assert [name.rpartition("/static/")[2] for name in web] == ["d3/d3.js"]


def test_a_real_grafana_is_served_instead(
    paths: LabPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure(paths)
    (tmp_path / "real.tar.gz").write_text("real")
    monkeypatch.setenv(download_archives.REAL_GRAFANA, str(tmp_path / "real.tar.gz"))
    assert ensure(paths) != []
    assert archive(paths, "grafana", download_archives.GRAFANA).read_text() == "real"
    monkeypatch.setenv(download_archives.REAL_GRAFANA, "/none")
    with pytest.raises(LabError, match="there is no such file"):
        ensure(paths)


def test_a_server_that_an_older_version_started_is_replaced(
    paths: LabPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, files = services.lab_servers(paths)
    labels = {
        registry.container: registry.made_from,
        files.container: "what it was made from before",
    }
    ran: list[str] = []

    def docker(_engine: Engine, *words: str, **_more: object) -> str:
        if words[0] == "run":
            ran.extend(words)
        return labels.get(words[-1], "")

    monkeypatch.setattr(Engine, "docker", docker)
    monkeypatch.setattr(services.LabServer, "answers", lambda _: True)
    monkeypatch.setattr(services, "unpack", lambda *_: None)
    paths.packages.mkdir(parents=True)
    (paths.packages / "Release").touch()
    services.ensure_servers(Engine(""), paths, "image")
    assert f"--name={files.container}" in ran
    assert f"--name={registry.container}" not in ran
    assert f"--volume={paths.archives}:/files:ro" in ran
    assert f"--volume={paths.packages}:/files/apt:ro" in ran
