"""The measurement of bandwidth: rounds, the baseline, and what is said of slow pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provision.cli.start.doctor import _bandwidth
from provision.config.inventory import Host, Inventory, load
from provision.errors import OptionError
from provision.model.change import State
from provision.ray.doctor.bandwidth.bandwidth import measure
from provision.ray.doctor.bandwidth.baseline import (
    baseline_file,
    keep,
    read_baseline,
    with_baseline,
)
from provision.ray.doctor.bandwidth.choice import chosen_transfers, rounds
from provision.ray.doctor.bandwidth.rules import bandwidth_findings
from provision.ray.doctor.bandwidth.steps import Receive, SendTo
from provision.ray.doctor.finding import Diagnosis
from provision.ray.doctor.look.facts import Facts
from provision.ray.doctor.pairs.choice import all_pairs
from provision.ray.doctor.pairs.steps import StopListening
from provision.ray.doctor.transfer import Bandwidth, Transfer
from provision.ray.doctor.wanted import Wanted

NAMES = ("a", "b", "c")


@given(st.integers(0, 30))
@settings(max_examples=30, deadline=None)
def test_no_host_has_two_transfers_at_a_time(number: int) -> None:
    pairs = chosen_transfers([f"n{n}" for n in range(number)])
    plan = rounds(pairs)
    assert sorted(pair for row in plan for pair in row) == sorted(pairs)
    for row in plan:
        busy = [host for pair in row for host in pair]
        assert len(busy) == len(set(busy))


def test_all_pairs_up_to_twenty_hosts_and_a_ring_above() -> None:
    names = [f"n{n}" for n in range(50)]
    assert chosen_transfers(names[:20]) == all_pairs(names[:20])
    ring = chosen_transfers(names)
    assert len(ring) == len(set(ring)) == 100
    assert len(rounds(ring)) <= 6
    for name in names:
        assert sum(one == name for one, _ in ring) == 2
        assert sum(other == name for _, other in ring) == 2


def measured(
    numbers: Mapping[str, float | None], baseline: Mapping[str, float] | None = None
) -> Bandwidth:
    """Return a measurement; `ab` is the transfer from a to b."""
    made = tuple(
        Transfer(
            pair[0],
            pair[1],
            f"10.0.0.{pair[1]}",
            gbit_s,
            "" if gbit_s else "no answer",
            (baseline or {}).get(pair),
        )
        for pair, gbit_s in numbers.items()
    )
    return Bandwidth(made, len(made), "i/.provision/c/bandwidth.json")


EVEN: dict[str, float | None] = dict.fromkeys(("ab", "ba", "ac", "ca", "bc", "cb"), 9.4)


def test_equal_pairs_and_a_baseline_that_holds_are_no_finding() -> None:
    assert list(bandwidth_findings(measured(EVEN, dict.fromkeys(EVEN, 18.7)))) == []
    assert list(bandwidth_findings(measured({}))) == []


def test_a_pair_below_half_of_its_baseline_is_named() -> None:
    [one] = bandwidth_findings(measured({**EVEN, "bc": 4.6}, {"bc": 9.4, "ab": 9.4}))
    assert (one.id, one.host, one.level) == ("bandwidth-below-baseline", "b", "warning")
    assert one.seen == "b -> c has 4.6 Gbit/s; it had 9.4 Gbit/s"
    assert one.wanted == "at least 4.7 Gbit/s"
    assert "remove i/.provision/c/bandwidth.json" in one.remedy


def test_a_pair_below_a_third_of_the_fastest_is_named() -> None:
    [one] = bandwidth_findings(measured({**EVEN, "bc": 0.94}))
    assert (one.id, one.host) == ("bandwidth-low", "b")
    assert one.seen == "b -> c has 0.94 Gbit/s; a -> b has 9.4 Gbit/s"


def test_a_host_that_is_slow_with_all_others_is_one_finding() -> None:
    slow = {**EVEN, "ac": 0.9, "ca": 0.94, "bc": 0.94, "cb": 0.94}
    [one] = bandwidth_findings(measured(slow))
    assert (one.id, one.host) == ("bandwidth-low", "c")
    assert one.seen.startswith("all 4 transfers with other hosts are slow")
    assert "a -> c has 0.9 Gbit/s" in one.seen
    before = dict.fromkeys(EVEN, 9.4)
    [one] = bandwidth_findings(measured(slow, before))
    assert (one.id, one.host) == ("bandwidth-below-baseline", "c")


def test_two_hosts_are_a_pair_of_which_either_may_be_slow() -> None:
    found = list(bandwidth_findings(measured({"ab": 1, "ba": 1}, {"ab": 9, "ba": 9})))
    assert [one.host for one in found] == ["a", "b"]


def test_what_was_not_measured_is_unknown_and_never_0() -> None:
    found = measured({**EVEN, "ab": None})
    [one] = bandwidth_findings(found)
    assert (one.id, one.host) == ("bandwidth-unknown", "a")
    assert one.seen == "a -> b was not measured: no answer"
    shown = found.as_dict()["transfers"][0]
    assert (shown["gbit_s"], shown["why"]) == (None, "no answer")


def test_the_baseline_is_the_best_so_far(tmp_path: Path) -> None:
    file = tmp_path / ".provision/c/bandwidth.json"
    assert read_baseline(file) == {}
    first = measured({"ab": 9.0, "ba": None})
    keep(file, {}, first.transfers)
    assert read_baseline(file) == {("a", "b", "10.0.0.b"): 9.0}
    later = measured({"ab": 2.0, "ba": 8.0}).transfers
    assert [one.baseline for one in with_baseline(later, read_baseline(file))] == [
        9.0,
        None,
    ]
    keep(file, read_baseline(file), later)
    assert sorted(read_baseline(file).values()) == [8.0, 9.0]
    moved = (Transfer("a", "b", "192.168.0.2", 1.0),)
    [one] = with_baseline(moved, read_baseline(file))
    assert one.baseline is None, "another address is another network"


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"pairs": 1}', '{"pairs": [{"from": "a"}]}', "\xff", "null"],
)
def test_a_file_that_is_no_baseline_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bandwidth.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(OptionError, match="is not a baseline") as caught:
        read_baseline(file)
    assert "remove it" in caught.value.hint


def test_a_baseline_that_cannot_be_read_or_written_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bandwidth.json"
    file.mkdir()
    with pytest.raises(OptionError, match="cannot be read"):
        read_baseline(file)
    (tmp_path / "f").touch()
    with pytest.raises(OptionError, match="cannot be written"):
        keep(tmp_path / "f/bandwidth.json", {}, ())


def test_the_baseline_lies_beside_the_inventory(tmp_path: Path) -> None:
    path = tmp_path / "lab.yml"
    path.write_text("all: {vars: {cluster: c}, hosts: {a: {}}}")
    found: Inventory = load(path)
    assert baseline_file(found) == tmp_path / ".provision/c/bandwidth.json"


def needs(name: str) -> Wanted:
    host = Host(
        name=name,
        groups=("all",),
        vars={"address": f"10.0.0.{name}"},
        where="",
        inventory=(),
        base=Path(),
    )
    return Wanted(
        host=host,
        head=False,
        ports={},
        node_ports=(6380, 19999),
        sources=(),
        image_mb=0,
        data_dir="/d",
        container="ray-c",
        docker=True,
    )


class Network:
    """Hosts that receive at the first port they are given, and send as fast as is said."""

    def __init__(self, *mute: str, cut: str = "") -> None:
        self.mute, self.cut = mute, cut
        self.ended: set[str] = set()
        self.rounds: list[set[str]] = []

    def __call__(self, steps: Mapping[str, Any]) -> dict[str, State | None]:
        if any(isinstance(step, SendTo) for step in steps.values()):
            self.rounds.append(set(steps))
        return {name: self.reply(name, step) for name, step in steps.items()}

    def reply(self, name: str, step: Any) -> State | None:
        match step:
            case Receive():
                if name in self.mute:
                    return {"tool": "none"}
                return {"pid": f"1{name}", "port": str(step.ports[0])}
            case SendTo():
                assert step.port == 19999
                if f"{name}>{step.address}" == self.cut:
                    return {"why": "no answer"}
                return {"bytes": "1250000000", "microseconds": "1000000"}
            case StopListening():
                self.ended.add(name)
        return {}


LOOKS = [Facts(name, {}) for name in NAMES]
WANTED = {name: needs(name) for name in NAMES}


def test_each_pair_is_measured_both_ways(tmp_path: Path) -> None:
    network = Network()
    found = measure(LOOKS, WANTED, network, tmp_path / "b.json")
    assert {str(one) for one in found.transfers} == {
        "a -> b",
        "a -> c",
        "b -> a",
        "b -> c",
        "c -> a",
        "c -> b",
    }
    assert {gbit_s for gbit_s, _ in found.measured()} == {10.0}
    assert (found.pairs, found.sampled) == (6, False)
    assert network.ended == set(NAMES)
    assert all(len(row) == 1 for row in network.rounds)
    assert len(read_baseline(tmp_path / "b.json")) == 6


def test_a_host_that_cannot_receive_and_a_cut_pair_are_told(tmp_path: Path) -> None:
    network = Network("c", cut="a>10.0.0.b")
    found = measure(LOOKS, WANTED, network, tmp_path / "b.json")
    told = {str(one): one.why for one in found.transfers if one.gbit_s is None}
    assert told == {
        "a -> b": "no answer",
        "a -> c": "neither perl nor python3 is there on c, to receive",
        "b -> c": "neither perl nor python3 is there on c, to receive",
    }
    assert network.ended == {"a", "b"}


def test_receivers_are_ended_when_the_measurement_is_interrupted(
    tmp_path: Path,
) -> None:
    class Interrupted(Network):
        def reply(self, name: str, step: Any) -> State | None:
            if isinstance(step, SendTo):
                raise KeyboardInterrupt
            return super().reply(name, step)

    network = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        measure(LOOKS, WANTED, network, tmp_path / "b.json")
    assert network.ended == set(NAMES)
    assert not (tmp_path / "b.json").exists()


def test_the_screen_has_the_slowest_the_fastest_and_the_file() -> None:
    sample = replace(measured({**EVEN, "bc": 0.94, "cb": None, "ab": 20.04}), pairs=50)
    lines = list(_bandwidth(Diagnosis("c", {}, bandwidth=sample)))
    assert lines == [
        "bandwidth, 5 transfers between pairs, a sample of 50",
        "  slowest   0.94 Gbit/s, b -> c",
        "  fastest   20 Gbit/s, a -> b",
        "  baseline  i/.provision/c/bandwidth.json has the best of each pair so far",
        "",
    ]
    assert list(_bandwidth(Diagnosis("c", {}))) == []


def test_nothing_measured_has_no_slowest() -> None:
    nothing = measured({"ab": None})
    first, *rest = _bandwidth(Diagnosis("c", {}, bandwidth=nothing))
    assert first == "bandwidth, 0 transfers between pairs"
    assert len(rest) == 2


def test_one_host_has_no_pair(tmp_path: Path) -> None:
    found = measure(LOOKS[:1], WANTED, Network(), tmp_path / "b.json")
    assert (found.transfers, found.pairs, found.sampled) == ((), 0, False)


def test_json_has_it_or_says_that_it_was_not_measured() -> None:
    assert Diagnosis("c", {}).as_dict()["bandwidth"] is None
    told = Diagnosis("c", {}, bandwidth=measured({"ab": 9.4})).as_dict()["bandwidth"]
    assert told["transfers"] == [
        {"from": "a", "to": "b", "gbit_s": 9.4, "baseline_gbit_s": None, "why": ""}
    ]
