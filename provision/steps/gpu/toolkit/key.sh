# needs:
# Functions about a file with an OpenPGP key, by od and sha1sum alone: a bare host has no gpg.

# Prints the bytes of the file $1 from $2 on, at most six, as decimal numbers.
bytes() { od -An -v -tu1 -j "$2" -N 6 -- "$1"; }
byte() {
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf %03o "$1")"
}
# Sets tag, head and length to what the packet that begins with the bytes "$@" says.
read_packet() {
    [ $# -gt 2 ] && [ "$1" -ge 128 ] || return 1
    if [ "$1" -lt 192 ]; then
        tag=$((($1 - 128) / 4))
        case $(($1 % 4)) in
        0) head=2 length=$2 ;;
        1) head=3 length=$(($2 * 256 + $3)) ;;
        2) head=5 length=$((($2 * 256 + $3) * 65536 + $4 * 256 + $5)) ;;
        *) return 1 ;;
        esac
        return
    fi
    tag=$(($1 - 192))
    if [ "$2" -lt 192 ]; then
        head=2 length=$2
    elif [ "$2" -lt 224 ]; then
        head=3 length=$((($2 - 192) * 256 + $3 + 192))
    elif [ "$2" -eq 255 ]; then
        head=6 length=$((($3 * 256 + $4) * 65536 + $5 * 256 + $6))
    else
        return 1
    fi
}
# Prints the fingerprint of each key in the file $1, without those of subkeys.
# Source: RFC 4880, sections 4.2 and 12.2.
fingerprints() {
    size=$(wc -c <"$1")
    at=0
    while [ "$at" -lt "$size" ]; do
        # shellcheck disable=SC2046 # each number is a word
        read_packet $(bytes "$1" "$at") || return 1
        if [ "$tag" = 6 ]; then
            sum=$({
                byte 153
                byte $((length / 256))
                byte $((length % 256))
                tail -c +$((at + head + 1)) -- "$1" | head -c "$length"
            } | sha1sum)
            printf '%s\n' "${sum%% *}" | tr a-f A-F
        fi
        at=$((at + head + length))
    done
}
# Writes the key in the file $1, armoured or not, to the file $2 as it is without armour.
dearmour() {
    if head -n 1 -- "$1" | grep -q '^-----BEGIN PGP PUBLIC KEY BLOCK'; then
        tr -d '\r' <"$1" | sed '1,/^$/d; /^[=-]/,$ d' | base64 -d >"$2"
    else
        cp -- "$1" "$2"
    fi
}
# Ends unless the file $1 has one key, of the fingerprint $2.
check_key() {
    there=$(fingerprints "$1") || there=
    [ "$there" = "$2" ] && return
    {
        echo 'the key is not the one that was promised:'
        printf '  promised %s\n' "$2"
        printf '%s\n' "${there:-no OpenPGP key}" | sed 's/^/  found    /'
    } >&2
    exit 1
}
