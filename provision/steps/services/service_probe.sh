# needs: name, archive, "$@"
# uses: service_files.sh

link_is_older() {
    [ -n "$archive" ] || return 0
    touched=$(stat -c %Z -- "$archive/current" 2>/dev/null) && [ "$touched" -lt "$at" ]
}
is_current() {
    [ -z "$archive" ] || [ "$(version current)" = "$(version healthy)" ] || return 1
    if [ -r "$record" ] && read -r start digest <"$record" &&
        [ "$start" = "$(started)" ]; then
        [ "$digest" = "$(digest "$@")" ]
        return
    fi
    # Someone else started it: see whether a file has been touched since.
    compared="times"
    has_systemd || return 1
    at=$(date -d "$(property ExecMainStartTimestamp)" +%s 2>/dev/null) || return 1
    link_is_older || return 1
    for file; do
        touched=$(stat -L -c %Z -- "$file" 2>/dev/null) || return 1
        [ "$touched" -lt "$at" ] || return 1
    done
}
exists || exit 0
compared="contents"
running=$(state)
printf 'running=%s\nboot=%s\n' "$running" "$(boot)"
if [ "$running" != true ] || is_current "$@"; then
    echo files=current
else
    echo files=outdated
fi
echo "compared=$compared"
