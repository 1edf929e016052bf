# Prints the present process of the node and the one before it, and the run that was rolled
# back last.
#
# needs: data_dir, agent_port
# uses: ../node/process/shell/process.sh, http.sh

describe() {
    [ -r "$2/spec" ] || return 0
    sed "s/^/$1./" "$2/spec"
    printf '%s.environment=%s\n' "$1" "$(readlink -- "$2/environment")"
    printf '%s.run=%s\n' "$1" "$(cat -- "$2/made_by")"
}
describe "then" "$process.previous"
describe now "$process"
if [ -r "$process/spec" ]; then
    status=$(process_status)
    health=
    [ "$status" != running ] ||
        [ "$(http 3 code 127.0.0.1 "$agent_port" /api/healthz)" != 200 ] || health=healthy
    printf 'now.status=%s\nnow.health=%s\n' "$status" "$health"
    [ ! -e "$process/not_started" ] || echo now.restart=no
fi
[ ! -e "$data_dir/undone" ] || printf 'undone.run=%s\n' "$(cat -- "$data_dir/undone")"
