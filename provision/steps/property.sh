# needs:

# What `systemctl show` has printed, after an empty line.
shown=
# Prints the property $1 of it.
# The shell's own means: a probe asks for many properties, and sed is a process.
property() {
    after=${shown#*"
$1="}
    [ "$after" = "$shown" ] || printf '%s\n' "${after%%"
"*}"
}
