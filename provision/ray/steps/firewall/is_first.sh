# Tells whether the cluster's chain comes before all rules of others.
#
# A rule before it could let in connections that the chain rejects. Chains of other
# clusters may come before it. The caller sets `tables` (iptables or ip6tables) and `chain`.
#
# needs:
is_first() {
    "$tables" -w 10 -S INPUT 2>/dev/null | sed -n '/^-A/{
        /^-A INPUT -j PROVISION-[^ ]*$/!q
        p
    }' | grep -qxF -e "-A INPUT -j $chain"
}
