# needs: url, checksum, folder, version
# Functions that download a file and know what it has to be: find_tool; find_sum, which
# sets $sum; and download, after which $part is the file.

arch=$(uname -m)
case $arch in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; armv7l) arch=armv7 ;; esac
fill() { printf '%s\n' "$1" | sed "s/%ARCH%/$arch/g"; }
url=$(fill "$url")
parts=$folder/.part
part=$parts/$version

find_tool() {
    command -v curl >/dev/null || command -v wget >/dev/null || {
        echo 'this host has neither curl nor wget' >&2
        exit 1
    }
    mkdir -p -- "$parts"
}
# Get $1 into the file $2, from where that ends; the messages are in $messages, which is
# no file: the disk may be full.
get() { messages=$(fetch "$1" "$2" 2>&1); }
fetch() {
    if command -v curl >/dev/null; then
        # A link that stalls for a minute is given up.
        curl -fsSL -C - --retry 2 --connect-timeout 15 --speed-limit 1 \
            --speed-time 60 -o "$2" "$1"
    elif ! wget --help 2>&1 | grep -q -i busybox; then
        wget -nv -c -T 60 -t 3 -O "$2" "$1"
    else
        wget -q -c -O "$2" "$1"
    fi
}
not_got() {
    printf '%s\n' "$messages" | tail -n 4 >&2
    printf 'cannot get %s\n' "$1" >&2
    exit 1
}
find_sum() {
    case $checksum in
    sha256:*) sum=${checksum#sha256:} ;;
    http*) read_sum "$(fill "$checksum")" ;;
    *) sum=$(printf '%s\n' "$checksum" | tr , '\n' | sed -n "s/^$arch=sha256://p") ;;
    esac
    [ -n "$sum" ] || { echo "there is no checksum for $arch" >&2; exit 1; }
}
# Lines are `SUM  NAME`, as of sha256sum, or `SHA256 (NAME) = SUM`, as of BSD and openssl; or
# the file is that of one archive and has the sum alone.
read_sum() {
    rm -f -- "$parts/sums"
    get "$1" "$parts/sums" || not_got "$1"
    name=${url%%\?*}
    name=$(printf '%s\n' "${name##*/}" | sed 's/%20/ /g; s/%2[Bb]/+/g; s/%7[Ee]/~/g')
    hex='[0-9a-fA-F]\{64\}'
    bsd='SHA\(2-\)\{0,1\}256 \{0,1\}(\(.*\)) \{0,1\}= \{0,1\}'
    tr -d '\r' <"$parts/sums" | sed -n "s/^$bsd\($hex\)\$/\3  \2/
s/^\($hex\) *\$/\1  /p
s/^\($hex\) [ *]\(.*\)/\1  \2/p" >"$parts/known"
    sum=$(while read -r digits file || [ -n "$digits" ]; do
        case ${file#./} in "$name" | '') printf '%s\n' "$digits" ;; esac
    done <"$parts/known" | head -n 1 | tr A-F a-f)
    [ -z "$sum" ] || return 0
    if [ -s "$parts/known" ]; then
        echo "$1 has no SHA-256 sum of $name" >&2
    else
        printf '%s is in no known format of SHA-256 sums, it begins:\n' "$1" >&2
        head -n 3 -- "$parts/sums" | cut -c -120 | tr -cd '\n -~' >&2
    fi
    exit 1
}
found_sum() { part_sum=$(sha256sum <"$part") && part_sum=${part_sum%% *}; }
is_right() { [ -s "$part" ] && found_sum && [ "$part_sum" = "$sum" ]; }
download() {
    ! is_right || return 0
    if [ -s "$part" ]; then
        echo "going on with $url"
        # What was cut off may be of another file, or complete and wrong.
        if get "$url" "$part"; then
            ! is_right || return 0
        else
            case $messages in
            *' 416'* | *'byte range'* | *'annot resume'* | *'ontinued download'*) ;;
            *) not_got "$url" ;;
            esac
        fi
        echo 'what an earlier run got is of no use'
        rm -f -- "$part"
    fi
    echo "downloading $url"
    get "$url" "$part" || not_got "$url"
    ! is_right || return 0
    found_sum
    page=
    ! head -c 200 -- "$part" | grep -q -i -e '<html' -e '<!doctype' ||
        page=', but a web page'
    rm -f -- "$part"
    printf '%s is not what its checksum promises%s:\n  promised sha256:%s\n' \
        "$url" "$page" "$sum" >&2
    printf '  found    sha256:%s\n' "$part_sum" >&2
    exit 1
}
