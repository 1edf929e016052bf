# needs:
# uses: manifest/still_there.sh
# Packages that a deploy brought: $noted_packages has their names, a line for each.

print_package() {
    case "$1 $2" in 'absent package:'* | 'config-files package:'*) echo "${2#package:}" ;; esac
}
noted_packages=$(each_noted print_package | sort -u)
# Those that were removed before, and whose configuration was there.
print_with_configuration() {
    # The first note counts: somebody may have removed since then what a deploy had brought.
    case "$(noted "$2") $2" in 'config-files package:'*) echo "${2#package:}" ;; esac
}
# Those of the words "$@" that are a line of $1.
among() {
    lines=$1
    shift
    [ $# -eq 0 ] || printf '%s\n' "$@" | grep -xF -e "$lines" || true
}
# What apt-get would remove with the options and names "$@".
leaving() {
    # That something recommends a package is no need: nobody asked for it.
    apt-get -s -q -o APT::AutoRemove::RecommendsImportant=false \
        -o APT::AutoRemove::SuggestsImportant=false "$@" 2>/dev/null | sed -n 's/^\(Purg\|Remv\) \([^ :]*\).*/\2/p' | sort -u
}
# What rpm would not remove "$@" for, by name: the packages that need them.
rpm_needing() {
    rpm -e --test -- "$@" 2>&1 | sed -n 's/.* is needed by (installed) //p' | sort -u |
        while read -r needing_one; do rpm -q --qf '%{NAME}\n' -- "$needing_one"; done
}
# What a deploy brought of that which the packages "$@" require or recommend.
rpm_required() (
    set -f
    # shellcheck disable=SC2046 # each word is a capability, such as libc.so.6()(64bit)
    among "$noted_packages" $(rpm -q --qf '%{NAME}\n' --whatprovides -- $({
        rpm -q --requires -- "$@"
        rpm -q --recommends -- "$@" 2>/dev/null
    } | sed 's/ .*//; s/^(*//' | sort -u) 2>/dev/null | sort -u)
)
# As going_with: rpm does not know what came with others. Those that a deploy brought and that
# need "$@" go, and those that came with them as far as rpm says that nothing needs them then.
rpm_going_with() (
    set -f
    # shellcheck disable=SC2046 # each word is a package
    set -- "$@" $(among "$noted_packages" $(rpm_needing "$@"))
    grown=true
    while "$grown"; do
        grown=false
        # shellcheck disable=SC2046 # each word is a package
        for one in $(rpm_required "$@"); do
            case " $* " in *" $one "*) continue ;; esac
            rpm -e --test -- "$@" "$one" >/dev/null 2>&1 || continue
            set -- "$@" "$one"
            grown=true
        done
    done
    printf '%s\n' "$@"
)
# What other packages "$@" would take along, or would not go for: nothing if they can go.
needing() {
    if command -v apt-get >/dev/null; then leaving purge "$@"; else rpm_needing "$@"; fi |
        grep -vxF "$noted_packages" || true
}
# Of the installed packages "$@", and those that came with them and that nothing needs then,
# the names that a deploy brought.
going_with() {
    [ $# -gt 0 ] || return 0
    if command -v apt-get >/dev/null; then
        set -f
        # shellcheck disable=SC2046 # each word is a package
        among "$noted_packages" $(leaving --auto-remove purge "$@")
        set +f
    else
        rpm_going_with "$@"
    fi
}
