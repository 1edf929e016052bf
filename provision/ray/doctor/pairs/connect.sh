# needs: "$@"
# uses: network/connection.sh, host_firewall.sh
# Connects to each `HOST PORT` of "$@", 50 at a time; prints what comes of each that is not
# open, and which firewall of this host may close its own ports to others.

number=0
while [ "$#" -ge 2 ]; do
    (
        outcome=$(connection "$1" "$2")
        [ "$outcome" = open ] || printf 'to.%s %s=%s\n' "$1" "$2" "$outcome"
    ) &
    number=$((number + 1))
    [ "$((number % 50))" -ne 0 ] || wait
    shift 2
done
wait
host_firewall | sed 's/^firewall of this host: /firewall=/'
