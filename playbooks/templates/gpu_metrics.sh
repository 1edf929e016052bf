#!/bin/sh
# Written by provision: gpu_metrics.sh FOLDER, run by provision-gpu-metrics.timer. It writes
# FOLDER/gpus.prom, in one piece, for the textfile collector of node_exporter.
export LC_ALL=C
# What nvidia-smi does not tell is left out: it is unknown, and not 0.
file=$1/gpus.prom
names=
fields=index,uuid
# Adds the field $1 of nvidia-smi as the metric $2.
add() {
    fields=$fields,$1
    names="$names $2"
}
add_all() {
    add ecc.errors.corrected.volatile.total ecc_corrected
    add ecc.errors.uncorrected.volatile.total ecc_uncorrected
    add retired_pages.pending retired_pages_pending
    add power.draw power_watts
    add enforced.power.limit power_limit_watts
    add power.default_limit power_default_limit_watts
    add clocks_throttle_reasons.sw_power_cap throttled_sw_power_cap
    add clocks_throttle_reasons.sw_thermal_slowdown throttled_sw_thermal
    add clocks_throttle_reasons.hw_thermal_slowdown throttled_hw_thermal
    add clocks_throttle_reasons.hw_power_brake_slowdown throttled_hw_power_brake
}
# Drivers before 460 have none of these, and refuse a query that has one.
add_newer() {
    add remapped_rows.correctable remapped_rows_correctable
    add remapped_rows.uncorrectable remapped_rows_uncorrectable
    add remapped_rows.pending remapped_rows_pending
    add remapped_rows.failure remapped_rows_failed
    add temperature.memory memory_temperature_celsius
}
ask() { timeout -k 1 20 nvidia-smi --query-gpu="$fields" --format=csv,noheader,nounits 2>/dev/null; }
add_all
old_fields=$fields old_names=$names
add_newer
up=1
rows=$(ask) || case $? in
# One that hangs does so with fewer fields, too.
124 | 137 | 143) up=0 rows= ;;
*)
    fields=$old_fields names=$old_names
    rows=$(ask) || up=0 rows= ;;
esac
# Prints the value $2 of the metric $1 with the labels $3.
sample() {
    case $2 in
    Yes | Active) value=1 ;;
    No | 'Not Active') value=0 ;;
    # One value that is no number, and node_exporter would take none of the file.
    '' | *[!0-9.]* | *.*.*) return 0 ;;
    *) value=$2 ;;
    esac
    printf 'provision_gpu_%s{%s} %s\n' "$1" "$3" "$value"
}
# Prints the metric number $1, named $2, of all GPUs.
column() {
    echo "# TYPE provision_gpu_$2 gauge"
    printf '%s\n' "$rows" | while IFS=, read -r index uuid rest; do
        [ -n "$index" ] || continue
        labels="index=\"$index\",uuid=\"${uuid# }\""
        number=1
        while [ "$number" -lt "$1" ]; do
            rest=${rest#*,}
            number=$((number + 1))
        done
        cell=${rest%%,*}
        sample "$2" "${cell# }" "$labels"
    done
}
print_all() {
    printf '# TYPE provision_gpu_smi_up gauge\nprovision_gpu_smi_up %s\n' "$up"
    at=1
    for name in $names; do
        column "$at" "$name"
        at=$((at + 1))
    done
    # The kernel's log may be closed to us: then nobody knows, and nothing is printed.
    log=$(dmesg 2>/dev/null) || return 0
    echo '# TYPE provision_gpu_xid_readable gauge'
    echo 'provision_gpu_xid_readable 1'
    echo '# TYPE provision_gpu_xid_errors gauge'
    printf '%s\n' "$log" |
        sed -n 's/.*NVRM: Xid (PCI:\([0-9A-Fa-f:.]*\)): \([0-9]*\).*/\1 \2/p' | sort | uniq -c |
        while read -r count bus xid; do
            printf 'provision_gpu_xid_errors{bus="%s",xid="%s"} %s\n' "$bus" "$xid" "$count"
        done
}
print_all >"$file.new" && mv -f -- "$file.new" "$file"
