"""Advice about targets that Prometheus does not reach."""

from __future__ import annotations

import pytest

from provision.ray.steps.prometheus_targets import PrometheusTargets

STEP = PrometheusTargets(host="10.0.0.1")
DROPPED = 'Get "http://{}/metrics": context deadline exceeded'
REJECTED = 'Get "http://{}/metrics": dial tcp {}: connect: no route to host'


def advice(**troubles: str) -> str:
    """Return the advice where targets, by job, are down at the address in their trouble."""
    places = {
        f"{job} {t.partition('|')[0]}": t.partition("|")[2]
        for job, t in troubles.items()
    }
    left = STEP.plan({"targets": "1 of 9 up", "number": "9", **places})
    return STEP.advice("after 60 s it still differs: " + ", ".join(map(str, left)))


def at(place: str, words: str) -> str:
    return f"{place}|{words.replace('{}', place)}"


@pytest.mark.parametrize("words", [DROPPED, REJECTED])
def test_a_firewall_is_named_with_the_ports_and_the_commands(words: str) -> None:
    said = advice(node=at("10.0.0.3:9100", words), ray=at("10.0.0.3:6385", words))
    assert "a firewall of 10.0.0.3 or on the way drops it: TCP ports 6385,9100" in said
    assert "`ufw allow proto tcp from 10.0.0.1 to any port 6385,9100`" in said
    assert "--add-source=10.0.0.1 && firewall-cmd --reload`" in said


def test_hosts_are_named_once_and_with_ipv6() -> None:
    said = advice(
        node=at("[fd00::3]:9100", DROPPED), other=at("10.0.0.4:9100", DROPPED)
    )
    assert "a firewall of fd00::3, 10.0.0.4 or on the way drops it" in said


def test_a_service_that_does_not_run_is_not_blamed_on_a_firewall() -> None:
    said = advice(node=at("10.0.0.3:9100", "dial tcp {}: connect: connection refused"))
    assert said == "see that the service with that port runs on that host"


def test_only_the_target_that_does_not_answer_is_behind_it() -> None:
    said = advice(
        node=at("10.0.0.3:9100", "connection refused"),
        ray=at("10.0.0.4:6385", DROPPED),
    )
    assert "a firewall of 10.0.0.4 or" in said
    assert "10.0.0.3" not in said
