# needs: lock_timeout_s, "$@"
# uses: purge.sh

if command -v apt-get >/dev/null; then
    also=$(leaving purge "$@" | grep -vxF "$noted_packages") || also=
    if [ -n "$also" ]; then
        printf 'these need it and would go as well: %s\n' "$(echo "$also" | tr '\n' ' ')" >&2
        exit 1
    fi
fi
purge_brought "$@"
