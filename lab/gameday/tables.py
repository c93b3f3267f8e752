"""The closing table of a game day, and the page that keeps measured against true."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

Result = Mapping[str, Any]

_HEAD = (
    "# Measured against true\n\n"
    "The lab knows what really happened: when a region could take writes and be read, what DNS answered when, which "
    "writes its clients were told are stored, and which of them the database has. Each scenario below was played once "
    "against a lab (`make gameday`), at a random phase of the probe, and what the collection's report says is held "
    "against it. The two share no code.\n\n"
    "A measured time may differ from the true one by one interval of the probe (0.25 s): an outage that begins right "
    "after a sample is first seen by the next one. The number of lost writes may not differ at all, a bound on the "
    "loss may not lie below it, and what was measured to an end that never came is wrong whatever it is. The RPO is "
    "the time that was lost, from the last write that was kept to the last one that was lost, by the writes of the "
    "probe; its bound has to reach from the first lost write to the last, as no standby is behind while nothing is "
    'written. "-" was not measured; the reasons stand below the table. An empty cell was not compared when it was '
    "played. Truth is defined in `lab/truth/outages.py` and `lab/truth/losses.py`.\n"
)
FIGURES = ("write RTO (s)", "read RTO (s)", "DNS (s)", "lost writes", "RPO (s)", "bound of the RPO (s)")
NO_MOVE = "no move: nothing to measure"


def newest(folder: Path) -> list[Result]:
    """The last result of each scenario below a folder, by name."""
    found: dict[str, Result] = {}
    for path in sorted(folder.glob("*/result.json"), key=lambda one: one.stat().st_mtime):
        result = json.loads(path.read_text(encoding="utf-8"))
        found[result["scenario"]] = result
    return [found[name] for name in sorted(found)]


def closing(results: Sequence[Result]) -> list[str]:
    """The table at the end of a game day."""
    width = max([len("scenario"), *(len(str(one["scenario"])) for one in results)])
    lines = [
        f"{'scenario':<{width}}  {'move':<10}{'write RTO':>16}{'read RTO':>16}{'DNS':>16}{'lost':>10}  took    verdict"
    ]
    lines.append(f"{'':<{width}}  {'':<10}{'measured/true':>16}{'measured/true':>16}{'measured/true':>16}")
    for one in results:
        cells = "".join(f"{_pair(one, figure):>16}" for figure in FIGURES[:3])
        verdict = "holds" if not one["problems"] else "FAILS"
        lines.append(
            f"{one['scenario']:<{width}}  {one['move']:<10}{cells}{_pair(one, 'lost writes', '{:.0f}'):>10}  "
            f"{one['seconds']:>5.0f} s  {verdict}"
        )
        lines += [f"{'':<{width}}    {problem}" for problem in one["problems"]]
    good = sum(not one["problems"] for one in results)
    return [
        *lines,
        "",
        f"{good} of {len(results)} scenarios hold, {sum(one['seconds'] for one in results):.0f} s in all",
    ]


def page(results: Sequence[Result], known: Collection[str] = ()) -> str:
    """`docs/measured-against-true.md`; `known` are the names of all scenarios, for those that were not played."""
    lines = ["| scenario | rules | " + " | ".join(FIGURES) + " | holds |", "| --- " * (len(FIGURES) + 3) + "|"]
    reasons = []
    for one in results:
        cells = [_pair(one, figure, "{:.0f}" if figure == "lost writes" else "{:.2f}", " / ") for figure in FIGURES]
        if not one["compared"] and not one["problems"]:
            cells[0] = NO_MOVE
        holds = "yes" if not one["problems"] else "**no**"
        lines.append(f"| `{one['scenario']}` | {', '.join(one['rules'])} | " + " | ".join(cells) + f" | {holds} |")
        reasons += [
            f"- `{one['scenario']}`, {line['figure']}: {line['why']}"
            for line in one["compared"]
            if line["measured"] is None
        ]
        reasons += [f"- `{one['scenario']}` **does not hold**: {problem}" for problem in one["problems"]]
    parts = [_HEAD, _played(results), "Each cell: measured / true.\n", "\n".join(lines) + "\n"]
    missing = sorted(set(known) - {str(one["scenario"]) for one in results})
    if missing:
        parts.append("Not played yet: " + ", ".join(f"`{name}`" for name in missing) + ".\n")
    if reasons:
        parts += ["## What was not measured, and what does not hold\n", "\n".join(reasons) + "\n"]
    return "\n".join(parts)


def _played(results: Sequence[Result]) -> str:
    """When the scenarios were played, how long it took, and whose times these are."""
    days = sorted({time.strftime("%Y-%m-%d", time.gmtime(one["at"])) for one in results if "at" in one})
    when = " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "before dates were kept"
    profiles = ", ".join(sorted({str(one.get("profile", "fast")) for one in results}))
    seconds = sum(float(one["seconds"]) for one in results)
    return (
        f"Played: {when} (UTC), {len(results)} scenarios in {seconds / 60:.0f} min, the way home of each included. All "
        f"times are the lab's ({profiles} profile), on one machine: they show that what is measured is true, not how "
        "long a move takes on AWS.\n"
    )


def _pair(result: Result, figure: str, form: str = "{:.2f}", between: str = "/") -> str:
    line = next((one for one in result["compared"] if one["figure"] == figure), None)
    if line is None:
        return ""
    return between.join("-" if value is None else form.format(value) for value in (line["measured"], line["true"]))
