"""Shell that probes a Ray node on its host: container, health, and its ports."""

from __future__ import annotations

from provision.steps.docker.container import PROBE

NODE_PROBE = (
    "probe_container() (\n"
    + PROBE
    + r""")
answers() {
    timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1
        [ -n "$2" ] || exit 0
        printf "GET %s HTTP/1.0\r\n\r\n" "$2" >&3
        read -r _ code _ <&3 && [ "$code" = 200 ]' "$@" 2>/dev/null
}
container=$(probe_container) || exit 1
printf '%s\n' "$container"
case $container in
*status=running*)
    if answers 127.0.0.1 "$agent_port" /api/healthz; then
        echo health=healthy
    elif answers "$head" "$head_port" ''; then
        echo health=starting
    else
        echo "health=cannot reach the head at $head:$head_port"
    fi ;;
*status=restarting*) ;;
*)
    ss -Hltnp 2>/dev/null | while read -r _ _ _ local _ who; do
        case " $ports " in
        *" ${local##*:} "*) printf 'taken.%s=%s\n' "${local##*:}" "$who" ;;
        esac
    done ;;
esac
"""
)
HEALTH = (
    "bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port} && "
    'printf "GET /api/healthz HTTP/1.0\\r\\n\\r\\n" >&3 && '
    'read -r _ code _ <&3 && [ "$code" = 200 ] && '
    "{ touch /tmp/provision-was-healthy 2>/dev/null; true; }'"
)
"""Docker's health check; leaves a mark in a container that was healthy once."""
