"""A guess is made when it is probably right, and not otherwise."""

from __future__ import annotations

import pytest

from provision.config.spelling import nearest


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("ansible_usr", "ansible_user"),
        ("workes", "workers"),
        ("imgae", "image"),
        ("pth", "path"),
        ("Workers", "workers"),
        ("ray_num_cpu", "ray_num_cpus"),
        ("nod2", "node2"),
    ],
)
def test_a_slip_of_the_hand_is_understood(word: str, meant: str) -> None:
    assert nearest(word, ["other", meant, "zone"]) == meant


@pytest.mark.parametrize(
    ("word", "choice"),
    [
        ("ray_volumes", "ray_tls"),
        ("mounts", "timeout_s"),
        ("ansible_network_os", "ansible_port"),
        ("ansible_ssh_args", "ansible_ssh_pass"),
        ("ray_env", "ray_tls"),
        ("node7", "node1"),
        ("a", "b"),
        ("", "head"),
    ],
)
def test_another_word_is_no_guess(word: str, choice: str) -> None:
    assert nearest(word, [choice]) == ""
