# needs: "$@"
# uses: packages/apt.sh

if ! command -v apt-get >/dev/null; then
    rpm -e -- "$@"
    exit
fi
names=$(printf '%s\n' "$@")
also=$(apt-get -s -q remove "$@" | sed -n 's/^Remv \([^ ]*\).*/\1/p' |
    grep -vxF "$names") || also=
if [ -n "$also" ]; then
    printf 'these need it and would go as well: %s\n' "$(echo "$also" | tr '\n' ' ')" >&2
    exit 1
fi
apt remove "$@"
