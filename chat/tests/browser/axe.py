"""What axe-core, the checker behind most accessibility tools, says about a page or a frame of it."""

from pathlib import Path
from typing import Any

import axe_playwright_python

SOURCE = Path(axe_playwright_python.__file__).with_name("axe.min.js")
# WCAG 2.2 A and AA, and what axe calls best practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def serious(place: Any) -> list[str]:
    """Serious and critical findings of a page or frame, each with what it is about. Empty is what we want."""
    place.evaluate(SOURCE.read_text(encoding="utf-8"))
    found = place.evaluate(
        "rules => axe.run(document, {runOnly: rules, iframes: false, preload: false, resultTypes: ['violations']})",
        RULES,
    )
    return [
        f"{one['id']}: {node['target']} {node.get('failureSummary', '')}"
        for one in found["violations"]
        if one["impact"] in {"serious", "critical"}
        for node in one["nodes"]
    ]
