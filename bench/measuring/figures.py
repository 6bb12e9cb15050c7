"""The figures: samples under names with units, the results file, the table and the verdicts on the targets."""

import json
import statistics
from pathlib import Path


class Figures:
    """Samples by name. The order is that of the results file; cpu_ratio_to_nginx comes first."""

    def __init__(self) -> None:
        self._samples: dict[str, list[float]] = {"cpu_ratio_to_nginx": []}
        self.notes: list[str] = []
        self.failed_requests = 0

    def add(self, name: str, value: float) -> None:
        self._samples.setdefault(name, []).append(value)

    def samples(self, name: str) -> list[float]:
        return self._samples.get(name, [])

    def count_errors(self, what: str, line: dict[str, float]) -> None:
        """Failed requests never count as served, and never go unsaid either."""
        failed = int(line["errors"] + line.get("errors_in_warmup", 0))
        if failed:
            self.failed_requests += failed
            kinds = {kind: int(line[kind]) for kind in ("wrong_status", "wrong_length", "broken", "unanswered")
                     if line.get(kind)}
            self.notes.append(f"{what}: {failed} failed requests {kinds or '(before the window)'}")

    def results(self) -> dict[str, dict[str, float]]:
        found = {name: {"min": round(min(samples), 4), "median": round(statistics.median(samples), 4),
                        "max": round(max(samples), 4)}
                 for name, samples in self._samples.items() if samples}
        found["failed_requests"] = dict.fromkeys(("min", "median", "max"), self.failed_requests)
        return found

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.results(), indent=2) + "\n")

    def table(self) -> str:
        """A row a figure; nginx's own stands beside the gateway's."""
        results = self.results()
        rows = [("figure", "min", "median", "max", "nginx median")]
        for name, three in results.items():
            if name.startswith("nginx_"):
                if name.removeprefix("nginx_") in results:
                    continue
                rows.append((name, "", "", "", _short(three["median"])))
                continue
            beside = results.get(f"nginx_{name}")
            rows.append((name, *(_short(three[key]) for key in ("min", "median", "max")),
                         _short(beside["median"]) if beside else ""))
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        return "\n".join(row[0].ljust(widths[0]) + "".join("  " + cell.rjust(width)
                         for cell, width in zip(row[1:], widths[1:])) for row in rows)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


# Plain text, 1 KB, unless the name says otherwise. The medians are held to these.
TARGETS = [
    ("cpu_ratio_to_nginx", 1.0, "the goal is 0.85"),
    ("tls_cpu_ratio_to_nginx", 1.0, "TLS to the upstream on both sides"),
    ("user_us_per_request", 4.0, ""),
    ("system_calls_per_request", 4.5, ""),
    ("kib_per_stream_at_2000", 8.0, ""),
    ("kib_per_stream_at_9500", 8.0, ""),
    ("rss_idle_mb", 20.0, ""),
    ("rss_after_load_ratio_to_idle", 1.1, "back within 10 %"),
    ("first_answer_ms", 100.0, "from its start"),
]


def verdicts(figures: Figures) -> list[str]:
    """A line for each target that was measured."""
    results = figures.results()
    lines = []
    for name, limit, remark in TARGETS:
        if name in results:
            median = results[name]["median"]
            verdict = "reached" if median <= limit else "MISSED "
            lines.append(f"{verdict}  {name} {_short(median)} ≤ {limit:g}" + (f"  ({remark})" if remark else ""))
    return lines
