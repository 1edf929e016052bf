# Puts another process of the node in the place of the one that is there, which is kept for a
# way back. Interrupted anywhere, the next probe still reports a difference.
#
# needs: run, environments, user, reads, run_file, start_file, unit_file, spec, wipe, tables
# uses: shell/drain_process.sh, shell/stop.sh, shell/begin.sh

environment=$(readlink -f -- "$environments/current") && [ -x "$environment/bin/ray" ] || {
    echo "there is no Ray in $environments/current" >&2
    exit 1
}
if [ -r "$process/spec" ]; then
    drain
    stop_process
    rm -rf -- "$process.previous"
    cp -a -- "$process" "$process.previous"
fi
[ -z "$wipe" ] || [ ! -d "$tables" ] || find "$tables" -mindepth 1 -delete
mkdir -p -- "$process"
chmod 755 -- "$process"
rm -f -- "$process/spec"
printf '%s' "$run_file" >"$process/run"
printf '%s' "$start_file" >"$process/start"
printf '%s' "$unit_file" >"$process/unit"
printf '%s' "$reads" >"$process/reads"
printf '%s\n' "$user" >"$process/user"
printf '%s\n' "$run" >"$process/made_by"
ln -sfn -- "$environment" "$process/environment"
begin_process
# Last: without it there is no node.
printf '%s\n' "$spec" >"$process/spec.new"
mv -f -- "$process/spec.new" "$process/spec"
