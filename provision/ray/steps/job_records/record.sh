# Copies the list of jobs that Ray knows, and the output of those that were submitted, to
# where no new session, no new Ray and no other version removes them.
#
# needs: records, data_dir, host, port, most, most_kb, log_bytes, list_bytes
# uses: http.sh
export LC_ALL=C
umask 077
cd -- "$records" || exit 1
mkdir -p lists logs

# Prints the folder with the logs of the session. What runs in the container can put links
# there, and root must not follow them.
find_session_logs() (
    ray=$(cd -- "$data_dir/ray" 2>/dev/null && pwd -P) || exit 0
    logs=$(cd -- "$data_dir/ray/session_latest/logs" 2>/dev/null && pwd -P) || exit 0
    case $logs in "$ray"/session_*/logs) printf '%s\n' "$logs" ;; esac
)
# What names a job in a list: these two, whatever the tables of its Ray number it as.
job_names() {
    grep -oE '"(submission_id": *"[A-Za-z0-9_.-]+"|start_time": *[0-9]+)' | sort -u
}
# Records the answer of Ray as the list of session $1; that of an older session goes once
# Ray knows all jobs of it, as one does that has its tables still.
record_list() (
    { [ ! -e "$data_dir/auth_token" ] || cat -- "$data_dir/auth_token"; } |
        http 20 reply "$host" "$port" /api/jobs/ | head -c "$list_bytes" >.answer
    IFS=' ' read -r _ code _ <.answer || exit 0
    if [ "$code" != 200 ]; then
        printf 'Ray answers %s to a request for its jobs\n' "$code" >&2
        exit 1
    fi
    sed "1,/^$(printf '\r')*\$/d" .answer >.list
    case $(head -c 2 .list) in '[]') exit 0 ;; esac
    if [ "$(tail -c 1 .list)" != ']' ]; then
        echo "the list of Ray's jobs is cut, or too long" >&2
        exit 1
    fi
    job_names <.list >.names
    for older in lists/*; do
        [ -f "$older" ] && [ "$older" != "lists/$1" ] || continue
        # What is here for the first time may have lost a job of that session.
        job_names <"$older" | grep -qvxFf .names || rm -f -- "$older"
    done
    mv -f -- .list "lists/$1"
)
# Copies the logs in folder $1 that are newer than their copies, the newest first.
record_logs() (
    cd -- "$1" || exit 0
    number=0 sum_kb=0
    # shellcheck disable=SC2012 # names with other characters are left out
    ls -t | while IFS= read -r file; do
        job=${file#job-driver-}
        case $file in job-driver-*.log) job=${job%.log} ;; *) continue ;; esac
        case $job in '' | .* | *[!A-Za-z0-9_.-]*) continue ;; esac
        [ -f "./$file" ] && [ ! -L "./$file" ] || continue
        size=$(stat -c %s -- "$file") || continue
        skip=$((size > log_bytes ? size - log_bytes : 0))
        number=$((number + 1)) sum_kb=$((sum_kb + (size - skip) / 1024 + 1))
        # It would be removed again.
        [ "$number" -le "$most" ] && [ "$sum_kb" -le "$most_kb" ] || break
        copy=$records/logs/$job
        # Some shells compare whole seconds; a copy that was cut has another size anyway.
        if [ -e "$copy" ] && [ ! "./$file" -nt "$copy" ]; then
            [ "$skip" = 0 ] && [ "$(stat -c %s -- "$copy")" != "$size" ] || continue
        fi
        touch -r "./$file" "$records/.time"
        {
            [ "$skip" = 0 ] || printf '... %s bytes before this are not kept\n' "$skip"
            timeout 60 tail -c "$log_bytes" -- "./$file"
        } >"$records/.log" || exit 1
        touch -r "$records/.time" "$records/.log"
        mv -f -- "$records/.log" "$copy"
    done
)
# Removes the oldest of folder $1: all but the newest $2, and of these what exceeds $3 KiB.
prune() (
    cd -- "$1" || exit 0
    number=0 sum_kb=0
    # shellcheck disable=SC2012 # the names are ours
    ls -t | while IFS= read -r name; do
        size=$(stat -c %s -- "$name") || continue
        number=$((number + 1)) sum_kb=$((sum_kb + size / 1024 + 1))
        [ "$number" -le "$2" ] && [ "$sum_kb" -le "$3" ] || rm -f -- "./$name"
    done
)
logs=$(find_session_logs)
[ -n "$logs" ] || exit 0
session=${logs%/logs}
session=${session##*/}
case $session in *[!A-Za-z0-9_.-]*) exit 1 ;; esac
record_logs "$logs"
failed=0
record_list "$session" || failed=1
prune logs "$most" "$most_kb"
prune lists 100 "$((most_kb / 4))"
exit "$failed"
