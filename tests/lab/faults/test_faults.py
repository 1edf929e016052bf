"""Some faults, chosen by a seed: PROVISION_FAULT_SEED chooses others."""

from __future__ import annotations

import os

import pytest

from faults import cluster, table
from faults.fault import CannotBeDoneError, Fault

SEED = int(os.environ.get("PROVISION_FAULT_SEED", "1"))
SECONDS = 90
EVERY = table.faults()
SAMPLE = table.sample([one for one in EVERY if not one.cluster], SEED, SECONDS)
REST = [one for one in EVERY if one not in SAMPLE]

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]


def check(one: Fault) -> None:
    if one.cluster:
        cluster.deployed()
    try:
        one.check()
    except CannotBeDoneError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("one", SAMPLE, ids=lambda one: one.name)
def test_a_fault_of_the_sample_is_held(running_lab: object, one: Fault) -> None:
    check(one)


@pytest.mark.long
@pytest.mark.parametrize("one", REST, ids=lambda one: one.name)
def test_each_other_fault_is_held(running_lab: object, one: Fault) -> None:
    check(one)
