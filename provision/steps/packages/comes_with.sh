# needs: "$@"
# Each argument has the names of one step. Makes "$@" all of them, before probe.sh looks at them.

steps=$#
set -f
# shellcheck disable=SC2048,SC2086 # each word is a name
set -- $*
set +f
# Prints which of the missing packages "$@" apt would install with another of them, or of which
# it cannot tell: a plan of several steps has to know what the earlier ones bring.
print_what_comes() {
    missing=$(for name; do ! is_any_missing "$name" || printf '%s\n' "$name"; done)
    for wanted in $missing; do
        if ! brought=$(apt-get -s -q --no-install-recommends install "$wanted" 2>/dev/null); then
            printf 'alone.%s=unknown\n' "$wanted"
            continue
        fi
        printf '%s\n' "$brought" | sed -n 's/^Inst \([^ ]*\) .*/\1/p' |
            grep -xF -e "$missing" | grep -vxF -e "$wanted" |
            sed "s/.*/comes.&.with.$wanted=true/" || true
    done
}
