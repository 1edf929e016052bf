"""The Docker engine of a host: gone, if it was installed by us."""

from __future__ import annotations

from collections.abc import Sequence

from provision.errors import RefusedError
from provision.model.change import Change, State
from provision.model.fields import Seconds, Word
from provision.model.shell import Sh
from provision.model.step import Absence
from provision.steps.docker.container import NO_CONTAINERS

PROBE = (
    NO_CONTAINERS
    + r"""
[ -e /etc/docker/provision.packages ] || exit 0
printf 'engine=%s\n' "$(paste -s -d ' ' /etc/docker/provision.packages)"
all=$(docker ps --all --format '{{.Names}} {{.Label "provision.cluster"}}') ||
    no_containers || exit 1
others=$(printf '%s\n' "$all" | while read -r name label; do
    [ "$label" = "$cluster" ] || printf '%s ' "$name"
done)
[ -z "${others% }" ] || printf 'others=%s\n' "${others% }"
"""
)
RULES = r"""
# Docker's chains, those in which people put rules for it among them, what jumps to them,
# and what Docker says about its bridges; nothing else that has its name somewhere.
each_table() {
    "$tables-save" | sed -n "/^\*/p; /^COMMIT/p; $1" |
        "$tables-restore" --wait 10 --noflush
}
bridge='-[io] \(docker0\|br-[0-9a-f]\{12\}\)\( .*\)\{0,1\}$'
for tables in iptables ip6tables; do
    command -v "$tables-restore" >/dev/null || continue
    each_table "/^-A DOCKER/b
        s/^-A \(.* -[jg] DOCKER.*\)/-D \1/p; t
        /^-A \(FORWARD\|POSTROUTING\) .*$bridge/s/^-A/-D/p" &&
        each_table 's/^:\(DOCKER[^ ]*\) .*/-F \1/p' &&
        each_table 's/^:\(DOCKER[^ ]*\) .*/-X \1/p' ||
        echo "some rules of Docker stay in $tables"
done
"""
REMOVE = (
    r"""
export DEBIAN_FRONTEND=noninteractive
ours=$(cat /etc/docker/provision.packages)
if [ -d /run/systemd/system ]; then
    systemctl stop docker.socket docker containerd 2>/dev/null || true
else
    service docker stop || true
fi
ip link delete docker0 2>/dev/null || true
"""
    + RULES
    + r"""
set -f
if command -v apt-get >/dev/null; then
    wait="-o DPkg::Lock::Timeout=$lock_timeout_s"
    dpkg --configure -a
    apt-get purge -y -q $wait "$@"
    # Of what came with it only what nothing else has come to need.
    orphans=$(apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' |
        grep -xF "$ours") || orphans=
    [ -z "$orphans" ] || apt-get purge -y -q $wait $orphans
    # A purge that was killed is taken up by the next one as a mere removal, and a
    # package that left its notes behind is not set up in full when it comes back.
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" $ours 2>/dev/null |
        sed -n 's/^config-files //p' | sort -u | xargs -r dpkg --purge
else
    dnf remove -y -q "$@" || yum remove -y -q "$@"
fi
# A stopped daemon leaves the mounts of its network namespaces and of dead containers.
sed -n 's#^[^ ]* \(/run/docker/[^ ]*\) .*#\1#p
    s#^[^ ]* \(/run/containerd/[^ ]*\) .*#\1#p
    s#^[^ ]* \(/var/lib/docker/[^ ]*\) .*#\1#p' /proc/mounts | sort -r |
    while read -r at; do umount -l "$at" || true; done
for dir in /var/lib/docker /var/lib/containerd; do
    [ ! -d "$dir" ] || find "$dir" -xdev -mindepth 1 -delete
    [ ! -d "$dir" ] || rmdir "$dir" 2>/dev/null || mountpoint -q "$dir"
done
rm -rf /run/docker /run/docker.sock /run/docker.pid /run/containerd
groupdel docker 2>/dev/null || true
# Last, since it has the note that this engine is ours.
rm -rf /etc/docker
"""
)


class DockerEngineAbsent(Absence, kind="docker_engine_absent"):
    """No Docker engine of ours: one that `docker_engine` installed is removed whole.

    An engine that was there before, or that someone installed since, stays.

    Raises:
        RefusedError: it has containers that are not the cluster's.
        ApplyError: the packages cannot be removed.
    """

    cluster: Word
    packages: tuple[Word, ...] = ("docker.io",)
    lock_timeout_s: int = 120
    timeout_s: Seconds = 900

    @property
    def title(self) -> str:
        return "docker engine"

    def probe(self) -> Sh:
        return Sh.of(PROBE, cluster=self.cluster)

    def plan(self, observed: State) -> list[Change]:
        if others := observed.get("others"):
            raise RefusedError(
                f"the engine has containers that are not the cluster's: {others}",
                hint="remove them first, or leave the engine",
            )
        return super().plan(observed)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(REMOVE, *self.packages, lock_timeout_s=self.lock_timeout_s)
