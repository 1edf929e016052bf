# needs: cluster, "$@"
# uses: docker/no_containers.sh, brought.sh

# Prints the lines of its input, on one line after $1.
print_all() {
    shown=$(sort -u | tr '\n' ' ')
    [ -z "${shown% }" ] || printf '%s=%s\n' "$1" "${shown% }"
}
# Somebody else's engine that was off is so again, unless it has come to be used.
print_service_due() {
    [ -z "$(docker ps --quiet 2>&1)" ] || return 0
    case $(noted engine:service) in *:false)
        ! systemctl is-enabled docker >/dev/null 2>&1 || echo boot=true ;;
    esac
    case $(noted engine:service) in was:false:*) echo running=true ;; esac
}
due=$(conf_due)
case $due in
'') ;;
stays) printf 'stays=%s\n' "$conf" ;;
*) printf 'daemon.json=%s\n' "$due" ;;
esac
printf '%s\n' "$needing" | print_all needing
if ! "$is_ours"; then
    print_service_due
    # shellcheck disable=SC2086 # each word is a package
    [ -z "$clients" ] || printf '%s\n' "$going" | print_all client
    exit 0
fi
printf '%s\n' "${going:-remains}" | print_all engine
for path in $engine_dirs; do
    [ ! -d "$path" ] || is_brought "$path/content" || printf 'stays.%s=there before\n' "$path"
done
foreign_containers() {
    printf '%s\n' "$all" | while read -r name label; do
        [ "$label" = "$cluster" ] || echo "$name"
    done
}
# The images that a deploy brought, by their ids: they may have more names.
print_image() {
    case "$1 $2" in 'absent image:'*)
        docker image inspect --format '{{.Id}}' "${2#image:}" 2>/dev/null || true ;;
    esac
}
foreign_images() {
    ours=$(each_noted print_image)
    docker image ls --no-trunc --format '{{.ID}} {{.Repository}}:{{.Tag}}' |
        grep -vF "${ours:-no image}" | sed 's/^\([^ ]*\) <none>:<none>$/\1 \1/; s/^[^ ]* //'
}
# Without the daemon: the names lie in these files.
foreign_images_on_disk() {
    cat /var/lib/docker/image/*/repositories.json 2>/dev/null |
        grep -o '"[^"{}]*:[^"@{}]*":"sha256' | sed 's/^"//; s/":"sha256$//' |
        while read -r name; do
            [ "$(noted "image:$name")" = absent ] || echo "$name"
        done
}
# What lies in a folder that stays is not lost.
if ! is_brought /var/lib/docker/content; then
    if docker ps >/dev/null 2>&1; then
        all=$(docker ps --all --format '{{.Names}} {{.Label "provision.cluster"}}')
        foreign_containers | print_all containers
    fi
elif all=$(docker ps --all --format '{{.Names}} {{.Label "provision.cluster"}}'); then
    foreign_containers | print_all containers
    docker volume ls --quiet | print_all volumes
    docker network ls --format '{{.Name}}' | grep -vx 'bridge\|host\|none' | print_all networks
    foreign_images | print_all images
else
    no_containers || exit 1
    for volume in /var/lib/docker/volumes/*/; do
        [ ! -d "$volume" ] || basename "$volume"
    done | print_all volumes
    foreign_images_on_disk | print_all images
fi
