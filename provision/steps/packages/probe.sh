# needs: "$@"

known=
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    # dpkg-query ends with 1 when it does not know one of the names.
    known=$(dpkg-query -W -f '${Package}=${db:Status-Status}
${Package}:${Architecture}=${db:Status-Status}
' -- "$@" 2>/dev/null) || [ $? = 1 ] || exit 1
    has_packages=true
elif command -v rpm >/dev/null; then
    known=$(rpm -q --qf '%{NAME}=installed\n' -- "$@" 2>&1) || {
        # A name that it does not know is an answer, a database it cannot read is none.
        why=$(printf '%s\n' "$known" | grep '^error:\|^rpmdb:') || why=
        [ -z "$why" ] || { printf '%s\n' "$why" >&2; exit 1; }
    }
    known=$(printf '%s\n' "$known" | sed -n '/=installed$/p')
    has_packages=true
else
    has_packages=false
fi
[ -z "$known" ] || printf '%s\n' "$known"
is_any_missing() {
    "$has_packages" || return 1
    for one; do
        case "
$known
" in *"
$one=installed
"*) ;; *) return 0 ;; esac
    done
    return 1
}
