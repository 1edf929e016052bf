# Runs JupyterLab on a free port of 127.0.0.1. Prints one line, JSON of its own about itself,
# once it listens: port, token and process. It ends by itself when nobody has used it for a
# while, kernels that compute excepted.
#
# needs:
python=$1 folder=$2 idle_s=$3
umask 077
runtime=$folder-runtime
mkdir -p -- "$runtime"
export JUPYTER_RUNTIME_DIR="$runtime" RAY_ADDRESS=auto
port=$("$python" -c '
import socket
sock = socket.socket()
sock.bind(("127.0.0.1", 0))
print(sock.getsockname()[1])')
cd "${HOME:-/}" 2>/dev/null || cd /
"$python" -m jupyterlab --no-browser --ServerApp.ip=127.0.0.1 --ServerApp.port="$port" \
    --ServerApp.port_retries=0 --ServerApp.allow_root=True \
    --ServerApp.shutdown_no_activity_timeout="$idle_s" \
    --MappingKernelManager.cull_idle_timeout="$idle_s" \
    --MappingKernelManager.cull_interval="$((idle_s < 60 ? 5 : 30))" \
    --MappingKernelManager.cull_connected=True \
    --TerminalManager.cull_inactive_timeout="$idle_s" >&2 &
server=$!
facts=$runtime/jpserver-$server.json
until [ -s "$facts" ]; do
    kill -0 "$server" 2>/dev/null || { wait "$server"; exit; }
    sleep 0.2
done
tr -d '\n' <"$facts"
echo
wait "$server"
