"""The programs that listen on a host, in the languages that one may have."""

from __future__ import annotations

PERL = r"""
use Socket; use POSIX ();
my $limit = shift; my @open;
for my $port (@ARGV) {
    for my $family (AF_INET6, AF_INET) {
        socket(my $socket, $family, SOCK_STREAM, 0) or next;
        setsockopt($socket, SOL_SOCKET, SO_REUSEADDR, 1);
        my $place = $family == AF_INET ? pack_sockaddr_in($port, INADDR_ANY)
            : pack_sockaddr_in6($port, Socket::IN6ADDR_ANY());
        bind($socket, $place) && listen($socket, 64) or next;
        push @open, $socket; print "port.$port=open\n"; last;
    }
}
my $pid = fork; defined $pid or exit 1;
if ($pid) { print "pid=$pid\n"; exit 0 }
POSIX::setsid();
open STDIN, "<", "/dev/null"; open STDOUT, ">", "/dev/null"; open STDERR, ">", "/dev/null";
alarm $limit;
while (@open) {
    my $bits = ""; vec($bits, fileno $_, 1) = 1 for @open;
    select $bits, undef, undef, undef;
    for my $socket (@open) { accept(my $guest, $socket) if vec $bits, fileno $socket, 1 }
}
"""
"""For perl-base, which each Debian has; its arguments are seconds and ports.

It listens, tells at which ports, and goes on in a process of its own for these seconds.
"""
PYTHON = r"""
import os, select, signal, socket, sys
opened = []
for port in map(int, sys.argv[2:]):
    for family, any_address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):
        try:
            one = socket.socket(family)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((any_address, port))
            one.listen(64)
        except OSError:
            continue
        opened.append(one)
        print("port.%d=open" % port)
        break
sys.stdout.flush()
pid = os.fork()
if pid:
    print("pid=%d" % pid)
    sys.exit(0)
os.setsid()
null = os.open("/dev/null", os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(null, number)
signal.alarm(int(sys.argv[1]))
while opened:
    for one in select.select(opened, [], [])[0]:
        one.accept()[0].close()
"""
"""For Python 3, as PERL; RHEL has one for its own programs."""
