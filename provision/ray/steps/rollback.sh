# Puts the previous container in the place of the present one, if `back` is yes, and
# starts it. Interrupted anywhere, the next probe shows how far it came.
#
# needs: name, cluster, back, run, data_dir, stop_s, wipe, tables
# uses: node/drain.sh, node/find_previous.sh
find_previous
if [ "$back" = yes ]; then
    if docker container inspect "$name" >/dev/null 2>&1; then
        made=$(docker container inspect --format \
            '{{with .Config.Labels}}{{index . "provision.cluster"}} {{
            index . "provision.run"}}{{end}}' "$name")
        if [ "${made%% *}" != "$cluster" ] || [ "${made#* }" != "${run:-${made#* }}" ]; then
            echo "$name was replaced after it was probed: run this again" >&2
            exit 1
        fi
        # Record the run: after this no container says that it was the last.
        printf '%s\n' "${made#* }" >"$data_dir/.undone.new"
        mv -f -- "$data_dir/.undone.new" "$data_dir/undone"
        drain
        docker stop -t "$stop_s" "$name"
        [ -z "$wipe" ] || find "$tables" -mindepth 1 -delete
        docker rm --force --volumes "$name"
    fi
    docker rename "$previous" "$name"
fi
docker update --restart unless-stopped "$name" >/dev/null
docker start "$name"
