# Takes the lock of a cluster and holds it: prints `mine` and stays until standard input
# ends or is silent for silence_s seconds, or prints `held OWNER` and ends.
#
# needs: cluster, owner, silence_s

# In /run/lock everybody may put a file or a link of that name, and hold it.
if [ "$(id -u)" = 0 ]; then folder=/run; else folder=/run/lock; fi
file=$folder/provision-$cluster.lock
command -v flock >/dev/null || { echo 'flock is not installed'; exit; }
for try in 1 2 3; do
    exec 9>>"$file"
    if ! flock -n 9; then
        printf 'held %s\n' "$(cat "$file")"
        exit
    fi
    # The last owner may have removed the file between our open and our lock.
    [ "$(stat -c %i "$file" 2>/dev/null)" = "$(stat -L -c %i /dev/fd/9)" ] && break
done
printf '%s\n' "$owner" >"$file"
trap 'rm -f "$file"; exit' EXIT HUP INT TERM
printf 'mine\n'
# Not a pipe's end but silence: a link that was cut closes nothing.
while [ -n "$(timeout "$silence_s" head -c 1 9>&-)" ]; do :; done
