# needs:
# uses: property.sh
# Functions about what starts dockerd: the unit of systemd, else the init script.

# Sets $shown to what systemd knows of the unit.
show_unit() {
    shown="
$(systemctl show -p LoadState -p UnitFileState -p FragmentPath -p DropInPaths \
        -p ExecStart -p Environment -p EnvironmentFiles docker)
"
}
# Sets $value to what the file $1 gives to the variable $2; of that only what is asked for is
# read, since other variables may be secret.
read_variable() {
    pattern="s/^[[:space:]]*\(export \)\{0,1\}$2=//p"
    value=$(sed -n "$pattern" "$1" 2>/dev/null | tail -n 1) || value=
    case $value in '"'*'"' | "'"*"'")
        value=${value#?}
        value=${value%?}
        ;;
    esac
}
# Prints, for each file that has some, the words that dockerd is started with.
print_flags() (
    set -f
    if [ -d /run/systemd/system ]; then
        print_unit_flags
    elif [ -f /etc/init.d/docker ]; then
        echo 'flags./etc/init.d/docker=-p /var/run/docker.pid'
        read_variable /etc/default/docker DOCKER_OPTS
        [ -z "$value" ] || printf 'flags./etc/default/docker (DOCKER_OPTS)=%s\n' "$value"
    fi
)
print_unit_flags() {
    words=$(property ExecStart)
    words=${words#*'argv[]='}
    words=${words%%' ; '*}
    # The program may be run by another one, such as a shell.
    case $words in *dockerd*) words=${words#*dockerd} ;; *) return 0 ;; esac
    case $words in *' '*) words=${words#* } ;; *) return 0 ;; esac
    place=$(property FragmentPath)
    more=$(property DropInPaths)
    # shellcheck disable=SC2086 # each word is a file
    [ -z "$more" ] || place=$(grep -ls '^ExecStart=.' "$place" $more | tail -n 1) || place=
    [ -n "$place" ] || place=docker.service
    printf 'flags.%s=%s\n' "$place" "$words"
    for word in $words; do
        case $word in '$'*) print_variable "$(printf '%s' "${word#?}" | tr -d '{}')" ;; esac
    done
}
print_variable() {
    case $1 in '' | *[!A-Za-z0-9_]*) return 0 ;; esac
    value=$(printf ' %s\n' "$(property Environment)" |
        sed -n "s/.* \"$1=\([^\"]*\)\".*/\1/p; t; s/.* $1=\([^ ]*\).*/\1/p")
    [ -z "$value" ] || printf 'flags.%s (%s)=%s\n' "$place" "$1" "$value"
    printf '%s' "$shown" | sed -n 's/^EnvironmentFiles=\(.*\) (ignore_errors=.*)$/\1/p' |
        while IFS= read -r file; do
            read_variable "$file" "$1"
            [ -z "$value" ] || printf 'flags.%s (%s)=%s\n' "$file" "$1" "$value"
        done
}
