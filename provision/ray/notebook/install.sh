# Installs JupyterLab into an environment of its own in the container, in which all packages
# of the cluster's Python are seen: those that are there already are not installed again. Prints
# the environment's Python.
#
# needs: "$@"
folder=$1 python=$2 wheels=$3 index=$4
rm -rf -- "$folder"
"$python" -m venv --system-site-packages --without-pip -- "$folder"
# The Python may itself be one of an environment: venv would take the packages of its base.
"$folder/bin/python" - "$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')" <<'PYTHON'
import pathlib, sys, sysconfig
own = pathlib.Path(sysconfig.get_path("purelib"), "cluster.pth")
own.write_text(sys.argv[1] + "\n")
PYTHON
# An image need not have pip: a wheel of it runs as it is.
for pip in "$wheels"/pip-*.whl; do pip=$pip/pip; done
if "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    set -- -m pip
elif [ -e "${pip%/pip}" ]; then
    set -- "$pip"
else
    echo 'there is no pip in the container: put its wheel (pip-VERSION-py3-none-any.whl) into the folder' >&2
    exit 1
fi
set -- "$@" install --quiet --disable-pip-version-check --no-input --root-user-action=ignore
if [ -n "$wheels" ]; then
    set -- "$@" --no-index --find-links "$wheels"
else
    set -- "$@" --index-url "$index"
fi
"$folder/bin/python" "$@" jupyterlab ipykernel >&2
printf '%s\n' "$folder/bin/python"
