# needs: name, image, files
# uses: digest.sh

probe_container() {
    command -v docker >/dev/null || return 0
    # One call for both: each costs a host more than all of a shell's own work. Only a
    # container has a state; `index` makes Docker read the plain JSON of both.
    { why=$(docker inspect --format '{{if index . "State"}}status={{.State.Status}}
health={{with index .State "Health"}}{{.Status}}{{end}}
restart={{.HostConfig.RestartPolicy.Name}}{{if .RestartCount}}
restarts={{.RestartCount}}{{end}}
image_id={{.Image}}{{with .Config.Labels}}
files_then={{with index . "provision.files"}}{{.}}{{end}}
spec={{with index . "provision.spec"}}{{.}}{{end}}{{end}}{{else}}image_now={{.Id}}{{end}}' \
        "$name" "$image" 2>&1 >&3); } 3>&1 || {
        # All that is missing is named in a line of its own.
        case $(printf '%s\n' "$why" | grep -v -i 'no such [ioc]\|^$') in ?*)
            printf '%s\n' "$why" >&2
            return 1
            ;;
        esac
    }
    [ -z "$files" ] || printf 'files_now=%s\n' "$(digest)"
}
