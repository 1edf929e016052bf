"""The files a lab makes: inventory, known hosts, keys, and the index for apt."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
import yaml

from provision.errors import LabError
from provision.lab import inventory, keys
from provision.lab.paths import LabPaths, virtual_hosts
from provision.lab.supplies import apt_repository


@pytest.fixture
def paths(tmp_path: Path) -> LabPaths:
    return LabPaths(tmp_path / ".lab", tmp_path / "cache")


class TestInventory:
    def test_the_first_host_is_the_head_and_the_others_are_workers(
        self, paths: LabPaths
    ) -> None:
        groups = yaml.safe_load(inventory.inventory_text(paths, virtual_hosts(3)))[
            "all"
        ]["children"]
        assert list(groups["head"]["hosts"]) == ["node1"]
        assert groups["workers"]["hosts"] == {
            "node2": {"ansible_port": 2202, "address": "172.30.77.12"},
            "node3": {"ansible_port": 2203, "address": "172.30.77.13"},
        }

    def test_a_lab_of_one_host_has_no_workers(self, paths: LabPaths) -> None:
        groups = yaml.safe_load(inventory.inventory_text(paths, virtual_hosts(1)))[
            "all"
        ]["children"]
        assert groups["workers"]["hosts"] == {}

    def test_files_are_named_relative_to_it_and_are_there(
        self, paths: LabPaths
    ) -> None:
        inventory.write(paths, virtual_hosts(2))
        names = yaml.safe_load(paths.inventory.read_text())["all"]["vars"]
        for name in ("ansible_ssh_private_key_file", "known_hosts"):
            assert not Path(names[name]).is_absolute()
        assert (paths.inventory.parent / names["known_hosts"]).exists()
        assert not list(paths.root.glob("*.part"))

    def test_both_addresses_of_every_host_are_known(self, paths: LabPaths) -> None:
        lines = keys.known_hosts(paths, virtual_hosts(2)).splitlines()
        assert lines[1].startswith("[127.0.0.1]:2202,172.30.77.12 ssh-ed25519 ")
        assert lines[0].split()[2] != lines[1].split()[2]


class TestKeys:
    def test_a_key_is_made_once_and_only_its_owner_reads_it(
        self, paths: LabPaths
    ) -> None:
        first = keys.public_key(paths.key)
        assert keys.public_key(paths.key) == first
        assert paths.key.stat().st_mode & 0o777 == 0o600

    def test_threads_that_create_hosts_in_parallel_get_the_same_key(
        self, paths: LabPaths
    ) -> None:
        together = Barrier(8)

        def make(_: int) -> str:
            together.wait(10)
            return keys.public_key(paths.key)

        with ThreadPoolExecutor(8) as pool:
            made = set(pool.map(make, range(8)))
        assert len(made) == 1
        assert [path.name for path in paths.key.parent.iterdir()] == [paths.key.name]
        assert paths.key.stat().st_mode & 0o777 == 0o600

    def test_ssh_keygen_reads_the_same_public_key(self, paths: LabPaths) -> None:
        public = keys.public_key(paths.key)
        argv = ["ssh-keygen", "-y", "-f", str(paths.key)]
        line = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
        assert line.split()[:2] == public.split()[:2]

    def test_a_partly_written_key_is_ignored(self, paths: LabPaths) -> None:
        paths.root.mkdir()
        paths.key.with_suffix(".part").write_text("-----BEGIN")
        assert keys.public_key(paths.key).startswith("ssh-ed25519 ")

    def test_a_host_gets_its_own_key_and_accepts_the_labs(
        self, paths: LabPaths
    ) -> None:
        (host,) = virtual_hosts(1)
        with tarfile.open(fileobj=io.BytesIO(keys.host_files(paths, host))) as tar:
            own = tar.extractfile("etc/ssh/ssh_host_ed25519_key")
            allowed = tar.extractfile("home/admin/.ssh/authorized_keys")
            assert own and own.read() == paths.host_key(host).read_bytes()
            assert allowed and keys.public_key(paths.key).encode() in allowed.read()
            assert all(entry.mode == 0o600 for entry in tar)


class TestIndex:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Path:
        control = tmp_path / "tree" / "DEBIAN" / "control"
        control.parent.mkdir(parents=True)
        control.write_text(
            "Package: hello\nVersion: 1.0\nArchitecture: all\n"
            "Maintainer: a <a@example.org>\nDescription: greets\n more of it\n"
        )
        (tmp_path / "tree" / "greeting").write_text("hello\n")
        folder = tmp_path / "apt"
        folder.mkdir()
        argv = [
            "dpkg-deb",
            "--build",
            f"{tmp_path}/tree",
            f"{folder}/hello_1.0_all.deb",
        ]
        subprocess.run(argv, check=True, capture_output=True)
        return folder

    def test_it_has_the_path_and_the_checksum_of_each_package(
        self, repository: Path
    ) -> None:
        apt_repository.write_index(repository)
        data = (repository / "hello_1.0_all.deb").read_bytes()
        packages = (repository / "Packages").read_text()
        assert "Package: hello\n" in packages
        assert " more of it\n" in packages
        assert "Filename: ./hello_1.0_all.deb\n" in packages
        assert f"SHA256: {hashlib.sha256(data).hexdigest()}\n" in packages

    def test_the_release_file_has_its_checksum(self, repository: Path) -> None:
        apt_repository.write_index(repository)
        data = (repository / "Packages").read_bytes()
        entry = f" {hashlib.sha256(data).hexdigest()} {len(data)} Packages\n"
        assert entry in (repository / "Release").read_text()

    def test_a_package_can_be_unpacked(self, repository: Path, tmp_path: Path) -> None:
        apt_repository.unpack(repository, "hello", tmp_path / "programs")
        assert (tmp_path / "programs" / "greeting").read_text() == "hello\n"

    def test_a_broken_package_is_an_error(self, repository: Path) -> None:
        (repository / "bad_1_all.deb").write_text("not one")
        with pytest.raises(LabError, match="dpkg-deb"):
            apt_repository.write_index(repository)
