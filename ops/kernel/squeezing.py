"""Making scripts and stylesheets smaller before they travel, without a build and without understanding them.

Only what certainly says nothing goes: indentation, empty lines, and comments that have their lines to themselves. So a
stack trace still names lines one can read, and our own habit is the one condition: no text that spans lines may
depend on its indentation, nor contain a line that looks like a comment.
"""


def squeezed(source: str) -> str:
    """The same program in fewer bytes."""
    kept = []
    inside = False
    for line in map(str.strip, source.splitlines()):
        if inside:
            inside = "*/" not in line
        elif line.startswith("/*"):
            inside = "*/" not in line
            # `/* config */ {}` is a comment with something behind it.
            if not inside and line.partition("*/")[2].strip():
                kept.append(line)
        elif line and not line.startswith("//"):
            kept.append(line)
    return "\n".join(kept) + "\n"
