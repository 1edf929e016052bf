"""Fifteen things for pyinfra, as its users write them."""

from __future__ import annotations

from io import StringIO

from pyinfra import host
from pyinfra.facts.server import Command
from pyinfra.operations import apt, files, server

farm, texts = host.data.farm, host.data.texts
rights = {"user": host.data.owner, "group": host.data.get("group")}

apt.packages(packages=["bash", "coreutils", "openssh-server"])
server.group(group="daemon")
# Its home belongs to the distribution: left to itself, pyinfra would take it over.
server.user(user="mail", shell="/usr/sbin/nologin", ensure_home=False)
for name in ("etc", "data", "log"):
    files.directory(path=f"{farm}/{name}", mode="755", **rights)
for name in ("app.conf", "app.env", "app.service"):
    text = StringIO(texts[name])
    files.put(src=text, dest=f"{farm}/etc/{name}", mode="644", **rights)
files.line(path=f"{farm}/etc/limits.conf", line="app soft nofile 65535")
files.link(path=f"{farm}/opt/current", target="1.0")
if not host.get_fact(
    Command, "docker image inspect --format '{{.Id}}' example/app:1.0"
):
    server.shell(commands=["docker pull example/app:1.0"])
if (
    host.get_fact(Command, "docker container inspect --format '{{.State.Status}}' app")
    != "running"
):
    server.shell(commands=["docker start app"])
