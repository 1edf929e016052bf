# needs: name
# uses: property.sh
# Functions about a service: systemd is asked where it runs, else its init script.
# $shown is what systemd knows of it.

record=/run/provision-started.$name
has_systemd() { [ -d /run/systemd/system ]; }
refresh() {
    ! has_systemd || shown="
$(TZ=UTC systemctl show -p Id -p LoadState -p ActiveState -p UnitFileState \
        -p InvocationID -p NRestarts -p ExecMainStartTimestamp "$name")
"
}
exists() {
    if has_systemd; then
        # One whose unit file was removed while it runs is there as well.
        case "$(property LoadState) $(property ActiveState)" in
        "not-found inactive" | "not-found failed") false ;;
        esac
    else
        [ -x "/etc/init.d/$name" ]
    fi
}
state() {
    if has_systemd; then
        case $(property ActiveState) in
        active | reloading) echo true ;;
        activating) echo starting ;;
        failed) echo failed ;;
        *) echo false ;;
        esac
    elif "/etc/init.d/$name" status >/dev/null 2>&1; then
        echo true
    else
        echo false
    fi
}
boot() {
    if has_systemd; then
        enabled=$(property UnitFileState)
        # Of an init script only this knows whether it is started at boot.
        [ "$enabled" != generated ] || enabled=$(systemctl is-enabled "$name" 2>/dev/null)
        case $enabled in
        enabled | alias | generated) echo true ;;
        static | indirect) echo static ;;
        masked*) echo masked ;;
        *) echo false ;;
        esac
    elif ls /etc/rc[2345].d/S[0-9][0-9]"$name" >/dev/null 2>&1; then
        echo true
    else
        echo false
    fi
}
refresh || exit 1
