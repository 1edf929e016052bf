# Prints the present and the previous container, and the run that was rolled back last.
#
# needs: name, data_dir
command -v docker >/dev/null || exit 0
describe() {
    { why=$(docker container inspect --format "$1"'.status={{.State.Status}}
'"$1"'.health={{if .State.Health}}{{.State.Health.Status}}{{end}}
'"$1"'.restart={{.HostConfig.RestartPolicy.Name}}
'"$1"'.created={{.Created}}
'"$1"'.image_id={{.Image}}
'"$1"'.cluster={{index .Config.Labels "provision.cluster"}}
'"$1"'.run={{index .Config.Labels "provision.run"}}
'"$1"'.spec={{index .Config.Labels "provision.spec"}}' "$2" 2>&1 >&3); } 3>&1 && return
    case $why in *[Nn]"o such "[oc]*) return 0 ;; esac
    printf '%s\n' "$why" >&2
    exit 1
}
describe now "$name"
describe "then" "$name-previous"
[ ! -e "$data_dir/undone" ] || printf 'undone.run=%s\n' "$(cat -- "$data_dir/undone")"
