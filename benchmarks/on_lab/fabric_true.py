"""The floor: connect to every host with Fabric, and run `true` on each, at once."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import fabric
from paramiko import RejectPolicy


def touch(port: str, key: str, known_hosts: str) -> bool:
    connect = {"key_filename": key, "allow_agent": False, "look_for_keys": False}
    connection = fabric.Connection(
        "127.0.0.1", user="admin", port=int(port), connect_kwargs=connect
    )
    connection.client.load_host_keys(known_hosts)
    connection.client.set_missing_host_key_policy(RejectPolicy())
    with connection:
        return bool(connection.run("true", hide=True, in_stream=False).ok)


if __name__ == "__main__":
    key, known_hosts, *ports = sys.argv[1:]
    with ThreadPoolExecutor(len(ports)) as pool:
        done = list(pool.map(lambda port: touch(port, key, known_hosts), ports))
    sys.exit(not all(done))
