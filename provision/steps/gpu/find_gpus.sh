# needs: gpu_vendors
# uses: ask_smi.sh
# The function find_gpus, which prints what the host says of its GPUs: nothing where there are
# none, and then it starts no process but `command`. PROVISION_GPU_ROOT is put before the paths
# in /sys, /proc, /dev and of CDI files; tests set it.
#
#     gpu.card.SLOT=VENDOR CLASS DEVICE DRIVER NODE   each card on the PCI bus
#     gpu.driver=VERSION                              NVIDIA's driver, if it is loaded
#     gpu.smi=PATH, gpu.error=TEXT                    nvidia-smi, and why it did not answer
#     gpu.note=TEXT                                   what it says beside a whole list
#     gpu.row.N=INDEX, UUID, MIB, MIG, BUS, NAME      each GPU, as nvidia-smi lists it
#     gpu.mig.N=GPU 0: ... or MIG ...                 with MIG: the lines of nvidia-smi -L
#     gpu.toolkit=PATH                                NVIDIA's container toolkit
#     gpu.cdi.PATH=DRIVER NAMES                       each CDI file for NVIDIA's GPUs
#     gpu.docker=VERSION CDI-FOLDERS-AS-JSON RUNTIMES
#     gpu.kfd=true, gpu.groups=NUMBERS                AMD's device, and the groups of its nodes

gpu_root=${PROVISION_GPU_ROOT:-}
gpu_newline='
'
find_gpus() {
    find_cards
    find_nvidia_smi
    "$gpu_nvidia" && print_nvidia
    "$gpu_amd" && print_amd
    return 0
}
# Sets $gpu_smi to the path of nvidia-smi, and asks nobody else.
seek_nvidia_smi() {
    find_cards >/dev/null
    find_nvidia_smi
}
find_cards() {
    gpu_nvidia=false gpu_amd=false
    for gpu_card in "$gpu_root"/sys/bus/pci/devices/*; do find_gpu_card "$gpu_card"; done
    # In some containers no card is seen.
    for gpu_at in dev/nvidiactl proc/driver/nvidia/version sys/module/nvidia/version; do
        [ ! -e "$gpu_root/$gpu_at" ] || gpu_nvidia=true
    done
}
# One card costs no process; only a GPU's driver, a link, is read by a shell of its own.
find_gpu_card() {
    [ -r "$1/vendor" ] && read -r gpu_vendor <"$1/vendor" || return 0
    case " $gpu_vendors " in *" $gpu_vendor "*) ;; *) return 0 ;; esac
    read -r gpu_class <"$1/class" || return 0
    # Of VGA, 3D and other displays, and of processing accelerators.
    case $gpu_class in 0x0300* | 0x0302* | 0x0380* | 0x1200*) ;; *) return 0 ;; esac
    read -r gpu_device <"$1/device" || gpu_device='?'
    gpu_module=$(cd -P "$1/driver" 2>/dev/null && pwd) || gpu_module=
    gpu_node=
    for gpu_at in "$1"/drm/renderD*; do [ ! -e "$gpu_at" ] || gpu_node=${gpu_at##*/}; done
    printf 'gpu.card.%s=%s %s %s %s %s\n' "${1##*/}" "$gpu_vendor" "$gpu_class" \
        "$gpu_device" "${gpu_module##*/}" "$gpu_node"
    # One that is kept for a virtual machine is not the host's.
    case $gpu_vendor:${gpu_module##*/} in
    *:vfio-pci | *:pci-stub | *:xen-pciback) ;;
    0x10de:*) gpu_nvidia=true ;;
    0x1002:*) gpu_amd=true ;;
    esac
}
# Sets $gpu_smi to its path; "" where no GPU is: images of clouds have it on all machines.
# Sudo and services have a short PATH: where drivers put it is looked at, too.
find_nvidia_smi() {
    gpu_smi=
    "$gpu_nvidia" || [ -e "$gpu_root/dev/dxg" ] || return 0 # WSL shows no card
    gpu_smi=$(command -v nvidia-smi) || gpu_smi=
    for gpu_at in /usr/bin /usr/local/nvidia/bin /usr/local/bin /opt/nvidia/bin /opt/bin \
        /usr/lib/wsl/lib; do
        [ -z "$gpu_smi" ] || break
        [ ! -x "$gpu_root$gpu_at/nvidia-smi" ] || gpu_smi=$gpu_root$gpu_at/nvidia-smi
    done
    [ -z "$gpu_smi" ] || gpu_nvidia=true
}
print_nvidia() {
    gpu_driver=
    [ ! -r "$gpu_root/sys/module/nvidia/version" ] ||
        read -r gpu_driver <"$gpu_root/sys/module/nvidia/version" || gpu_driver=
    # Where /sys hides modules, as in some containers.
    [ -n "$gpu_driver" ] || [ ! -r "$gpu_root/proc/driver/nvidia/version" ] ||
        gpu_driver=$(sed -n '1s/.*  \([0-9][0-9.]*\)  .*/\1/p' \
            "$gpu_root/proc/driver/nvidia/version")
    [ -z "$gpu_driver" ] || printf 'gpu.driver=%s\n' "$gpu_driver"
    if [ -n "$gpu_smi" ]; then
        printf 'gpu.smi=%s\n' "$gpu_smi"
        print_nvidia_rows
    fi
    for gpu_at in nvidia-ctk nvidia-container-runtime-hook nvidia-container-runtime; do
        gpu_tool=$(command -v "$gpu_at") || continue
        printf 'gpu.toolkit=%s\n' "$gpu_tool"
        break
    done
    for gpu_at in "$gpu_root"/etc/cdi/* "$gpu_root"/var/run/cdi/*; do
        # Files of other names are not read by Docker.
        case $gpu_at in
        *.yaml | *.json) [ ! -r "$gpu_at" ] || print_cdi_file "$gpu_at" ;;
        esac
    done
    print_docker
}
print_nvidia_rows() {
    gpu_said=$(ask_smi "$gpu_smi" --format=csv,noheader,nounits \
        --query-gpu=index,uuid,memory.total,mig.mode.current,pci.bus_id,name)
    gpu_row_like='^[0-9][0-9]*, .*, .*, .*, .*, .*'
    gpu_rows=$(printf '%s\n' "$gpu_said" | grep "$gpu_row_like") || gpu_rows=
    gpu_words=$(printf '%s\n' "$gpu_said" |
        sed "/$gpu_row_like/d; /^code=[0-9]*\$/d; /^ *\$/d" | head -n 3 | tr '\n' ' ')
    print_numbered gpu.row "$gpu_rows"
    gpu_what=gpu.error
    case $(code_of "$gpu_said") in
    # 14: one GPU has lost its serial number, and computes.
    0 | 14)
        if [ -n "$gpu_rows" ]; then
            gpu_what=gpu.note
        else
            : "${gpu_words:=nvidia-smi lists none}"
        fi ;;
    late) gpu_words="nvidia-smi did not answer within $gpu_wait_s s" ;;
    *) : "${gpu_words:=nvidia-smi ended with exit code $(code_of "$gpu_said")}" ;;
    esac
    [ -z "$gpu_words" ] || printf '%s=%s\n' "$gpu_what" "${gpu_words% }"
    case $gpu_what$gpu_rows in
    gpu.error*) ;;
    *', Enabled, '*) print_mig ;;
    esac
}
# What it does not say of MIG is unknown, and not that there is no MIG device.
print_mig() {
    gpu_said=$(ask_smi "$gpu_smi" -L)
    case $(code_of "$gpu_said") in
    0 | 14) ;;
    *)
        echo 'gpu.error=nvidia-smi -L, which lists the MIG devices, did not answer'
        return 0 ;;
    esac
    print_numbered gpu.mig "$(printf '%s\n' "$gpu_said" |
        sed -n 's/^ *\(GPU [0-9].*\|MIG .*\)/\1/p')"
}
# Prints each line of $2 after $1 and its number.
print_numbered() {
    gpu_number=0
    printf '%s\n' "$2" | while IFS= read -r gpu_line; do
        [ -z "$gpu_line" ] || printf '%s.%s=%s\n' "$1" "$gpu_number" "$gpu_line"
        gpu_number=$((gpu_number + 1))
    done
}
# Prints the exit code in $1, which ask_smi printed; `late` if there was none in time.
code_of() {
    gpu_ended=${1##*"$gpu_newline"code=}
    case $gpu_ended in
    "$1" | 124 | 137 | 143) echo late ;; # 143: busybox
    *) printf '%s\n' "$gpu_ended" ;;
    esac
}
# The version in the name of libcuda.so says for which driver a CDI file was made.
print_cdi_file() {
    case $(cat -- "$1") in *nvidia.com/gpu*) ;; *) return 0 ;; esac
    gpu_version=$(sed -n 's/.*libcuda\.so\.\([0-9][0-9]*\.[0-9.]*[0-9]\).*/\1/p' "$1" | sed -n 1p)
    gpu_names=$(sed -n 's/^[- {]*"\{0,1\}name"\{0,1\}: *"\{0,1\}\([A-Za-z0-9:-]*\)"\{0,1\}[ ,]*$/\1/p' \
        "$1" | tr '\n' ' ')
    printf 'gpu.cdi.%s=%s %s\n' "${1#"$gpu_root"}" "${gpu_version:--}" "${gpu_names% }"
}
# An engine before 25 knows no CDI, and its client no such field.
print_docker() {
    command -v docker >/dev/null || return 0
    # shellcheck disable=SC2016 # it is Docker that expands it
    gpu_runtimes='{{range $Name, $Value := .Runtimes}} {{$Name}}{{end}}'
    gpu_docker=$(docker info --format \
        "{{.ServerVersion}} {{json .CDISpecDirs}}$gpu_runtimes" 2>/dev/null) ||
        gpu_docker=$(docker info --format "{{.ServerVersion}} null$gpu_runtimes" \
            2>/dev/null) || return 0
    case $gpu_docker in [0-9]*) printf 'gpu.docker=%s\n' "$gpu_docker" ;; esac
}
print_amd() {
    [ -e "$gpu_root/dev/kfd" ] || return 0
    echo gpu.kfd=true
    gpu_groups=$(stat -c %g "$gpu_root/dev/kfd" "$gpu_root"/dev/dri/renderD* 2>/dev/null |
        sort -un | tr '\n' ' ')
    printf 'gpu.groups=%s\n' "${gpu_groups% }"
}
