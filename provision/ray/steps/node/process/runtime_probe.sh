# Prints which of the runtimes "$@" the cluster has on this host, and whether Ray runs there.
#
# needs: "$@"
# uses: shell/process.sh, docker/no_containers.sh

# Of an engine that is off: none of its containers has the label.
runtime_has_none() {
    if grep -qs data-root /etc/docker/daemon.json ||
        grep -qsF "\"provision.cluster\":\"$cluster\"" /var/lib/docker/containers/*/config.v2.json
    then
        echo 'Docker does not answer, and may have a container of this cluster' >&2
        return 1
    fi
}
runtime_docker() {
    command -v docker >/dev/null || return 0
    runtime_found=$(docker ps --all --filter "label=provision.cluster=$cluster" \
        --format '{{.Names}} {{.State}}' 2>/dev/null) ||
        { no_containers || runtime_has_none; return; }
    case $runtime_found in
    '') ;;
    *running*) echo 'docker=running' ;;
    *) echo 'docker=stopped' ;;
    esac
}
runtime_pip() {
    [ -e "$process" ] || [ -e "/etc/systemd/system/$process_unit" ] || return 0
    printf 'pip=%s\n' "$(process_status)"
}
for runtime_each; do
    "runtime_$runtime_each" || exit 1
done
