"""The shell that installs packages, shared by all steps that do; see `packages`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

Package = Annotated[
    str, Field(pattern=r"\A[A-Za-z0-9]([A-Za-z0-9.+_-]*[A-Za-z0-9+_])?(:[a-z0-9]+)?\z")
]
"""A package's name. apt-get would take one that ends in a dash as one to remove."""

UPDATE_WITHIN_S = 86400
"""How old the lists of packages may be, where a step does not say it."""

# Why the lists' folder is touched: an update that finds nothing new leaves it as it is,
# and there should be no mark of ours on the host. Why /proc/locks: apt before 1.9 does not name the holder, and
# fuser is often missing.
INSTALL = r"""
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
lists=/var/lib/apt/lists
locks='/var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock
/var/cache/apt/archives/lock'
lock_holder() {
    for lock in $locks; do
        inode=$(stat -c %i "$lock" 2>/dev/null) || continue
        held=": [A-Z]* *[A-Z]* *WRITE \([1-9][0-9]*\) [^ ]*:$inode .*"
        pid=$(sed -n "s/^[0-9]*$held/\1/p" /proc/locks | head -n 1)
        [ -n "$pid" ] || continue
        command=$(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c -80) || command=
        printf '%s is held by process %s (%s)\n' "$lock" "$pid" "${command% }"
        return 0
    done
    return 1
}
lists_are_fresh() {
    ls "$lists"/*_* >/dev/null 2>&1 || return 1
    [ -n "$(find "$lists" -maxdepth 0 -mmin "-$((update_within_s / 60))")" ]
}
update_lists() {
    waited=0
    # Unlike an install, an update does not wait for its lock by itself.
    until apt-get update -q; do
        lock_holder >&2 && [ "$waited" -lt "$lock_timeout_s" ] || return 0
        sleep 3
        waited=$((waited + 3))
    done
    touch "$lists"
}
apt_get() {
    apt-get -y -q -o DPkg::Lock::Timeout="$lock_timeout_s" \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}
apt() {
    apt_get "$@" && return
    if lock_holder >&2; then return 75; fi
    # What a dpkg that was killed left to be done lies here.
    [ -n "$(ls -A /var/lib/dpkg/updates)" ] || return 1
    dpkg --force-confdef --force-confold --configure -a && apt_get "$@"
}
apt_install() {
    if lists_are_fresh; then
        apt install --no-install-recommends "$@" && return
        [ $? != 75 ] || return 75
    fi
    update_lists
    apt install --no-install-recommends "$@"
}
install_packages() {
    if command -v apt-get >/dev/null; then
        apt_install "$@"
    elif command -v dnf >/dev/null; then
        dnf install -y -q "$@"
    elif command -v yum >/dev/null; then
        yum install -y -q "$@"
    else
        echo 'this host has neither apt-get nor dnf nor yum' >&2
        return 1
    fi
}
"""


def advice(problem: str) -> str:
    """What to do about *problem*, the output of a failed install or removal."""
    if "is held by process" in problem or "Could not get lock" in problem:
        return "let that process end, or raise `lock_timeout_s`, and run again"
    missing = ("Unable to locate package", "has no installation candidate", "No match")
    if any(words in problem for words in missing):
        return "check the name, and that its repository is set up on the host"
    if "Temporary failure resolving" in problem or "Could not resolve" in problem:
        return "the host cannot resolve the mirror's name: see its DNS"
    if "You don't have enough free space" in problem or "No space left" in problem:
        return "free space on the host, for example with `apt-get clean`"
    return ""
