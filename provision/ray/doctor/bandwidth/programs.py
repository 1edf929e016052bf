"""The programs that send and take in bytes, in the languages that a host may have."""

from __future__ import annotations

from provision.ray.doctor.pairs.programs import PERL_LISTENER, PYTHON_LISTENER

PERL_RECEIVER = (
    PERL_LISTENER
    + r"""
my $open;
for my $port (@ARGV) {
    $open = listener($port) or next;
    print "port=$port\n"; last;
}
defined $open or exit 0;
detach();
$SIG{CHLD} = "IGNORE";
my $end = time + $limit;
while ((my $left = $end - time) > 0) {
    alarm($left < 120 ? $left : 120);
    accept(my $guest, $open) or next;
    my $child = fork;
    if (defined $child && !$child) {
        alarm 30;
        my ($total, $part, $more) = (0, "");
        while ($more = sysread $guest, $part, 1048576) { $total += $more }
        syswrite $guest, "$total\n" if defined $more;
        POSIX::_exit(0);
    }
    close $guest;
}
"""
)
"""For perl-base; its arguments are seconds and ports.

It tells its port and process, and goes on in a process of its own for these seconds, or until
nobody has come for two minutes. To each who sends it answers with the number of bytes that arrived.
"""
PYTHON_RECEIVER = (
    PYTHON_LISTENER
    + r"""
opened = None
for port in map(int, sys.argv[2:]):
    opened = listener(port)
    if opened:
        print("port=%d" % port)
        break
if not opened:
    sys.exit(0)
detach()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
room = bytearray(1048576)
end = time.monotonic() + int(sys.argv[1])
while end > time.monotonic():
    signal.alarm(min(120, 1 + int(end - time.monotonic())))
    guest, _ = opened.accept()
    if os.fork() == 0:
        signal.alarm(30)
        total = 0
        try:
            while True:
                more = guest.recv_into(room)
                if not more:
                    break
                total += more
            guest.sendall(b"%d\n" % total)
        finally:
            os._exit(0)
    guest.close()
"""
)
"""For Python 3, as PERL_RECEIVER."""
PERL_SENDER = r"""
use Socket qw(:DEFAULT getaddrinfo); use POSIX ();
my $ticks = POSIX::sysconf(POSIX::_SC_CLK_TCK());
sub now { (POSIX::times())[0] / $ticks }
my ($host, $port, $seconds, $limit) = @ARGV;
my $why = "no answer";
sub fail { print "why=$_[0]\n"; exit 0 }
$SIG{ALRM} = sub { fail($why) };
$SIG{PIPE} = "IGNORE";
alarm 10;
my ($error, @found) = getaddrinfo($host, $port, {socktype => SOCK_STREAM});
fail("$host has no address here") if $error || !@found;
my $link;
for my $place (@found) {
    socket(my $socket, $place->{family}, SOCK_STREAM, 0) or next;
    if (connect $socket, $place->{addr}) { $link = $socket; last }
    $error = "$!";
}
fail($error) if !$link;
$why = "the transfer did not end"; alarm 10 + $seconds;
my ($part, $total, $begun) = ("\0" x 1048576, 0, now());
while ($total < $limit && now() - $begun < $seconds) {
    my $sent = syswrite $link, $part;
    defined $sent or fail("the connection broke: $!");
    $total += $sent;
}
shutdown $link, 1;
my $arrived = "";
while ($arrived !~ /\n/ && sysread $link, my $more, 64) { $arrived .= $more }
my $took = now() - $begun;
$arrived =~ /^(\d+)\n/ && $1 == $total or fail("not all bytes arrived");
printf "bytes=%s\nmicroseconds=%d\n", $total, $took * 1e6;
"""
"""Sends zeros; its arguments are address, port, seconds and bytes.

perl-base has no finer clock than times(2), whose ticks are 10 ms.
"""
PYTHON_SENDER = r"""
import signal, socket, sys, time
host, port, seconds, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
why = "no answer"
def fail(text):
    print("why=%s" % text)
    sys.exit(0)
signal.signal(signal.SIGALRM, lambda *_: fail(why))
signal.alarm(10)
try:
    link = socket.create_connection((host, port))
except socket.gaierror:
    fail("%s has no address here" % host)
except OSError as error:
    fail(error.strerror or error)
why = "the transfer did not end"
signal.alarm(10 + seconds)
part, total, begun = bytes(1048576), 0, time.monotonic()
arrived = b""
try:
    while total < limit and time.monotonic() - begun < seconds:
        total += link.send(part)
    link.shutdown(socket.SHUT_WR)
    while b"\n" not in arrived:
        more = link.recv(64)
        if not more:
            break
        arrived += more
except OSError as error:
    fail("the connection broke: %s" % (error.strerror or error))
took = time.monotonic() - begun
if arrived != b"%d\n" % total:
    fail("not all bytes arrived")
print("bytes=%d\nmicroseconds=%d" % (total, took * 1e6))
"""
"""For Python 3, as PERL_SENDER."""
