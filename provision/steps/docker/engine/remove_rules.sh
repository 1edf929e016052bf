# needs:

each_table() {
    "$tables-save" | sed -n "/^\*/p; /^COMMIT/p; $1" |
        "$tables-restore" --wait 10 --noflush
}
# Docker's chains, those in which people put rules for it among them, what jumps to them,
# and what Docker says about its bridges; nothing else that has its name somewhere.
remove_rules() {
    bridge='-[io] \(docker0\|br-[0-9a-f]\{12\}\)\( .*\)\{0,1\}$'
    for tables in iptables ip6tables; do
        command -v "$tables-restore" >/dev/null || continue
        each_table "/^-A DOCKER/b
            s/^-A \(.* -[jg] DOCKER.*\)/-D \1/p; t
            /^-A \(FORWARD\|POSTROUTING\) .*$bridge/s/^-A/-D/p" &&
            each_table 's/^:\(DOCKER[^ ]*\) .*/-F \1/p' &&
            each_table 's/^:\(DOCKER[^ ]*\) .*/-X \1/p' ||
            echo "some rules of Docker stay in $tables"
    done
}
