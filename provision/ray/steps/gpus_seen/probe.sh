# Prints the GPUs of the host, of Ray's container, and those that Ray says its node has;
# nothing on a host that has none.
#
#     in.N=LINE       what nvidia-smi -L says in the container
#     visible=LIST    CUDA_VISIBLE_DEVICES of the container, if it is set
#     silent=LINE     why the container could not be asked
#     raylet=LIST     the resources that the node was started with
#     ray=BASE64      the answer of Ray's dashboard about this node
#
# needs: name, gpus, token_file, host, port, address, stop_mark
# uses: http.sh, gpu/find_gpus.sh, ../stop_mark/mark.sh
found=$(find_gpus)
[ -n "$found" ] || exit 0
printf '%s\n' "$found"
mark=$(print_stop_mark)
[ -z "$mark" ] || { printf '%s\n' "$mark"; exit 0; }
"$gpus" && command -v docker >/dev/null || exit 0
# One that hangs on the host would hang in the container, too, and stay there.
asks=true
case $found in *'gpu.error=nvidia-smi did not answer'*) asks=false ;; esac
code=0
# shellcheck disable=SC2016 # the shell in the container expands them
inside=$(timeout -k 1 20 docker exec "$name" sh -c '
    ask() {
        command -v timeout >/dev/null || { nvidia-smi -L; return 0; }
        timeout -k 1 15 nvidia-smi -L
        case $? in 124 | 137 | 143) echo "late nvidia-smi did not answer within 15 s" ;; esac
    }
    ! "$1" || ask 2>&1
    [ -z "${CUDA_VISIBLE_DEVICES+set}" ] || echo "visible $CUDA_VISIBLE_DEVICES"
    for node in /dev/dri/renderD*; do [ ! -e "$node" ] || echo "render ${node##*/}"; done
    cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\0" "\n" |
        sed -n "s/^--static_resource_list=/raylet /p"' sh "$asks" 2>&1) || code=$?
if [ "$code" != 0 ]; then
    case $code in 124 | 137 | 143) inside='docker exec did not end within 20 s' ;; esac
    printf 'silent=%s\n' "$(printf '%s\n' "$inside" | tail -n 1)"
    inside=
elif ! "$asks"; then
    echo 'silent=it was not asked, since nvidia-smi hangs on the host'
fi
number=0
printf '%s\n' "$inside" | while IFS= read -r line; do
    case $line in
    'late '*) printf 'silent=%s\n' "${line#late }" ;;
    'visible '*) printf 'visible=%s\n' "${line#visible }" ;;
    'raylet '*) printf 'raylet=%s\n' "${line#raylet }" ;;
    ?*) printf 'in.%s=%s\n' "$number" "$line" ;;
    esac
    number=$((number + 1))
done
query="limit=100&filter_keys=node_ip&filter_predicates=%3D&filter_values=$address"
answer=$({ [ ! -e "$token_file" ] || cat -- "$token_file"; } |
    http 10 reply "$host" "$port" "/api/v0/nodes?$query" | base64 | tr -d '\n')
[ -z "$answer" ] || printf 'ray=%s\n' "$answer"
