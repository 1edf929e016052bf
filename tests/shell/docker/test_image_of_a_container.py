"""A container of an image that `commit` made has none of the former one's variables."""

from __future__ import annotations

import os
from pathlib import Path

from shells import EACH_SHELL, run

from provision.model.change import Change
from provision.steps.docker.container.container import DockerContainer

DOCKER = """#!/bin/sh
case "$1 $2" in
'image inspect') echo 'FORMER http_proxy' ;;
'container inspect') [ "$4" != "${4#*Restart}" ] && echo 0 || exit 1 ;;
'run '*) printf '%s\\n' "$@" "proxy=${http_proxy-none}" >"$FOLDER/run" ;;
esac
"""


@EACH_SHELL
def test_neither_its_own_nor_the_host_s(tmp_path: Path, shell: tuple[str, ...]) -> None:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "docker").chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "FOLDER": str(tmp_path)}
    step = DockerContainer(name="web", image="lab/x:1", env={"FORMER": "now"})
    sh = step.apply([Change("container", None, "web")])
    run(shell, sh, env={**env, "http_proxy": "of-the-host"})
    words = (tmp_path / "run").read_text().splitlines()
    places = [n for n, word in enumerate(words) if word == "--env"]
    assert {words[n + 1] for n in places} >= {"FORMER", "http_proxy"}
    assert "proxy=none" in words
    given = [n for n, word in enumerate(words) if "FORMER=now" in word]
    assert given and given[0] > words.index("FORMER"), "the later one counts"
