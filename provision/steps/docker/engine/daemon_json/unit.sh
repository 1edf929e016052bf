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
    value=
    [ -r "$1" ] || return 0
    value=$(sed -n "s/^[[:space:]]*\(export \)\{0,1\}$2=//p" "$1") || value=
    # The last one counts.
    value=${value##*"
"}
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
        case $word in '$'*) ;; *) continue ;; esac
        name=${word#?}
        name=${name#'{'}
        print_variable "${name%'}'}"
    done
}
print_variable() {
    case $1 in '' | *[!A-Za-z0-9_]*) return 0 ;; esac
    set_here=" $(property Environment)"
    value=
    case $set_here in
    *" \"$1="*)
        value=${set_here#*" \"$1="}
        value=${value%%'"'*}
        ;;
    *" $1="*)
        value=${set_here#*" $1="}
        value=${value%% *}
        ;;
    esac
    [ -z "$value" ] || printf 'flags.%s (%s)=%s\n' "$place" "$1" "$value"
    printf '%s' "$shown" | while IFS= read -r line; do
        case $line in 'EnvironmentFiles='*) ;; *) continue ;; esac
        file=${line#*=}
        file=${file%' (ignore_errors='*}
        read_variable "$file" "$1"
        [ -z "$value" ] || printf 'flags.%s (%s)=%s\n' "$file" "$1" "$value"
    done
}
