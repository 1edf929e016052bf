# needs: name, group, groups, home, is_system, "$@"
# Makes a user, or changes one; "$@" are options that useradd and usermod have in common.

system=--system
"$is_system" || system=
if ! getent group "$group" >/dev/null; then
    groupadd ${system:+"$system"} -- "$group"
fi
if getent passwd "$name" >/dev/null; then
    usermod "$@" -g "$group" -- "$name"
else
    homes=--no-create-home
    [ -z "$home" ] || homes=--create-home
    useradd ${system:+"$system"} "$homes" "$@" -g "$group" -- "$name"
fi
[ -z "$groups" ] || usermod -a -G "$groups" -- "$name"
