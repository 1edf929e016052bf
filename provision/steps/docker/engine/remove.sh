# needs: goes, lock_timeout_s, "$@"
# uses: packages/absent/purge.sh, remove_rules.sh, brought.sh
# Takes back what `docker_engine` did: the engine with all of its data, or the client that it
# added to somebody else's; and daemon.json.

service_is() {
    if [ -d /run/systemd/system ]; then
        systemctl "$@" 2>/dev/null || true
    elif [ "$1" = stop ]; then
        service docker stop || true
    fi
}
# Debian's docker.io deletes /var/lib/docker when it is purged, by a program that it puts
# there when it is removed.
remove_first() {
    [ $# -eq 0 ] || ! command -v apt-get >/dev/null || apt_get remove "$@"
    rm -f /var/lib/docker/nuke-graph-directory.sh
}
# A purge that was killed is taken up by the next one as a mere removal, and a package that
# left its notes behind is not set up in full when it comes back.
purge_rest() {
    command -v dpkg-query >/dev/null || return 0
    dpkg-query -W -f '${db:Status-Status} ${Package}\n' -- "$@" 2>/dev/null |
        sed -n 's/^config-files //p' | sort -u |
        grep -vxF -e "$(each_noted print_with_configuration)" | xargs -r dpkg --purge
}
restore_conf() {
    case $(conf_due) in
    remove) rm -f -- "$conf" ;;
    restore) undo restore "$conf" "$(noted "path:$conf")" ;;
    *) return 0 ;;
    esac
    forget "path:$conf" engine:daemon.json
    "$is_ours" || ! [ -e /run/docker.pid ] || kill -HUP "$(cat /run/docker.pid)" || true
}
# A stopped daemon leaves the mounts of its network namespaces and of dead containers.
unmount_below() {
    sed 's/^[^ ]* \([^ ]*\) .*/\1/' /proc/mounts | sort -r | while read -r at; do
        case $at in "$1"/*) umount -l "$at" || true ;; esac
    done
}
remove_dir() {
    [ -d "$1" ] || return 0
    was=$(noted "path:$1")
    if is_brought "$1/content"; then
        unmount_below "$1"
        find "$1" -xdev -mindepth 1 -delete
    fi
    case $was in
    empty:* | dir:*) undo rights "$1" "$was" ;;
    absent) rmdir "$1" 2>/dev/null || mountpoint -q "$1" ;;
    esac
}
remove_engine() {
    service_is stop docker.socket docker
    # shellcheck disable=SC2086 # each word is a package
    [ -z "$(among "$(printf 'containerd\ncontainerd.io')" $going)" ] || service_is stop containerd
    ip link delete docker0 2>/dev/null || true
    remove_rules
    was=$(noted engine:policy)
    [ -z "$was" ] || ! command -v iptables >/dev/null || iptables -P FORWARD "${was#was:}"
    was=$(noted engine:forwarding)
    [ "$was" != was:0 ] || echo 0 >"$forwarding"
}
remove_data() {
    for path in $engine_dirs; do
        # It may have come to be used without Docker, and then it stays.
        case $path in *containerd*) ! command -v containerd >/dev/null || continue ;; esac
        remove_dir "$path"
    done
    for path in $engine_files; do ! is_brought "$path" || rm -f -- "$path"; done
    [ "$(noted group:docker)" != absent ] || groupdel docker 2>/dev/null || true
    for path in $shared_dirs; do ! is_brought "$path" || rmdir "$path" 2>/dev/null || true; done
}

restore_service() {
    if [ -z "$(docker ps --quiet 2>&1)" ]; then
        case $(noted engine:service) in *:false) service_is disable -q docker ;; esac
        case $(noted engine:service) in
        was:false:*) service_is stop docker.socket docker ;;
        esac
    fi
    forget engine:service
}

if [ -n "$needing" ]; then
    echo "other packages need the engine and would go as well: $needing" >&2
    exit 1
fi
# What has come to be ours since the plan was made was not in it.
if "$is_ours" && ! "$goes"; then
    echo 'the engine is not as it was when this was planned: plan again' >&2
    exit 1
fi
set -f
if "$is_ours"; then remove_engine; fi
restore_conf
"$is_ours" || restore_service
# shellcheck disable=SC2086 # each word is a package
is_brought /var/lib/docker/content || remove_first $engines
! command -v apt-get >/dev/null || dpkg --configure -a
# shellcheck disable=SC2086 # each word is a package
purge_brought $going
# shellcheck disable=SC2086 # each word is a package
purge_rest $noted_packages
# shellcheck disable=SC2086 # each word is a package
left=$(installed_of $engines $clients)
if [ -n "$left" ]; then
    echo "these packages cannot be removed: $left" >&2
    exit 1
fi
if "$is_ours"; then
    remove_data
    forget engine:forwarding engine:policy
fi
# Last, since they tell that the engine is ours.
for name in $noted_engines; do forget "package:$name"; done
