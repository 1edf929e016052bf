"""A stand-in for Grafana, for labs on networks where Grafana cannot be downloaded.

It reads the real `grafana.ini` and provisioning files, refuses what is wrong with them,
and answers the paths of Grafana's HTTP interface that this project uses; it draws
nothing. It runs inside a virtual host, from a tarball in Grafana's layout that brings
its own Python: so this package uses the standard library and PyYAML only, and nothing
else of this project.

Source: grafana.com's documentation of configuration, provisioning and the HTTP
interface, and the source of Grafana 12, as far as they are named in the modules.
"""

VERSION = "12.1.0"
COMMIT = "stand-in"
SAYS = f"grafana version {VERSION} (a stand-in made by provision's lab, not Grafana)"


class Refused(Exception):
    """Grafana would not start like this; the text says why."""
