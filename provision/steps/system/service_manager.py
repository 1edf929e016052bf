"""Shell that asks the manager of services: systemd where it runs, else init scripts."""

from __future__ import annotations

# `started` identifies one start of the service: a restart by anyone gives another.
MANAGER = r"""
record=/run/provision-started.$name
has_systemd() { [ -d /run/systemd/system ]; }
refresh() {
    ! has_systemd || shown="
$(TZ=UTC systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState \
        -p InvocationID -p NRestarts -p ExecMainStartTimestamp "$name")
"
}
# The shell's own means: this is asked for many times in a look, and sed is a process.
property() {
    after=${shown#*"
$1="}
    [ "$after" = "$shown" ] || printf '%s\n' "${after%%"
"*}"
}
started() { if has_systemd; then property InvocationID; else echo script; fi; }
# Large files, such as programs, are told apart by their path, size and time.
are_small() {
    sizes=$(stat -L -c %s -- "$@" 2>/dev/null) || return 1
    for size in $sizes; do [ "$size" -le 1048576 ] || return 1; done
}
each_file() {
    if are_small "$@"; then
        sha256sum -- "$@" 2>&1
        return
    fi
    for file; do
        size=$(stat -L -c %s -- "$file" 2>/dev/null) || size=0
        if [ "$size" -gt 1048576 ]; then
            readlink -f -- "$file"
            stat -L -c '%s %Y' -- "$file"
        else
            sha256sum -- "$file" 2>&1
        fi
    done
}
digest() {
    {
        [ $# -eq 0 ] || each_file "$@"
        if [ -n "$archive" ]; then
            readlink -- "$archive/current"
            cat -- "$archive/current/.provision" 2>&1
        fi
    } | sha256sum | cut -c -64
}
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
        enabled=$(property UnitFileState)
        # Of an init script only this knows whether it is started at boot.
        [ "$enabled" != generated ] || enabled=$(systemctl is-enabled "$name" 2>/dev/null)
        case $enabled in
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
refresh || exit 1
"""
"""Functions about the service `$name`, and `$shown`, what systemd knows of it."""

EVIDENCE = r"""
# One that was remembered as well, such as after a rollback, has nothing to explain.
[ ! -e "/run/provision-started.$name" ] || exit 0
if [ -d /run/systemd/system ]; then
    systemctl show -p Result -p ExecMainStatus "$name"
    journalctl -u "$name" -n 15 --no-pager -o cat
else
    tail -n 15 "/var/log/$name.log"
fi 2>/dev/null
"""
