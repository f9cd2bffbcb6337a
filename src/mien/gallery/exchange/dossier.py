"""All that is held about one person, as one readable JSON document: what the person may ask for."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from mien.gallery.exchange.exporting import packed, whole
from mien.gallery.people import attributes, consent, crops, faces
from mien.gallery.search.projection import Projection
from mien.gallery.store.audit import to_record
from mien.gallery.store.rows import Row, Rows
from mien.gallery.store.schema import PICTURE, REFERENCE, SUBJECT
from mien.version import __version__

FORMAT = 1


def export(rows: Rows, projection: Projection, out: Path, subject: int, utc: str) -> dict[str, int]:
    """Write the document to `out`, compressed when its name ends in ``.gz``; nobody else is in it."""
    document = compose(rows, projection, subject, utc)
    with whole(out) as raw, packed(raw, out) as stream:
        stream.write(json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n")
    return {"subjects": 1, "references": len(document["references"]), "pictures": len(document["pictures"])}


def compose(rows: Rows, projection: Projection, subject: int, utc: str) -> dict[str, Any]:
    """The document: subject, attributes, consent, references with templates and crops, pictures, audit records."""
    number, uid, name, _, created = rows.get(SUBJECT, subject)
    references = [rows.get(REFERENCE, row_id) for row_id in projection.references(subject)]
    pictures = [rows.get(PICTURE, row_id) for row_id in sorted({row[2] for row in references if row[2] is not None})]
    held = consent.read(rows, subject, utc)
    return {
        "format": "mien-subject",
        "version": FORMAT,
        "mien": __version__,
        "written": utc,
        "subject": {"id": number, "uid": uid, "name": name, "created": created},
        "attributes": attributes.read(rows, subject),
        "consent": None if held is None else held.to_dict(),
        "model": None if rows.contract is None else rows.contract.to_dict(),
        "references": [_reference(rows, row, name) for row in references],
        "pictures": [
            {"path": path, "sha256": sha256, "width": width, "height": height, "indexed": indexed}
            for _, sha256, path, width, height, indexed, _ in pictures
        ],
        "audit": [to_record(row).to_dict() for row in rows.trail() if row[3] == uid],
    }


def _reference(rows: Rows, row: Row, name: str | None) -> dict[str, Any]:
    facts = faces.to_reference(rows, row, name)
    crop = crops.read(rows, row[0])
    template = base64.b64encode(rows.vectors([row])[0].astype("<f4").tobytes()).decode()
    return {
        **facts.to_dict(),
        "precision": facts.precision,
        "pinned": facts.pinned,
        "template": template,  # float32, little-endian, base64
        "crop": None if crop is None else base64.b64encode(crop).decode(),  # JPEG, base64
    }
