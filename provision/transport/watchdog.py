"""What a script does not outlive: its connection and its time limit."""

from __future__ import annotations

from dataclasses import replace

from provision.model.script import Script

END = "read -r nothing\n"
"""Waits for the end of standard input."""
SILENCE = r"""
while :; do
    beat=$(timeout 20 head -c 1)
    case $?$beat in
    0?*) ;;
    0 | 124 | 143) break ;; # 143: that of busybox
    # It did not start, as while its library is being replaced: that is no silence.
    *) sleep 1 ;;
    esac
done
"""
"""Waits for that, or until no beat has come for 20 s."""
SILENCE_S = 20
LEASH = (
    r"""
{ (
""",
    r"""
    trap '' TERM
    kill -TERM 0
    sleep 5
    kill -KILL 0
) <&3 3<&- >/dev/null 2>&1 & } 3<&0
leash=$!
trap 'kill "$leash" 2>/dev/null' EXIT
left() {
    read -r line </proc/self/stat
    set -- ${line##*) }
    group=$3
    for each in /proc/[0-9]*/stat; do
        { read -r line <"$each"; } 2>/dev/null || continue
        set -- "${line%% *}" ${line##*) }
        case $1 in "$group" | "$$" | "$leash") continue ;; esac
        [ "$3" != "$leash" ] || continue
        [ "$4" != "$group" ] || [ "$2" = Z ] || return 0
    done
    return 1
}
end() {
    trap '' TERM
    for second in 1 2 3 4 5; do
        left || exit 143
        sleep 1
    done
    kill -KILL 0
}
trap end TERM
""",
)
"""Ends the script's process group when standard input ends, that is with the connection.

And sees it end at the time limit: timeout(1) sends KILL to what ignores TERM only while
the shell that it started is there.
"""


ENDED = 143
"""The exit code of a script that was ended so, if it ended in time."""


def with_watchdog(script: Script, *, heartbeat: bool = False) -> Script:
    """*script*, ended on the host when its standard input ends before it does.

    Still one compound command: a shell that receives only a part runs nothing.

    Args:
        script: what to run.
        heartbeat: whether it is ended as well when no beat has come for `SILENCE_S`. A link
            that was cut closes nothing: what ran would go on, beside the next try.
    """
    leash = (SILENCE if heartbeat else END).join(LEASH)
    return replace(script, text=f"{{\n{leash}\n{script.text}\nexit\n}}\n")
