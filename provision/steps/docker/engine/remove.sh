# needs: lock_timeout_s, "$@"
# uses: remove_rules.sh, system/apt.sh

ours=$(cat /etc/docker/provision.packages /etc/docker/provision.client 2>/dev/null) || true
engines='docker-ce
docker-ce-cli
docker.io
docker-cli
moby-engine'
if [ $# -eq 0 ]; then
    set -f
    # shellcheck disable=SC2046 # each word is a package
    set -- $(printf '%s\n' "$ours" | grep -xF "$engines")
fi
if [ -d /run/systemd/system ]; then
    systemctl stop docker.socket docker containerd 2>/dev/null || true
else
    service docker stop || true
fi
ip link delete docker0 2>/dev/null || true
remove_rules
set -f
if command -v apt-get >/dev/null; then
    dpkg --configure -a
    apt_get purge "$@"
    # Of what came with it only what nothing else has come to need.
    orphans=$(apt-get -s autoremove | sed -n 's/^Remv \([^ ]*\).*/\1/p' |
        grep -xF "$ours") || orphans=
    # shellcheck disable=SC2086 # each word is a package
    [ -z "$orphans" ] || apt_get purge $orphans
    # A purge that was killed is taken up by the next one as a mere removal, and a
    # package that left its notes behind is not set up in full when it comes back.
    # shellcheck disable=SC2086 # each word is a package
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
