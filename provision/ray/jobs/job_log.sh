# Prints what the log of a job has after its first $offset bytes: first a line with its place
# (session, past for one of an earlier session, record or none) and its size, then the bytes.
#
# needs: data_dir, job, offset
file='' place=none
# The names of sessions begin with their times, so the last that has it is the newest.
for found in "$data_dir"/ray/session_*/logs/job-driver-"$job".log; do
    if [ -f "$found" ] && [ ! -L "$found" ]; then file=$(readlink -f "$found") place=session; fi
done
latest=$(readlink -f "$data_dir/ray/session_latest" 2>/dev/null) || latest=
case $file in "$latest"/*) ;; ?*) place=past ;; esac
if [ -z "$file" ] && [ -f "$data_dir/job_records/logs/$job" ]; then
    file=$data_dir/job_records/logs/$job place=record
fi
size=0
[ -z "$file" ] || size=$(stat -c %s -- "$file") || exit 1
printf '%s %s\n' "$place" "$size"
[ "$size" -gt "$offset" ] || exit 0
# No more than this size: the rest comes with the next look.
tail -c "+$((offset + 1))" -- "$file" | head -c "$((size - offset))"
