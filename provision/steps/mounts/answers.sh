# needs:
# answers PATH: succeeds if something is there, 1 if nothing is; 2 if the file system does not
# answer in 5 s. What waits for a server that is gone cannot be killed, so it is not waited for:
# the shell between is killed, and what is left has nothing of this script open. A client of NFS
# answers the first question from memory for a while; only the server knows the second answer.

answers() (
    command -v timeout >/dev/null || { [ -e "$1" ] && exit 0 || exit 1; }
    code=0
    # shellcheck disable=SC2016 # its words are those of the shell that is limited
    timeout -s KILL 5 /bin/sh -c '
        { stat -L -- "$1" && { stat -f -- "$1" || :; }; } </dev/null >/dev/null 2>&1 & wait "$!"
    ' sh "$1" 2>/dev/null || code=$?
    [ "$code" -lt 128 ] || exit 2
    exit "$code"
)
