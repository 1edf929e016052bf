"""Content of the farm's hosts, so that the playbooks of all contenders find it done."""

from __future__ import annotations

import grp
import hashlib
import json
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

import yaml

from provision.steps.docker.container.container import DockerContainer

PLAYBOOKS = Path(__file__).parents[1] / "playbooks"
PACKAGES = ("bash", "coreutils", "openssh-server")
ACCOUNTS = ("daemon", "mail")
"""Users of every Debian, each with a group of its own."""
TEXTS = {
    "etc/app.conf": "listen: 8080\nworkers: 4\n",
    "etc/app.env": "APP_HOME=/srv/app\nAPP_MODE=production\n",
    "etc/limits.conf": "app soft nofile 65535\n",
    "etc/app.service": "[Service]\nExecStart=/usr/bin/sleep infinity\n",
}
DIRECTORIES = ("etc", "data", "log")
IMAGE_ID = f"sha256:{'5' * 64}"
CONTAINER = DockerContainer(
    name="app", image="example/app:1.0", env={"MODE": "production"}
)
CHECKSUM = f"sha256:{'a' * 64}"
INSPECTED = f"""status=running
health=
restart={CONTAINER.restart}
image_id={IMAGE_ID}
files_then=
spec=SPEC"""
DOCKER = """#!/bin/sh
# Answers as an engine with one image and one container does.
case "$1 $2 ${4:-}" in
"container inspect "*) echo running ;;
"image inspect id="*) echo 'id=IMAGE_ID' ;;
"image inspect "*) echo 'IMAGE_ID' ;;
"inspect --format "*) printf '%s\\n' 'INSPECTED' 'image_now=IMAGE_ID' ;;
*) echo "stub: $*" >&2; exit 1 ;;
esac
"""


@dataclass(frozen=True, slots=True)
class Goods:
    """The farm's folder as the hosts see it, and who owns what is in it."""

    folder: Path
    owner: str
    group: str

    @classmethod
    def make(cls, folder: Path) -> Goods:
        """Put everything into *folder*."""
        owner = pwd.getpwuid(os.geteuid()).pw_name
        goods = cls(folder / "host", owner, grp.getgrgid(os.getegid()).gr_name)
        for name in DIRECTORIES:
            _directory(goods.folder / name)
        for name, text in TEXTS.items():
            path = goods.folder / name
            path.write_text(text)
            path.chmod(0o644)
        _archive(goods.folder / "opt")
        _directory(folder / "bin")
        _docker(folder / "bin" / "docker")
        return goods

    @property
    def variables(self) -> dict[str, object]:
        """Return the variables for the playbooks of all contenders."""
        return {
            "farm": str(self.folder),
            "owner": self.owner,
            "group": self.group,
            "checksum": CHECKSUM,
            "texts": {Path(name).name: text for name, text in TEXTS.items()},
        }

    @property
    def facts(self) -> list[str]:
        """Return the sorted output of the floor's script when all is as it should be."""
        rights = [f"rights {n} {self.owner} {self.group} 755" for n in DIRECTORIES]
        files = [f"rights {n} {self.owner} {self.group} 644" for n in TEXTS]
        sums = [f"sum {hashlib.sha256(t.encode()).hexdigest()}" for t in TEXTS.values()]
        return sorted(
            [
                *(f"package {name} installed" for name in PACKAGES),
                *(f"account {name}" for name in ACCOUNTS),
                *rights,
                *files,
                *sums,
                "archive 1.0",
                f"image {IMAGE_ID}",
                "container running",
            ]
        )


def inventory(
    path: Path,
    names: dict[str, dict[str, object]],
    variables: dict[str, object],
) -> Path:
    """Write an inventory, in the form that Ansible and we both read."""
    data = {"all": {"vars": variables, "hosts": names}}
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


def _directory(path: Path) -> None:
    path.mkdir(parents=True)
    path.chmod(0o755)


def _archive(folder: Path) -> None:
    _directory(folder / "1.0")
    (folder / "1.0" / ".provision").write_text(f"{CHECKSUM}\n{'a' * 64}\n")
    (folder / "current").symlink_to("1.0")


def _docker(path: Path) -> None:
    text = INSPECTED.replace("SPEC", json.dumps(CONTAINER.spec()))
    path.write_text(DOCKER.replace("INSPECTED", text).replace("IMAGE_ID", IMAGE_ID))
    path.chmod(0o755)
