# needs: name, image, files
# uses: digest.sh

inspect_both() {
    # One call for both: each costs a host more than all of a shell's own work. Only a
    # container has a state; `index` makes Docker read the plain JSON of both, in which
    # every number counts as true, also 0.
    { why=$(docker inspect --format '{{if index . "State"}}status={{.State.Status}}
health={{with index .State "Health"}}{{.Status}}{{end}}
restart={{.HostConfig.RestartPolicy.Name}}
memory={{.HostConfig.Memory}}{{if ne (print .RestartCount) "0"}}
restarts={{.RestartCount}}
started={{.State.StartedAt}}{{end}}
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
}
# Prints what Docker knows; in the place of the time of the last start of a container that
# Docker has started again, whether that was lately: seconds would differ at each look, and so no
# guard would find what was planned from. container.py has the same limit.
with_age() {
    before=${found%%"
started="*}
    [ "$before" != "$found" ] || { printf '%s\n' "$found"; return; }
    after=${found#*"
started="}
    time=${after%%[.Z]*}
    time=$(date -u -d "${time%T*} ${time#*T}" +%s) || return 1
    lately=false
    [ "$(($(date +%s) - time))" -ge 120 ] || lately=true
    printf '%s\nrestarted_lately=%s\n%s\n' "$before" "$lately" "${after#*"
"}"
}
probe_container() {
    command -v docker >/dev/null || return 0
    found=$(inspect_both) || return 1
    [ -z "$found" ] || with_age || return 1
    [ -z "$files" ] || printf 'files_now=%s\n' "$(digest)"
}
