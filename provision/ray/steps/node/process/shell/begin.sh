# Starts the process of a Ray node as its folder says, and remembers the files it reads.
#
# needs: boot
# uses: process.sh

begin_digests() {
    while IFS= read -r begin_file; do
        sha256sum -- "$begin_file"
    done <"$process/reads"
}
begin_with_systemd() {
    cmp -s -- "$process/unit" "/etc/systemd/system/$process_unit" || {
        cp -- "$process/unit" "/etc/systemd/system/.$process_unit.new"
        mv -f -- "/etc/systemd/system/.$process_unit.new" "/etc/systemd/system/$process_unit"
    }
    systemctl daemon-reload
    if "$boot"; then begin_boot=enable; else begin_boot=disable; fi
    systemctl -q "$begin_boot" "$process_unit"
    systemctl reset-failed "$process_unit" 2>/dev/null || true
    systemctl start "$process_unit"
}
# Not in our session, which ends with the connection, and with none of our output.
begin_detached() {
    set -- sh "$process/start"
    read -r begin_user <"$process/user"
    if [ "$begin_user" != "$(id -un)" ]; then
        command -v setpriv >/dev/null || {
            echo "cannot run Ray as $begin_user: there is no setpriv (package util-linux)" >&2
            return 1
        }
        set -- setpriv "--reuid=$begin_user" "--regid=$(id -g -- "$begin_user")" \
            --init-groups "$@"
    fi
    (
        ulimit -n 65535 2>/dev/null || ulimit -n "$(ulimit -H -n)"
        # shellcheck disable=SC3045 # each of the three shells has -l
        ulimit -l unlimited 2>/dev/null || ulimit -l "$(ulimit -H -l)" || true
        cd /
        exec setsid "$@" </dev/null >"$process/log" 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    ) &
    begin_pid=$!
    read -r begin_boot </proc/sys/kernel/random/boot_id
    printf '%s %s %s\n' "$begin_pid" "$(process_begun "$begin_pid")" "$begin_boot" \
        >"$process/pid"
}
begin_process() {
    begin_digests >"$process/files"
    rm -f -- "$process/not_started"
    if process_has_systemd; then begin_with_systemd; else begin_detached; fi
}
