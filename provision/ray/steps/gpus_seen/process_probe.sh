# Prints the GPUs of the host, and the resources with which the raylet of this cluster was
# started; nothing on a host that has none. Other clusters may have processes here: those of
# this one name its folder.
#
# needs: data_dir, stop_mark
# uses: gpu/find_gpus.sh, ../stop_mark/mark.sh
found=$(find_gpus)
[ -n "$found" ] || exit 0
printf '%s\n' "$found"
print_stop_mark
grep -sl -e --static_resource_list= /proc/[0-9]*/cmdline | while read -r each; do
    { tr '\0' '\n' <"$each"; } 2>/dev/null |
        awk -v own="=$data_dir/ray/" '
            index($0, "--static_resource_list=") == 1 { found = substr($0, 24) }
            index($0, own) { is_own = 1 }
            END { if (found != "" && is_own) print "raylet=" found }'
done | sed -n 1p
