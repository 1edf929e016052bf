# needs: name
# Prints how the container is, and its last lines; nothing if there is none.

print_container() (
    docker container inspect --format 'container {{.Name}}: {{.State.Status}}, exit code {{
.State.ExitCode}}{{if .State.OOMKilled}}, out of memory{{end}}, restarted {{
.RestartCount}} times{{with .State.Error}}: {{.}}{{end}}' "$name" 2>/dev/null || exit 0
    esc=$(printf '\033')
    docker logs --tail 15 "$name" 2>&1 | sed "s/$esc\[[0-9;]*m//g"
)
