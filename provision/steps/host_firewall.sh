# Prints which firewall closes ports of this host to others, if one seems to; asked only
# after a failure, since it takes some processes.
#
# needs:

host_firewall() {
    if LC_ALL=C ufw status 2>/dev/null | grep -q '^Status: active'; then
        echo 'firewall of this host: ufw'
    elif [ "$(firewall-cmd --state 2>/dev/null)" = running ]; then
        echo 'firewall of this host: firewalld'
    elif iptables -w 5 -S INPUT 2>/dev/null | sed '/INVALID/d; / -s /d' |
        grep -q -e '^-P INPUT DROP' -e '^-A INPUT .*-j \(DROP\|REJECT\)'; then
        echo 'firewall of this host: iptables'
    else
        nft list ruleset 2>/dev/null | closing_chain
    fi
}
# The table and chain of the first hook for incoming packets that drops or rejects some.
closing_chain() {
    table='' chain='' hooked=''
    while read -r word rest; do
        case "$word $rest" in
        'table '*) table=${rest% \{} ;;
        'chain '*) chain=${rest% \{} hooked='' ;;
        *'hook input'*) hooked=yes ;;
        # A rule about single senders, or about broken packets, closes no port.
        *saddr* | *invalid*) continue ;;
        esac
        case "$hooked $word $rest" in 'yes '*drop* | 'yes '*reject*)
            printf 'firewall of this host: nftables %s %s\n' "$table" "$chain"
            return ;;
        esac
    done
}
