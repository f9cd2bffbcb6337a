"""Every identification and verification leaves a record of who asked, why, and what decided; nothing biometric."""

import json

import pytest

from mien.server.context import Context
from mien.server.keys import Role
from server_toys import Client, empty_png, png

ROOT = "/v1/galleries/family"


@pytest.fixture
def viewer(context: Context, client: Client, admin: Client) -> str:
    """Id of a key that may ask; Ada is enrolled."""
    told = client.post(f"{ROOT}/subjects/Ada/references", files=[("image", ("1.png", png(1)))])
    assert told.status_code == 201
    key, token = context.keys.create(Role.VIEWER)
    client.headers["x-api-key"] = token
    return key.id


def decisions(context: Context) -> list:
    records = context.gallery("family").reader.store.audit()
    return [record for record in records if record.action in ("identify", "verify")]


def test_an_identification_names_key_purpose_model_threshold_and_rate(
    client: Client, context: Context, viewer: str
) -> None:
    files = [("image", ("a.png", png(1))), ("image", ("b.png", png(2))), ("image", ("c.png", empty_png()))]
    answer = client.post(f"{ROOT}/identifications?fpir=0.01", files=files, headers={"X-Purpose": "lost child"}).json()
    ada = context.gallery("family").reader.store.subject("Ada").uid
    found = decisions(context)
    assert [(r.action, r.subject, r.counts) for r in found] == [
        ("identify", ada, {"probes": 1, "matches": 1}),
        ("identify", None, {"probes": 1, "matches": 0}),
    ]
    assert {(r.actor, r.purpose, r.model, r.rate) for r in found} == {
        (f"key {viewer}", "lost child", context.gallery("family").reader.store.contract.digest, 0.01)
    }
    assert {round(r.threshold, 4) for r in found} == {answer["threshold"]}


def test_a_verification_names_the_person_by_uid_and_the_rate(client: Client, context: Context, viewer: str) -> None:
    answers = [
        client.post(f"{ROOT}/verifications?subject=Ada&fmr=0.001", files=[("image", ("a.png", png(who)))]).json()
        for who in (1, 2)
    ]
    ada = context.gallery("family").reader.store.subject("Ada").uid
    found = decisions(context)
    assert [(r.action, r.actor, r.subject, r.counts["matches"]) for r in found] == [
        ("verify", f"key {viewer}", ada, int(answer["match"])) for answer in answers
    ]
    assert [(round(r.threshold, 4), r.rate) for r in found] == [(each["threshold"], 0.001) for each in answers]


def test_the_record_holds_no_name_and_no_picture(client: Client, context: Context, viewer: str) -> None:
    client.post(f"{ROOT}/identifications", files=[("image", ("Ada at home.png", png(1)))])
    client.post(f"{ROOT}/verifications?subject=Ada", files=[("image", ("Ada at home.png", png(1)))])
    text = json.dumps([record.to_dict() for record in decisions(context)])
    assert not [word for word in ("Ada", "png") if word in text]
    assert len(decisions(context)) == 2


def test_what_is_refused_decides_nothing(client: Client, context: Context, viewer: str) -> None:
    client.post(f"{ROOT}/identifications", files=[("image", ("a.png", b"torn"))])
    client.post(f"{ROOT}/identifications?where=site%20is", files=[("image", ("a.png", png(1)))])
    client.post(f"{ROOT}/verifications?subject=Eve", files=[("image", ("a.png", png(1)))])
    assert decisions(context) == []
