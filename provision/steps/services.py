"""Services of a host: running with the files as they are now, or gone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from provision.fields import AbsPath
from provision.shell import Reply, Sh
from provision.step import Absence, Change, State, Step

Name = Annotated[str, Field(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.@-]*\z")]

# `started` identifies one start of the service: a restart by anyone gives another.
MANAGER = r"""
record=/run/provision-started.$name
has_systemd() { [ -d /run/systemd/system ]; }
refresh() {
    ! has_systemd || shown=$(TZ=UTC systemctl show -p LoadState -p ActiveState \
        -p InvocationID -p NRestarts -p ExecMainStartTimestamp "$name")
}
property() { printf '%s\n' "$shown" | sed -n "s/^$1=//p"; }
started() { if has_systemd; then property InvocationID; else echo script; fi; }
digest() { sha256sum -- "$@" 2>&1 | sha256sum | cut -c -64; }
exists() {
    if has_systemd; then
        # One whose unit file was removed while it runs is there as well.
        case "$(property LoadState) $(property ActiveState)" in
        "not-found inactive" | "not-found failed") false ;;
        esac
    else
        [ -x "/etc/init.d/$name" ]
    fi
}
state() {
    if has_systemd; then
        case $(property ActiveState) in
        active | reloading) echo true ;;
        activating) echo starting ;;
        failed) echo failed ;;
        *) echo false ;;
        esac
    elif "/etc/init.d/$name" status >/dev/null 2>&1; then
        echo true
    else
        echo false
    fi
}
boot() {
    if has_systemd; then
        case $(systemctl is-enabled "$name" 2>/dev/null) in
        enabled | alias | generated) echo true ;;
        static | indirect) echo static ;;
        masked*) echo masked ;;
        *) echo false ;;
        esac
    elif ls /etc/rc[2345].d/S[0-9][0-9]"$name" >/dev/null 2>&1; then
        echo true
    else
        echo false
    fi
}
refresh
"""
LOOK = (
    MANAGER
    + r"""
is_current() {
    if [ -r "$record" ] && read -r start digest <"$record" &&
        [ "$start" = "$(started)" ]; then
        [ "$digest" = "$(digest "$@")" ]
        return
    fi
    # Someone else started it: see whether a file has been touched since.
    has_systemd || return 1
    at=$(date -d "$(property ExecMainStartTimestamp)" +%s 2>/dev/null) || return 1
    for file; do
        touched=$(stat -L -c %Z -- "$file" 2>/dev/null) || return 1
        [ "$touched" -lt "$at" ] || return 1
    done
}
exists || exit 0
running=$(state)
printf 'running=%s\nboot=%s\n' "$running" "$(boot)"
if [ "$running" != true ] || is_current "$@"; then
    echo files=current
else
    echo files=outdated
fi
"""
)
MAKE = (
    MANAGER
    + r"""
exists || { printf 'this host has no service %s\n' "$name" >&2; exit 1; }
case $boot in
'') ;;
*)
    if has_systemd; then
        systemctl -q "$boot" "$name"
    else
        update-rc.d "$name" defaults >/dev/null
        update-rc.d "$name" "$boot"
    fi ;;
esac
[ -n "$act" ] || exit 0
digest=$(digest "$@")
rm -f "$record"
if has_systemd; then
    systemctl reset-failed "$name" 2>/dev/null || true
    systemctl "$act" "$name"
else
    # A daemon that keeps our output open would keep the connection busy.
    "/etc/init.d/$name" "$act" >"$record.out" 2>&1 || { cat "$record.out" >&2; exit 1; }
    rm -f "$record.out"
fi
[ "$act" = restart ] || exit 0
sleep "$stays_s"
refresh
again=0
! has_systemd || again=$(property NRestarts)
if [ "$(state)" != true ] || [ "${again:-0}" -gt 0 ]; then
    echo "it was started and ended within $stays_s s" >&2
    exit 1
fi
printf '%s %s\n' "$(started)" "$digest" >"$record"
"""
)
EVIDENCE = r"""
if [ -d /run/systemd/system ]; then
    systemctl show -p Result -p ExecMainStatus "$name"
    journalctl -u "$name" -n 15 --no-pager -o cat
else
    tail -n 15 "/var/log/$name.log"
fi 2>/dev/null
"""


class Service(Step, kind="service"):
    """A service that runs, also after a reboot, with its files as they are now.

    A change of one of `files` since the last start is a difference of this step, so
    the service is restarted, whoever wrote the file and whenever. What it was started
    with is remembered on the host; if it was started by someone else, its files must
    be older than the start. systemd is used where it runs, else the init script.

    Example:
        service: {name: prometheus, files: [/etc/prometheus/prometheus.yml]}

    Raises:
        ApplyError: there is no such service, or it did not stay up; the report has
            the last lines of its journal.

    Source: systemctl(1), systemd 239; update-rc.d(8).
    """

    name: Name
    running: bool = True
    boot: bool = True
    """Start it at boot."""
    files: tuple[AbsPath, ...] = ()
    """What it reads when it starts: configuration, its program, its unit file."""
    stays_s: float = Field(default=2, ge=0)
    """How long it has to stay up to count as started."""

    @property
    def title(self) -> str:
        return f"service {self.name}"

    def probe(self) -> Sh:
        return Sh.of(LOOK, *self.files, name=self.name)

    def observe(self, reply: Reply) -> State:
        state = dict(super().observe(reply))
        # A unit without an [Install] section cannot be enabled, nor need be disabled.
        if not self.boot and state.get("boot") in {"static", "masked"}:
            state["boot"] = "false"
        return state

    def desired(self) -> State:
        running, boot = str(self.running).lower(), str(self.boot).lower()
        files = {"files": "current"} if self.running and self.files else {}
        return {"running": running, "boot": boot, **files}

    def apply(self, changes: Sequence[Change]) -> Sh:
        fields = {change.field for change in changes}
        acts = bool(fields & {"running", "files"})
        return Sh.of(
            MAKE,
            *self.files,
            name=self.name,
            act=("restart" if self.running else "stop") if acts else "",
            boot=("enable" if self.boot else "disable") if "boot" in fields else "",
            stays_s=self.stays_s,
        )

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, name=self.name)

    def advice(self, problem: str) -> str:
        if "has no service" in problem:
            return "install it first: `packages`, or a `systemd_unit` step"
        if "is masked" in problem or "boot: masked" in problem:
            return f"someone masked it: `systemctl unmask {self.name}` on the host"
        if "boot: static" in problem:
            return "its unit has no [Install] section: add one, or set boot: false"
        return ""


ABSENT_LOOK = (
    MANAGER
    + r"""
exists || exit 0
running=$(state)
[ "$running" = false ] || printf 'running=%s\n' "$running"
[ "$(boot)" != true ] || echo boot=true
"""
)
ABSENT_STOP = (
    MANAGER
    + r"""
if has_systemd; then
    systemctl stop "$name"
    [ "$(boot)" != true ] || systemctl disable -q "$name"
    systemctl reset-failed "$name" 2>/dev/null || true
else
    "/etc/init.d/$name" stop
    update-rc.d "$name" disable
fi
rm -f "$record"
"""
)


class ServiceAbsent(Absence, kind="service_absent"):
    """A service that neither runs nor starts at boot; its files stay.

    Example:
        service_absent: {name: prometheus}

    Raises:
        ApplyError: it cannot be stopped.

    Source: systemctl(1), systemd 239; update-rc.d(8).
    """

    name: Name

    @property
    def title(self) -> str:
        return f"no service {self.name}"

    def probe(self) -> Sh:
        return Sh.of(ABSENT_LOOK, name=self.name)

    def apply(self, changes: Sequence[Change]) -> Sh:
        return Sh.of(ABSENT_STOP, name=self.name)

    def evidence(self) -> Sh:
        return Sh.of(EVIDENCE, name=self.name)
