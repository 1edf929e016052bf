# Prints how the node's container is, and the mark that it was stopped on purpose.
#
# needs: name, agent_port, stop_mark
# uses: http.sh
[ ! -f "$stop_mark" ] || printf 'mark=%s\n' "$(head -n 1 -- "$stop_mark")"
command -v docker >/dev/null || exit 0
{ why=$(docker container inspect --format 'status={{.State.Status}}
cluster={{with .Config.Labels}}{{index . "provision.cluster"}}{{end}}' "$name" 2>&1 >&3); } 3>&1 || {
    case $why in *[Nn]"o such "[oc]*) echo status=absent; exit 0 ;; esac
    printf '%s\n' "$why" >&2
    exit 1
}
[ "$(http 3 code 127.0.0.1 "$agent_port" /api/healthz)" != 200 ] || echo health=healthy
