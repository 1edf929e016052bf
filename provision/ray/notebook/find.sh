# Prints which Python of the container has JupyterLab, or which it is to be installed for:
#
#     ready PROGRAM
#     none PROGRAM VERSION
#
# needs:
folder=$1
python=$(command -v python || command -v python3) || {
    echo 'there is no Python in the container' >&2
    exit 1
}
for each in "$folder/bin/python" "$python"; do
    if [ -x "$each" ] && "$each" -c 'import jupyterlab' 2>/dev/null; then
        printf 'ready %s\n' "$each"
        exit 0
    fi
done
printf 'none %s %s\n' "$python" "$("$python" -c 'import platform; print(platform.python_version())')"
