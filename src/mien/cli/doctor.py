"""``mien doctor``."""

from __future__ import annotations

from mien.cli import options, output


def doctor(json: options.Json = False) -> int:
    """What would go wrong here: engines, models, cache, SQLite, doubled packages. Exit code 7 when something will."""
    from mien.service.doctor import examine

    findings = examine()
    if json:
        output.document({"ok": all(f.ok for f in findings), "findings": [f.to_dict() for f in findings]})
    else:
        for finding in findings:
            output.say(f"{'ok  ' if finding.ok else 'BAD '} {finding.subject}: {finding.text}")
            if finding.remedy:
                output.say(f"     {finding.remedy}")
    return 0 if all(finding.ok for finding in findings) else 7
