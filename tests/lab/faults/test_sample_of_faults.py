"""Some faults, chosen by a seed: PROVISION_FAULT_SEED chooses others."""

from __future__ import annotations

import os
import random

import pytest

from faults import cluster, table
from faults.causes import kills
from faults.fault import CannotBeDoneError, Fault

SEED = int(os.environ.get("PROVISION_FAULT_SEED", "1"))
SECONDS = 45
"""What small faults may take; the killed controller takes as much again."""
EVERY = table.faults()
KILLED = next(one for one in EVERY if one.check is kills.sometimes)
SMALL = [one for one in EVERY if not one.cluster]
SAMPLE = [*table.sample(SMALL, SEED, SECONDS), KILLED]
REST = [one for one in EVERY if one not in SAMPLE]

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]


def check(one: Fault) -> None:
    random.seed(SEED)
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
