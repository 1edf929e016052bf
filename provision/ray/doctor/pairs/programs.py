"""The programs that listen on a host, in the languages that one may have."""

from __future__ import annotations

PERL_LISTENER = r"""
use Socket; use POSIX ();
sub listener {
    my $port = shift;
    for my $family (AF_INET6, AF_INET) {
        socket(my $socket, $family, SOCK_STREAM, 0) or next;
        setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
        my $place = $family == AF_INET ? pack_sockaddr_in($port, INADDR_ANY)
            : pack_sockaddr_in6($port, Socket::IN6ADDR_ANY());
        bind($socket, $place) && listen($socket, 64) or next;
        return $socket;
    }
    return;
}
sub detach {
    my $pid = fork; defined $pid or exit 1;
    if ($pid) { print "pid=$pid\n"; exit 0 }
    POSIX::setsid();
    open STDIN, "<", "/dev/null"; open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null";
}
my $limit = shift;
"""
"""Functions for perl-base, which each Debian has; the first argument of a program is seconds.

`listener` listens at a port, `detach` tells the process and goes on in one of its own.
"""
PYTHON_LISTENER = r"""
import os, select, signal, socket, sys, time
def listener(port):
    for family, any_address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
        try:
            one = socket.socket(family)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((any_address, port))
            one.listen(64)
            return one
        except OSError:
            continue
def detach():
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        print("pid=%d" % pid)
        sys.exit(0)
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
"""
"""Functions for Python 3, as PERL_LISTENER; RHEL has one for its own programs."""
PERL = (
    PERL_LISTENER
    + r"""
my @open;
for my $port (@ARGV) {
    my $socket = listener($port) or next;
    push @open, $socket; print "port.$port=open\n";
}
detach();
alarm $limit;
while (@open) {
    my $bits = ""; vec($bits, fileno $_, 1) = 1 for @open;
    select $bits, undef, undef, undef;
    for my $socket (@open) { accept(my $guest, $socket) if vec $bits, fileno $socket, 1 }
}
"""
)
"""For perl-base; its arguments are seconds and ports.

It listens, tells at which ports, and goes on in a process of its own for these seconds.
"""
PYTHON = (
    PYTHON_LISTENER
    + r"""
opened = []
for port in map(int, sys.argv[2:]):
    one = listener(port)
    if one:
        opened.append(one)
        print("port.%d=open" % port)
detach()
signal.alarm(int(sys.argv[1]))
while opened:
    for one in select.select(opened, [], [])[0]:
        one.accept()[0].close()
"""
)
"""For Python 3, as PERL."""
