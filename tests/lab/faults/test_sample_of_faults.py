"""A sample of the faults, chosen by the seed in PROVISION_FAULT_SEED."""

from __future__ import annotations

import os
import random

import pytest

from faults import cluster, table
from faults.causes import kills
from faults.fault import CannotInjectError, Fault

SEED = int(os.environ.get("PROVISION_FAULT_SEED", "1"))
SECONDS = 45
"""Time for the small faults; the killed controller takes as much again."""
EVERY = table.faults()
KILLED = next(one for one in EVERY if one.check is kills.sometimes)
SMALL = [one for one in EVERY if not one.cluster]
SAMPLE = [*table.sample(SMALL, SEED, SECONDS), KILLED]
REST = [one for one in EVERY if one not in SAMPLE]

pytestmark = [pytest.mark.lab, pytest.mark.timeout(3600)]


def check(one: Fault) -> None:
    random.seed(SEED)
    if one.cluster:
        cluster.ensure_deployed()
    try:
        one.check()
    except CannotInjectError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("one", SAMPLE, ids=lambda one: one.name)
def test_a_fault_of_the_sample_has_the_expected_outcome(
    running_lab: object, one: Fault
) -> None:
    check(one)


@pytest.mark.long
@pytest.mark.parametrize("one", REST, ids=lambda one: one.name)
def test_each_other_fault_has_the_expected_outcome(
    running_lab: object, one: Fault
) -> None:
    check(one)
