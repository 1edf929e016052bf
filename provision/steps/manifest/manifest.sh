# needs:
# Functions about the manifest, which has a line for each thing: its state before it was
# changed first, a space, its name. The states are
#
#     absent            it was not there
#     config-files      a package that had been removed, whose configuration was there
#     there             it was there
#     there:ACCOUNT     a user that was there, as number:group:home:shell, or a group's number
#     copy:NAME         a file that was there; /var/lib/.provision/before/NAME is its copy
#     dir:MODE:UID:GID  a directory that was there
#     empty:MODE:...    a directory with nothing in it, all of whose content came later

manifest_dir=${PROVISION_MANIFEST:-/var/lib/.provision}
manifest=$manifest_dir/manifest
# Calls "$@" with the state and the name of each thing.
each_noted() {
    [ -e "$manifest" ] || return 0
    while IFS= read -r noted_line; do
        "$@" "${noted_line%% *}" "${noted_line#* }"
    done <"$manifest"
}
# Prints the state that the thing $1 had; nothing if it is not known. It starts no process.
noted() {
    [ -e "$manifest" ] || return 0
    while IFS= read -r noted_line; do
        [ "${noted_line#* }" = "$1" ] || continue
        printf '%s\n' "${noted_line%% *}"
        return 0
    done <"$manifest"
}
make_manifest_dir() {
    [ -d "$manifest_dir" ] || mkdir -m 700 "$manifest_dir" 2>/dev/null || [ -d "$manifest_dir" ]
}
# Two plays of a host may write the manifest at once; the lock ends with descriptor 9.
lock_manifest() { ! command -v flock >/dev/null || flock 9; }
# Notes that the state of the thing $1 is $2, if none is noted.
note() {
    [ -z "$(noted "$1")" ] || return 0
    make_manifest_dir
    {
        lock_manifest
        printf '%s %s\n' "$2" "$1" >>"$manifest"
    } 9<"$manifest_dir"
}
# Removes the notes about the things "$@".
forget() {
    [ -e "$manifest" ] || return 0
    {
        lock_manifest
        for thing; do
            each_noted print_unless_named "$thing" >"$manifest.new"
            replace_manifest
        done
    } 9<"$manifest_dir"
}
# Puts the new manifest in the place of the old one, or takes it away.
replace_manifest() {
    if ! mv -f -- "$manifest.new" "$manifest"; then
        rm -f -- "$manifest.new"
        return 1
    fi
}
print_unless_named() { [ "$3" = "$1" ] || printf '%s %s\n' "$2" "$3"; }
exists() { [ -e "$1" ] || [ -L "$1" ]; }
# Notes what is at the path $1, and which directories above it are missing.
note_path() {
    [ -z "$(noted "path:$1")" ] || return 0
    if ! exists "$1"; then
        above=${1%/*}
        [ -z "$above" ] || exists "$above" || note_path "$above"
        note "path:$1" absent
    elif [ -f "$1" ] && [ ! -L "$1" ]; then
        copy=$(printf '%s' "$1" | sha256sum | cut -c -16)
        make_manifest_dir
        mkdir -p "$manifest_dir/before"
        cp -a -- "$1" "$manifest_dir/before/$copy"
        note "path:$1" "copy:$copy"
    elif [ -d "$1" ] && [ ! -L "$1" ]; then
        note "path:$1" "$(stat -c 'dir:%a:%u:%g' -- "$1")"
    else
        note "path:$1" there
    fi
}
# Does the same with the path $1; what comes into a directory that is empty is noted with it.
note_content() {
    if [ -d "$1" ] && [ ! -L "$1" ] && [ -z "$(ls -A -- "$1")" ]; then
        note "path:$1" "$(stat -c 'empty:%a:%u:%g' -- "$1")"
    else
        note_path "$1"
    fi
}
# Prints the number, group, home and shell of the user $1 as one word; nothing if there is none.
account() { getent passwd "$1" | cut -d : -f 3,4,6,7 | sed 's/ /\\040/g'; }
note_account() {
    now=$(account "$1") || now=
    note "user:$1" "${now:+there:}${now:-absent}"
    note_id "group:$1" group
}
# Notes the number that the thing $1 has in the database $2.
note_id() {
    number=$(getent "$2" "${1#*:}" | cut -d : -f 3) || number=
    note "$1" "${number:+there:}${number:-absent}"
}
# Is true if the user and the group of $1, USER:GROUP, are there and the one is in the other.
is_member() {
    case " $(id -Gn -- "${1%%:*}" 2>/dev/null) " in *" ${1#*:} "*) ;; *) false ;; esac
}
note_member() {
    state=there
    is_member "$1" || state=absent
    note "member:$1" "$state"
}
note_image() {
    state=there
    docker image inspect "$1" >/dev/null 2>&1 || state=absent
    note "image:$1" "$state"
}
# Is true if the path $1 was absent, or the nearest of those above it of which that is known.
is_brought() {
    at=$1
    while [ -n "$at" ]; do
        case $(noted "path:$at") in
        absent) return 0 ;;
        empty:*) [ "$at" != "$1" ] && return ;;
        ?*) return 1 ;;
        esac
        at=${at%/*}
    done
    return 1
}
# Calls $2 for all that is to be done so that the path $1 is as it was, each time with one of
# `remove`, `restore`, `rights` and `stays`, a path, and its state before.
undo_path() {
    exists "$1" || return 0
    if is_brought "$1"; then
        "$2" remove "$1" absent
        return
    fi
    each_noted undo_noted "$1" "$2"
    "$2" stays "$1" there
}
is_copy() {
    cmp -s -- "$1" "$manifest_dir/before/${2#copy:}" &&
        [ "$(stat -c '%a %u %g' -- "$1")" = "$(stat -c '%a %u %g' -- "$manifest_dir/before/${2#copy:}")" ]
}
has_rights() { [ -d "$1" ] && [ "$(stat -c '%a:%u:%g' -- "$1")" = "${2#*:}" ]; }
undo_noted() {
    case $4 in "path:$1" | "path:$1"/*) this=${4#path:} ;; *) return 0 ;; esac
    exists "$this" || return 0
    case $3 in
    absent) "$2" remove "$this" absent ;;
    copy:*) is_copy "$this" "$3" || "$2" restore "$this" "$3" ;;
    dir:*) has_rights "$this" "$3" || "$2" rights "$this" "$3" ;;
    esac
}
# Does it: see undo_path.
undo() {
    case $1 in
    remove) rm -rf --one-file-system -- "$2" ;;
    restore)
        cp -a -- "$manifest_dir/before/${3#copy:}" "${2%/*}/.${2##*/}.new"
        mv -f -T -- "${2%/*}/.${2##*/}.new" "$2" ;;
    rights)
        rights=${3#*:}
        chown -- "${rights#*:}" "$2"
        chmod -- "00${rights%%:*}" "$2" ;;
    *) return 0 ;;
    esac
}
