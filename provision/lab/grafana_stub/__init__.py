"""Stand-in for Grafana, for labs on networks where Grafana cannot be downloaded.

It reads the real `grafana.ini` and provisioning files, rejects errors in them, and
answers the paths of Grafana's HTTP API that this project uses; it draws no graphs. It
runs inside a virtual host, from an archive in Grafana's layout with a Python of its own:
so this package imports only the standard library and PyYAML, and nothing else of this
project.

Source: grafana.com's documentation of configuration, provisioning and the HTTP
API, and the source of Grafana 12, as named in the modules.
"""

VERSION = "12.1.0"
COMMIT = "stand-in"
VERSION_TEXT = (
    f"grafana version {VERSION} (a stand-in made by provision's lab, not Grafana)"
)


class ConfigError(Exception):
    """Grafana would not start with this configuration; the text gives the reason."""
