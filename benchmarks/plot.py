"""Draws wall time over the number of hosts; run with the peers' environment.

`python plot.py DATA.json IMAGE.png`: data are lists of (N, seconds) by contender.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt


def main() -> None:
    data, image = map(Path, sys.argv[1:])
    figure, axes = plt.subplots(figsize=(9, 6), layout="constrained")
    for name, points in json.loads(data.read_text()).items():
        sizes, walls = zip(*points, strict=True)
        ours = name.startswith("ours")
        axes.plot(
            sizes,
            walls,
            marker="o",
            label=name,
            linewidth=3 if ours else 1.5,
            color="black" if ours else None,
            linestyle="-" if len(sizes) > 1 else "",
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks([1, 10, 50, 100, 500], ["1", "10", "50", "100", "500"])
    axes.set_xlabel("hosts (addresses of one sshd, sharing the controller's cores)")
    axes.set_ylabel("wall seconds of the whole program")
    axes.set_title("Fifteen things looked at, nothing to do")
    axes.grid(visible=True, which="major", alpha=0.4)
    axes.legend(fontsize="small")
    figure.savefig(image, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
