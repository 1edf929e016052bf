# Writes the program and its units, and starts the timer; makes the folders "$@" before.
#
# needs: write, program, service, timer, program_path, service_path, timer_path, timer_name, service_name, "$@"
[ $# -eq 0 ] || mkdir -p -- "$@"
put() {
    printf '%s' "$2" >"$1.new"
    chmod 644 "$1.new"
    mv -f -- "$1.new" "$1"
}
if "$write"; then
    put "$program_path" "$program"
    put "$service_path" "$service"
    put "$timer_path" "$timer"
    systemctl daemon-reload
fi
systemctl enable -q "$timer_name"
systemctl restart "$timer_name"
# So that the first result, and the first error, are there at once.
systemctl start "$service_name"
