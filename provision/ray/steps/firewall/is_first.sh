# is_first TABLES CHAIN: tells whether the chain comes before all rules of others.
#
# A rule before it could let in connections that the chain rejects. Chains of other
# clusters may come before it.
#
# needs:
is_first() {
    "$1" -w 10 -S INPUT 2>/dev/null | sed -n '/^-A/{
        /^-A INPUT -j PROVISION-[^ ]*$/!q
        p
    }' | grep -qxF -e "-A INPUT -j $2"
}
