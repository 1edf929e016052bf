# Removes the runtimes "$@" of the cluster from this host, with the head's tables.
#
# needs: name, "$@"
# uses: shell/drain_process.sh, shell/stop.sh

remove_docker() {
    command -v docker >/dev/null || return 0
    docker ps --all --quiet --filter "label=provision.cluster=$cluster" |
        while read -r remove_id; do
            docker stop -t "$stop_s" "$remove_id"
            docker rm --force --volumes "$remove_id"
        done
}
remove_pip() {
    [ ! -r "$process/run" ] || drain
    stop_process
    if process_has_systemd && [ -e "/etc/systemd/system/$process_unit" ]; then
        systemctl -q disable "$process_unit"
        rm -f -- "/etc/systemd/system/$process_unit"
        systemctl daemon-reload
    fi
    rm -rf -- "$process" "$process.previous"
}
for remove_each; do
    "remove_$remove_each"
done
[ ! -d "$data_dir/gcs" ] || find "$data_dir/gcs" -mindepth 1 -delete
