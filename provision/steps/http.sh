# needs:
# HTTP by bash's own means, since a bare Debian has neither curl nor nc.
#
# http SECONDS WHAT HOST PORT [PATH] prints what answers, and nothing if nothing does; it
# never fails. WHAT is
#   open   the word `open` once it is connected; nothing is sent
#   code   the status code that a GET of PATH is answered with, or `no answer`
#   reply  the whole answer to a GET of PATH; provision.steps.http reads it
# Standard input is empty, or a line with a bearer token: so it is on no command line.

http() {
    command -v bash >/dev/null || return 0
    # shellcheck disable=SC2016 # it is bash that expands them
    timeout "$1" bash -c 'trap "" PIPE
        exec 3<>"/dev/tcp/$2/$3" || exit
        [ "$1" != open ] || { echo open; exit; }
        bearer=
        read -r token
        [ -z "$token" ] || printf -v bearer "Authorization: Bearer %s\r\n" "$token"
        at=$2
        [[ $at != *:* ]] || at="[$at]"
        printf "GET %s HTTP/1.0\r\nHost: %s:%s\r\n%s\r\n" "$4" "$at" "$3" "$bearer" >&3
        [ "$1" != reply ] || exec cat <&3
        printf -v cr "\r"
        IFS=" $cr" read -r protocol code _ <&3
        case $protocol in HTTP/*) echo "$code" ;; *) echo "no answer" ;; esac
    ' "$@" 2>/dev/null || true
}
