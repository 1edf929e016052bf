# needs: name
# uses: manifest/manifest.sh

was=$(noted "user:$name")
was=${was#there:}
home=$(printf '%s' "${was%:*}" | cut -d : -f 3 | sed 's/\\040/ /g')
group=$(printf '%s' "$was" | cut -d : -f 2)
leave_group() {
    case "$1 $2" in
    "absent member:$name:"*) ! is_member "${2#member:}" || gpasswd -d "$name" "${2##*:}" ;;
    esac
}
usermod -u "${was%%:*}" -g "$group" -d "$home" -s "${was##*:}" -- "$name"
each_noted leave_group
