"""What a host's own log says of changes, and what odd values do to it: nothing."""

from __future__ import annotations

import getpass
import socket

import pytest
from one_host import changes, sh

from provision.steps.files import Directory, File, FileAbsent

PLACE = "/srv/security-tests"
pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(300),
    pytest.mark.usefixtures("running_lab"),
]


def test_the_journal_of_a_host_says_who_changed_what_and_from_where() -> None:
    sh(f"rm -rf {PLACE}")
    since = sh("date +%s")
    made = Directory(path=PLACE), File(path=f"{PLACE}/note", content="hunter2 is it")
    try:
        assert len(changes(*made)) > 2, "and a second run, which changes nothing"
    finally:
        changes(FileAbsent(paths=[PLACE]))
    # Where ssh's own log says the login came from.
    gate = sh("ip route show default | sed 's/^default via //; s/ .*//'")
    journal = sh(f"journalctl -q -o cat -t provision --since @{since}").splitlines()
    runs = {line.split(" run=")[1].split()[0] for line in journal}
    about = f"by={getpass.getuser()}@{socket.gethostname()} from={gate} login=admin"
    assert [line.partition(" by=")[0].split(" run=")[0] for line in journal] == [
        "cluster=step-tests"
    ] * 3
    assert all(about in line for line in journal), journal
    assert [line.partition("change=")[2] for line in journal] == [
        f'"directory {PLACE}" fields=4:type,owner,group,mode',
        f'"file {PLACE}/note" fields=5:type,owner,group,mode,content',
        f'"no {PLACE}" fields=1:{PLACE}',
    ]
    assert len(runs) == 2
    assert "hunter2" not in "\n".join(journal)
