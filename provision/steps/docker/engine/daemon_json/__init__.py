"""The file daemon.json of a Docker engine, and the flags that it must agree with."""
