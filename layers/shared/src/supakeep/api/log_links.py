"""Links to a run's log in the CloudWatch console."""

from __future__ import annotations

from urllib.parse import quote

from supakeep.domain.run import Run

# the console's host, by the start of the region's name; any other is of the public partition
_CONSOLES = {
    "cn-": "console.amazonaws.cn",
    "us-gov-": "console.amazonaws-us-gov.com",
}


def log_url(run: Run, region: str | None) -> str | None:
    """Opens what the run's invocation logged; None where it did not run in AWS."""
    if region is None or run.log_group is None:
        return None
    link = (
        f"https://{_console(region)}/cloudwatch/home?region={region}"
        f"#logsV2:log-groups/log-group/{_escaped(run.log_group)}"
    )
    if run.invocation is None or run.started_at is None:
        return link
    start = int(run.started_at.timestamp() * 1000)
    pattern = _escaped(f'"{run.invocation}"')
    return f"{link}/log-events$3FfilterPattern$3D{pattern}$26start$3D{start}"


def _console(region: str) -> str:
    for prefix, host in _CONSOLES.items():
        if region.startswith(prefix):
            return host
    return f"{region}.console.aws.amazon.com"


def _escaped(text: str) -> str:
    """As the console writes a value behind the `#`: escaped twice, with `$` for the second `%`."""
    return quote(text, safe="").replace("%", "$25")
