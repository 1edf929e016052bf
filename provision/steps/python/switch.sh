# Switches a link among the environments of a folder, and removes those that nothing needs.
#
# needs: folder, link

# Something of the environment $1 runs.
switch_is_used() { grep -qsF -- "$1/bin/" /proc/[0-9]*/cmdline; }
switch_is_linked() {
    for switch_each in "$folder"/*; do
        [ ! -L "$switch_each" ] || [ "$(readlink -- "$switch_each")" != "$1" ] || return 0
    done
    return 1
}
# Lets the link show $1. The environment that it showed before is kept, for the way back.
switch_to() {
    switch_before=$(readlink -- "$folder/$link") || switch_before=
    [ "$switch_before" != "$1" ] || return 0
    rm -f -- "$folder/.$link"
    ln -s -- "$1" "$folder/.$link"
    mv -f -T -- "$folder/.$link" "$folder/$link"
    # What was sent for an environment that was then given up.
    rm -rf -- "$folder"/.wheels-* "$folder"/.source-*
    for switch_other in "$folder"/*; do
        [ ! -L "$switch_other" ] && [ -f "$switch_other/pyvenv.cfg" ] || continue
        [ "${switch_other##*/}" != "$switch_before" ] || continue
        switch_is_linked "${switch_other##*/}" || switch_is_used "$switch_other" ||
            rm -rf -- "$switch_other"
    done
}
