"""Shell of a copy, for the side of the host."""

from __future__ import annotations

from provision.model.shell_file import read_shell

CONTAINER = read_shell(__file__, "container.sh")
RECEIVE = read_shell(__file__, "receive.sh")
RECEIVE_TREE = read_shell(__file__, "receive_tree.sh")
SEND = read_shell(__file__, "send.sh")
SEND_TREE = read_shell(__file__, "send_tree.sh")
SETTLE = read_shell(__file__, "settle.sh")
