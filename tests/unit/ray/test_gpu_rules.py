"""Alerts about GPUs, as Prometheus itself evaluates them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
RULES = ROOT / "playbooks/templates/rules.yml"
PROGRAM = ROOT / "playbooks/templates/gpu_metrics.sh"
OVERVIEW = ROOT / "playbooks/templates/cluster_overview.json"
GPU = 'host="a", index="0", uuid="GPU-0"'
promtool = shutil.which("promtool")


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for rule in group["rules"] if rule["alert"].startswith("Gpu")]


def asked() -> str:
    panels = json.loads(OVERVIEW.read_text())["panels"]
    return " ".join(
        [rule["expr"] for rule in alerts()]
        + [target["expr"] for panel in panels for target in panel.get("targets", ())]
    )


def test_every_metric_of_ours_that_is_asked_for_is_written() -> None:
    text = PROGRAM.read_text()
    written = {f"provision_gpu_{name}" for name in re.findall(r"add \S+ (\w+)", text)}
    written |= set(re.findall(r"provision_gpu_(?:smi|xid)_\w+", text))
    names = set(re.findall(r"provision_gpu_\w*\w", asked())) - {
        "provision_gpu_throttled_"
    }
    assert names <= written, names - written


@pytest.mark.skipif(not promtool, reason="promtool is not installed")
@pytest.mark.parametrize(
    ("alert", "series", "at", "firing"),
    [
        ("GpuXid", {'xid_errors{host="a", bus="0000:06:00", xid="79"}': "_x5 1x30"}, "8m", True),
        ("GpuXid", {'xid_errors{host="a", bus="0000:06:00", xid="79"}': "1x60"}, "40m", False),
        ("GpuXid", {'xid_errors{host="a", bus="0000:06:00", xid="79"}': "1x20 2x30"}, "25m", True),
        ("GpuXid", {'xid_errors{host="a", bus="0000:06:00", xid="31"}': "_x5 1x30"}, "8m", False),
        ("GpuDriverSilent", {'smi_up{host="a"}': "1x5 0x30"}, "10m", True),
        ("GpuMemoryErrors", {f"ecc_uncorrected{{{GPU}}}": "0x5 2x30"}, "10m", True),
        ("GpuMemoryErrors", {f"ecc_uncorrected{{{GPU}}}": "0x30"}, "10m", False),
        ("GpuNeedsReset", {f"remapped_rows_pending{{{GPU}}}": "1x30"}, "10m", True),
        ("GpuMemoryWornOut", {f"remapped_rows_failed{{{GPU}}}": "1x30"}, "10m", True),
        ("GpuThrottled", {f"throttled_hw_thermal{{{GPU}}}": "1x30"}, "15m", True),
        ("GpuThrottled", {f"throttled_hw_thermal{{{GPU}}}": "0x30"}, "15m", False),
        (
            "GpuPowerCapLowered",
            {f"power_limit_watts{{{GPU}}}": "300x30", f"power_default_limit_watts{{{GPU}}}": "700x30"},
            "20m",
            True,
        ),
        (
            "GpuPowerCapLowered",
            {f"power_limit_watts{{{GPU}}}": "700x30", f"power_default_limit_watts{{{GPU}}}": "700x30"},
            "20m",
            False,
        ),
    ],
)  # fmt: skip
def test_an_alert_fires_when_it_should(
    tmp_path: Path, alert: str, series: dict[str, str], at: str, firing: bool
) -> None:
    (tmp_path / "rules.yml").write_text(RULES.read_text())
    expr = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}}) or vector(0)'
    test = {
        "interval": "1m",
        "input_series": [
            {"series": f"provision_gpu_{name}", "values": values}
            for name, values in series.items()
        ],
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": int(firing)}],
            }
        ],
    }
    about = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": [test]}
    (tmp_path / "test.yml").write_text(yaml.safe_dump(about))
    argv = [str(promtool), "test", "rules", str(tmp_path / "test.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
