"""run, jobs, job.*: jobs of Ray, followed from this machine."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from provision.cli.command import INTERRUPTED, command_of
from provision.cli.options import PASSWORDS, CommandOptions, option, words
from provision.cli.ray.on_hosts.exec import print_json
from provision.cli.ray.on_hosts.remainder import remainder
from provision.cli.request import Request, resolve
from provision.errors import OptionError
from provision.invocation import program

if TYPE_CHECKING:
    from provision.ray.jobs.job import Job


@dataclass(frozen=True, slots=True)
class JobOptions(CommandOptions):
    """Options of the commands about jobs."""

    script: str = option("", "a Python script of this machine")
    job: str = option("", "the id of a job, which `jobs` lists")
    working_dir: str = option("", "folder to upload (default: the script's)")
    pip: str = option("", "packages that pip installs for the job: a,b==1")
    uv: str = option("", "packages that uv installs for the job: a,b==1")
    env: tuple[str, ...] = option((), "environment of the job, NAME=VALUE; repeatable")
    detach: bool = option(default=False, text="do not follow it; print its id")
    follow: bool = option(
        default=False, text="until the job ends; its exit code is ours"
    )
    all: bool = option(
        default=False, text="also those that Ray has forgotten, from the head's records"
    )
    json: bool = option(default=False, text="print the result as JSON")


COMMON = ("inventory", "set", *PASSWORDS)


@command_of(
    JobOptions,
    "working_dir",
    "pip",
    "uv",
    "env",
    "detach",
    *COMMON,
    positional="script",
)
def run(options: JobOptions) -> int:
    """Run a Python script as a Ray job, follow it, and end with its exit code.

    Its folder is uploaded, through SSH as all that follows. Arguments come after `--`.
    Ctrl-C asks whether to stop the job; without a terminal the job goes on.

        invoke run train.py
        invoke run train.py --pip torch,numpy --env EPOCHS=3 -- --lr 0.1
    """
    from provision import api

    request = resolve(options)
    job = api.submit_job(
        request.inventory,
        options.script,
        *remainder(),
        working_dir=options.working_dir,
        pip=words(options.pip),
        uv=words(options.uv),
        env=dict(_assignment(text) for text in options.env),
        sets=request.sets,
    )
    if options.detach:
        sys.stdout.write(f"{job}\n")
        return 0
    sys.stderr.write(f"job {job}\n")
    try:
        return _follow(request, job)
    except KeyboardInterrupt:
        _interrupted(request, job)
        return INTERRUPTED


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise OptionError(f"--env takes NAME=VALUE, not {text!r}")
    return name, value


def _follow(request: Request, job: str) -> int:
    from provision import api

    ended = api.job_logs(
        request.inventory, job, _print, follow=True, note=_note, sets=request.sets
    )
    if ended.status != "SUCCEEDED":
        sys.stderr.write(f"job {job} {ended.status}: {_last_line(ended)}\n")
    return ended.exit_code


def _last_line(job: Job) -> str:
    from provision.report.text import clean_output

    lines = job.message.strip().splitlines()
    return clean_output(lines[0]) if lines else ""


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _note(text: str) -> None:
    from provision.report.console import output

    output(sys.stderr).show(text)


def _interrupted(request: Request, job: str) -> None:
    """Ask whether to stop the job; say how to follow it again if not."""
    from provision import api

    if sys.stdin.isatty():
        try:
            answer = input(f"\nStop job {job}, too? [y/N] ")
        except (EOFError, KeyboardInterrupt):
            answer = ""
        if answer.strip().lower() in {"y", "yes"}:
            api.stop_job(request.inventory, job, sets=request.sets)
            sys.stderr.write(f"job {job} is stopped\n")
            return
    sys.stderr.write(
        f"job {job} goes on: `{program()} job.logs {job} --follow` shows it, "
        f"`{program()} job.stop {job}` stops it\n"
    )


@command_of(JobOptions, "all", "json", *COMMON, read_only=True)
def jobs(options: JobOptions) -> int:
    """List the jobs that Ray knows; with --all also those that it has forgotten.

    The head records jobs and their output every 15 s: they outlive a restart, another
    version of Ray, and a Ray that is stopped. UNKNOWN: nobody has seen the job end.

        invoke jobs
        invoke jobs --all --json
    """
    from rich.table import Table

    from provision import api
    from provision.report.console import output
    from provision.report.text import escape

    request = resolve(options)
    found = api.jobs(request.inventory, past=options.all, note=_note, sets=request.sets)
    if options.json:
        print_json([asdict(job) for job in found])
        return 0
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title in ("job", "status", "started", "took", "command"):
        table.add_column(title, overflow="fold")
    for job in found:
        began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(job.started_s))
        known = (began, _took(job)) if job.started_s else ("unknown", "unknown")
        table.add_row(*map(escape, (job.id, job.status, *known, job.entrypoint)))
    none = "there is no job, nor a record of one" if options.all else "Ray knows no job"
    output().print(table if found else none)
    return 0


def _took(job: Job) -> str:
    from provision.report.text import duration

    if job.ended_s or not job.recorded_s:
        return duration((job.ended_s or time.time()) - job.started_s)
    return "unknown"


@command_of(JobOptions, "follow", *COMMON, positional="job", read_only=True)
def logs(options: JobOptions) -> int:
    """Show the output of a job; with --follow until it ends, with its exit code.

    Of a job that Ray has forgotten it is what the head has recorded.

        invoke job.logs raysubmit_XXXXXXXXXXXXXXXX --follow
    """
    from provision import api

    request = resolve(options)
    if options.follow:
        return _follow(request, options.job)
    api.job_logs(request.inventory, options.job, _print, note=_note, sets=request.sets)
    return 0


@command_of(JobOptions, *COMMON, positional="job")
def stop(options: JobOptions) -> int:
    """Stop a job.

    invoke job.stop raysubmit_XXXXXXXXXXXXXXXX
    """
    from provision import api
    from provision.report.console import output

    request = resolve(options)
    stopped = api.stop_job(request.inventory, options.job, sets=request.sets)
    output().show(
        f"job {options.job} {'is stopped' if stopped else 'had ended before'}"
    )
    return 0
