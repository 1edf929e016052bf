from __future__ import annotations

from pathlib import Path

import pytest

from provision import lab
from provision.errors import LabError
from provision.lab.paths import LabPaths, VirtualHost, virtual_hosts
from provision.lab.supplies import images
from provision.lab.system import DEBIAN_12, DEBIAN_13


def test_every_host_has_a_name_an_address_and_a_port_of_its_own() -> None:
    every = virtual_hosts(50)
    for attribute in ("name", "address", "port", "container"):
        assert len({getattr(host, attribute) for host in every}) == 50
    first = every[0]
    assert (first.name, first.address, first.port) == ("node1", "172.30.77.11", 2201)


def test_no_host_has_the_address_of_a_server_or_the_gateway() -> None:
    taken = {f"172.30.77.{number}" for number in (0, 1, 2, 3, 255)}
    assert not taken & {host.address for host in virtual_hosts(50)}


@pytest.mark.parametrize("number", [-1, 0, 51])
def test_a_number_of_hosts_without_room_is_refused(number: int) -> None:
    with pytest.raises(LabError, match=f"1 to 50 hosts, not {number}"):
        virtual_hosts(number)


def test_the_expected_hosts_are_those_with_a_key_in_order(tmp_path: Path) -> None:
    paths = LabPaths.find(tmp_path)
    assert paths.expected_hosts() == []
    paths.host_keys.mkdir()
    for name in ("node10", "node2", "node1", "node3.part", "other"):
        (paths.host_keys / name).touch()
    assert paths.expected_hosts() == [VirtualHost(1), VirtualHost(2), VirtualHost(10)]


def test_the_lab_is_found_from_a_directory_below(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert LabPaths.find().root == below / ".lab", "there is none yet"
    (tmp_path / ".lab").mkdir()
    assert LabPaths.find().root == tmp_path / ".lab"


def test_the_cache_can_be_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROVISION_LAB_CACHE", raising=False)
    assert LabPaths.find(tmp_path).packages == tmp_path / "cache" / "debian12/apt"
    monkeypatch.setenv("PROVISION_LAB_CACHE", str(tmp_path / "shared"))
    assert LabPaths.find(tmp_path).packages == tmp_path / "shared" / "debian12/apt"


def test_a_lab_keeps_the_system_of_its_hosts(tmp_path: Path) -> None:
    paths = LabPaths.find(tmp_path)
    assert paths.system is DEBIAN_12
    chosen = paths.choose(DEBIAN_13)
    assert LabPaths.find(tmp_path) == chosen
    assert chosen.packages != paths.packages, "each has packages of its own"
    assert chosen.registry_store == paths.registry_store, "and both the same images"


def test_hosts_of_another_system_are_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".lab/host_keys").mkdir(parents=True)
    (tmp_path / ".lab/host_keys/node1").touch()
    with pytest.raises(LabError, match="has hosts of debian12, and not of debian13"):
        lab.up(1, progress=print, system="debian13")


def test_an_unknown_system_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="ubuntu") as caught:
        lab.up(1, progress=print, system="ubuntu")
    assert "debian12, debian13" in caught.value.hint


def test_a_lab_keeps_the_number_of_its_networks(tmp_path: Path) -> None:
    paths = LabPaths.find(tmp_path)
    assert paths.networks == 1
    paths.choose_networks(2)
    assert LabPaths.find(tmp_path).networks == 2


def test_a_lab_has_two_networks_at_most(tmp_path: Path) -> None:
    for wrong in (3, -1):
        with pytest.raises(LabError, match=f"1 to 2 networks, not {wrong}"):
            lab.up(1, progress=print, networks=wrong)


def test_each_host_has_its_own_addresses_in_the_second_network() -> None:
    hosts = virtual_hosts(50)
    for addresses in (
        {h.second_address for h in hosts},
        {h.second_address6 for h in hosts},
    ):
        assert len(addresses) == 50
    assert hosts[0].second_address6 == "fd30:78::b"


def test_each_system_has_an_image_of_its_own() -> None:
    assert images.recipe(DEBIAN_12) != images.recipe(DEBIAN_13)
