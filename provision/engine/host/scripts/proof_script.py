"""Code that probes one step on its host, and recognizes the output.

It is run in the shell of the script itself, so that it can decide how the script goes on.
The output of the last probe is in `$batch_seen`, with `=` and its exit code at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from provision.model.shell import Reply, Sh, quote
from provision.model.step import Settled

FUNCTIONS = r"""batch_nl='
'
batch_count() { batch_lines=$#; }
batch_clock() {
read -r batch_up batch_rest </proc/uptime
batch_now=$((${batch_up%.*} * 100 + 1${batch_up#*.} - 100))
}"""
"""The clock counts hundredths of a second, and is not set as that of the day may be."""
PROBE = """batch_probe() {{
batch_seen=$(
(
set -u
{probe}
) </dev/null 2>/dev/null
printf '=%s' "$?"
)
}}"""
EXIT_0 = """while :; do
[ "${batch_seen##*=}" = 0 ] || break"""
LINE = """case "$batch_nl${{batch_seen%=*}}$batch_nl" in
*"$batch_nl"{line}"$batch_nl"*) ;;
*) break ;;
esac"""
NEVER = """case "$batch_nl$batch_seen" in
*{text}*) break ;;
esac"""
ONLY = """IFS=$batch_nl
set -f
batch_count $batch_seen
set +f
unset IFS
[ "$batch_lines" = {count} ] || break"""
PAUSES = "0.1 0.1 0.2 0.3 0.5 0.5 1 1 2"
"""Seconds between the polls of a wait, the last of them from then on."""
WAIT = """batch_clock
batch_until=$((batch_now + {hundredths}))
batch_pauses='{pauses}'
while :; do
s=1
{proof}
[ "$s" != 0 ] || break
batch_over=1
{ends}
[ "$batch_over" != 0 ] && [ "$batch_now" -lt "$batch_until" ] || break
sleep "${{batch_pauses%% *}}"
batch_pauses=${{batch_pauses#* }}
batch_clock
batch_probe
done"""
CHANGED = """[ "$batch_seen" = {last} ] || {{
{over}
}}"""
SHOW = """printf '%s' "${batch_seen%=*}\""""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait of a host for one of its steps.

    Attributes:
        limit_s: longest time.
        ends: outputs that end it; see `Step.wait_ends`.
        last: the reply that the controller has judged already: the same one again ends
            nothing, and any other does where there are no *ends*.
    """

    limit_s: float
    ends: tuple[Settled, ...] = ()
    last: Reply | None = None

    def code(self, settled: Settled | None) -> str:
        """Return code that probes until the wait is over; s=0 if the step is settled."""
        ends = [proof(end, "batch_over") for end in self.ends if end != settled]
        if self.last is not None:
            over = "\n".join(ends) or ":" if self.ends else "batch_over=0"
            ends = [CHANGED.format(last=as_seen(self.last), over=over)]
        return WAIT.format(
            hundredths=max(0, round(self.limit_s * 100)),
            pauses=PAUSES,
            proof=proof(settled) if settled else ":",
            ends="\n".join(ends) or ":",
        )


def probing(probe: Sh) -> str:
    """Return code that makes *probe* the one that `batch_probe` runs."""
    return PROBE.format(probe=probe.render())


def as_seen(reply: Reply) -> str:
    """Return *reply* as one word, as it is in `$batch_seen`."""
    return quote(f"{reply.stdout}={reply.exit}")


def proof(settled: Settled, name: str = "s") -> str:
    """Return code that sets variable *name* to 0 if `$batch_seen` is like *settled*."""
    if settled.alone:
        return f"""[ "$batch_seen" != '=0' ] || {name}=0"""
    return "\n".join([EXIT_0, *_conditions(settled), f"{name}=0\nbreak\ndone"])


def _conditions(settled: Settled) -> Iterator[str]:
    for parts in settled.lines:
        yield LINE.format(line="*".join(map(quote, parts)))
    for text in settled.never:
        yield NEVER.format(text=quote(text))
    if settled.only:  # the exit code is a word, too
        yield ONLY.format(count=len(settled.lines) + 1)
