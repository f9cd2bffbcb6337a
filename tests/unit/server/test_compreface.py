"""CompreFace's REST over drawn faces: every route, its fields, and the numbers of its errors."""

import base64
import uuid
from pathlib import Path

import pytest

from mien.server.compat import compreface
from mien.server.compat.compreface.image_ids import image_id, reference_number
from mien.server.context import Context
from mien.server.keys import Role
from server_toys import Client, empty_png, png

ROOT = "/api/v1"
VIEWER, OPERATOR, ADMIN, AUDITOR = Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.AUDITOR
READERS, WRITERS, ALL = {VIEWER, OPERATOR, ADMIN}, {OPERATOR, ADMIN}, None
MATRIX = {
    ("POST", "/recognition/subjects"): WRITERS,
    ("GET", "/recognition/subjects"): READERS,
    ("GET", "/recognition/subjects/"): READERS,
    ("PUT", "/recognition/subjects/{subject}"): WRITERS,
    ("DELETE", "/recognition/subjects/{subject}"): WRITERS,
    ("DELETE", "/recognition/subjects"): WRITERS,
    ("POST", "/recognition/faces"): WRITERS,
    ("GET", "/recognition/faces"): READERS,
    ("DELETE", "/recognition/faces"): WRITERS,
    ("DELETE", "/recognition/faces/{face}"): WRITERS,
    ("POST", "/recognition/faces/delete"): WRITERS,
    ("GET", "/recognition/faces/{face}/img"): READERS,
    ("POST", "/recognition/faces/{face}/verify"): READERS,
    ("GET", "/static/{api_key}/images/{face}"): READERS,
    ("GET", "/consistence/status"): ALL,
    ("GET", "/config"): ALL,
    ("POST", "/recognition/recognize"): READERS,
    ("POST", "/detection/detect"): READERS,
    ("POST", "/verification/verify"): READERS,
    ("POST", "/recognition/embeddings/recognize"): READERS,
    ("POST", "/recognition/embeddings/faces/{face}/verify"): READERS,
    ("POST", "/verification/embeddings/verify"): READERS,
}
"""Who may do what; None: everybody, also without a key."""


def routes() -> set[tuple[str, str]]:
    found = [route for part in compreface.PARTS for route in part.routes]
    return {(method, route.path) for route in found for method in route.methods}


@pytest.fixture
def api(context: Context, client: Client) -> Client:
    """A client with the key of one gallery, a UUID as CompreFace's are."""
    client.headers["x-api-key"] = context.keys.create(OPERATOR, galleries=["family"], as_uuid=True)[1]
    return client


def file(content: bytes, name: str = "a.png", part: str = "file") -> dict[str, object]:
    return {"files": {part: (name, content)}}


def add(api: Client, subject: str, person: int) -> str:
    answer = api.post(f"{ROOT}/recognition/faces?subject={subject}", **file(png(person)))
    assert answer.status_code == 201, answer.text
    assert answer.json()["subject"] == subject
    return answer.json()["image_id"]


def told(answer: object) -> tuple[int, int]:
    """(HTTP status, CompreFace's number) of an error."""
    document = answer.json()
    assert set(document) == {"message", "code"}
    assert document["message"]
    return answer.status_code, document["code"]


def test_every_route_has_a_row_of_roles() -> None:
    assert routes() == set(MATRIX)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_its_row_says_and_no_more(client: Client, context: Context, role: Role) -> None:
    token = context.keys.create(role, galleries=["family"])[1]
    refused = {}
    for method, path in MATRIX:
        there = ROOT + path.replace("{api_key}", token).replace("{face}", str(uuid.uuid4())).replace("{subject}", "x")
        answer = client.request(method, there, headers={"x-api-key": token})
        refused[method, path] = answer.status_code == 404 and b"may not" in answer.content
    assert refused == {route: roles is not None and role not in roles for route, roles in MATRIX.items()}


def test_a_uuid_opens_what_its_key_opens_and_ends_when_it_is_revoked(api: Client, context: Context) -> None:
    token = api.headers["x-api-key"]
    assert str(uuid.UUID(token)) == token
    assert api.get(f"{ROOT}/recognition/subjects").json() == {"subjects": []}
    key = context.keys.list()[0]
    made, second = context.keys.rotate(key.id)
    assert str(uuid.UUID(second)) == second
    context.keys.revoke(made.id)
    assert told(api.get(f"{ROOT}/recognition/subjects")) == (404, 10)


def test_subjects_are_made_named_merged_and_erased(api: Client) -> None:
    subjects = f"{ROOT}/recognition/subjects"
    for name in ("Ada", "Grace"):
        made = api.post(subjects, json={"subject": name})
        assert (made.status_code, made.json()) == (201, {"subject": name})
    assert api.get(f"{subjects}/").json() == {"subjects": ["Ada", "Grace"]}
    rename = {"subject": "Ada L", "api_endpoint": "Ada"}
    assert api.request("PUT", f"{subjects}/Ada", json=rename).json() == {"updated": True}
    assert api.request("PUT", f"{subjects}/Ada%20L", json=rename).json() == {"updated": False}
    add(api, "Grace", 1)
    add(api, "Ada L", 2)
    assert api.request("PUT", f"{subjects}/Ada%20L", json={"subject": "Grace"}).json() == {"updated": True}
    assert api.get(subjects).json() == {"subjects": ["Grace"]}
    assert api.get(f"{ROOT}/recognition/faces?subject=Grace").json()["total_elements"] == 2
    assert api.delete(f"{subjects}/Grace").json() == {"subject": "Grace"}
    for name in ("A", "B", "C"):
        api.post(subjects, json={"subject": name})
    assert api.delete(subjects).json() == {"deleted": 3}
    assert api.get(subjects).json() == {"subjects": []}


def test_faces_are_listed_in_pages_and_erased_while_their_subjects_stay(api: Client) -> None:
    faces = f"{ROOT}/recognition/faces"
    ids = [add(api, name, person) for name, person in (("Ada", 1), ("Ada", 2), ("Bob", 3), ("Bob", 4), ("Bob", 5))]
    first = api.get(faces, params={"page": 0, "size": 2}).json()
    assert [face["image_id"] for face in first.pop("faces")] == ids[:2]
    assert first == {"page_number": 0, "page_size": 2, "total_pages": 3, "total_elements": 5}
    assert [face["image_id"] for face in api.get(f"{faces}?page=2&size=2").json()["faces"]] == ids[4:]
    assert [face["subject"] for face in api.get(f"{faces}?subject=Ada").json()["faces"]] == ["Ada", "Ada"]
    assert api.get(f"{faces}?subject=Nobody").json()["total_elements"] == 0
    assert api.delete(f"{faces}/{ids[0]}").json() == {"image_id": ids[0], "subject": "Ada"}
    gone = api.post(f"{faces}/delete", json=[ids[0], ids[2], str(uuid.uuid4())])
    assert gone.json() == [{"image_id": ids[2], "subject": "Bob"}]
    assert api.delete(f"{faces}?subject=Bob").json() == {"deleted": 2}
    assert api.delete(faces).json() == {"deleted": 1}
    assert api.get(f"{ROOT}/recognition/subjects").json() == {"subjects": ["Ada", "Bob"]}


def test_recognize_names_people_with_what_was_asked_for_and_leaves_out_the_rest(api: Client) -> None:
    add(api, "Ada", 1)
    add(api, "Bob", 2)
    query = "?&limit=0&status=True&face_plugins=landmarks,calculator,age&prediction_count=2"
    answer = api.post(f"{ROOT}/recognition/recognize{query}", **file(png(2, 1))).json()
    assert answer["plugins_versions"] == {"detector": "yunet", "calculator": "toy", "landmarks": "yunet"}
    for face in answer["result"]:
        assert set(face) == {"box", "landmarks", "embedding", "execution_time", "subjects"}
        assert set(face["box"]) == {"probability", "x_min", "y_min", "x_max", "y_max"}
        assert all(isinstance(face["box"][name], int) for name in ("x_min", "y_min", "x_max", "y_max"))
        assert len(face["landmarks"]) == 5
        assert set(face["execution_time"]) == {"detector", "calculator"}
        assert len(face["subjects"]) == 2
        assert face["subjects"][0]["similarity"] == 1.0
        assert face["subjects"][1]["similarity"] < 0.5
    assert {face["subjects"][0]["subject"] for face in answer["result"]} == {"Ada", "Bob"}
    plain = api.post(f"{ROOT}/recognition/recognize?limit=1", **file(png(1, 2))).json()
    assert set(plain) == {"result"}
    assert [set(face) for face in plain["result"]] == [{"box", "subjects"}]


def test_base64_in_json_is_the_same_as_a_file(api: Client) -> None:
    add(api, "Ada", 1)
    body = {"file": base64.b64encode(png(1)).decode()}
    path = f"{ROOT}/recognition/recognize"
    assert api.post(path, json=body).json() == api.post(path, **file(png(1))).json()


def test_detect_faces_false_takes_the_picture_for_a_face(api: Client) -> None:
    answer = api.post(f"{ROOT}/recognition/recognize?detect_faces=false", **file(empty_png())).json()
    assert answer["result"][0]["box"] == {"probability": 0.0, "x_min": 0, "y_min": 0, "x_max": 200, "y_max": 200}
    assert answer["result"][0]["subjects"] == []


def test_verifications_tell_each_face_of_the_target(api: Client) -> None:
    face = add(api, "Ada", 1)
    found = api.post(f"{ROOT}/recognition/faces/{face}/verify", **file(png(1, 2))).json()["result"]
    assert {row["subject"] for row in found} == {"Ada"}
    assert sorted(row["similarity"] >= 0.5 for row in found) == [False, True]
    sent = {"files": {"source_image": ("s.png", png(2)), "target_image": ("t.png", png(1, 2, 3))}}
    answer = api.post(f"{ROOT}/verification/verify?status=true", **sent).json()
    assert set(answer) == {"result"}
    (only,) = answer["result"]
    assert set(only) == {"source_image_face", "face_matches", "plugins_versions"}
    assert [row["similarity"] >= 0.5 for row in only["face_matches"]] == [True, False, False]


def test_embeddings_are_answered_like_the_pictures_they_come_from(api: Client) -> None:
    faces = {name: add(api, name, person) for name, person in (("Ada", 1), ("Bob", 2))}
    query = f"{ROOT}/detection/detect?face_plugins=calculator"
    one, two = (api.post(query, **file(png(person))).json()["result"][0]["embedding"] for person in (1, 2))
    found = api.post(f"{ROOT}/recognition/embeddings/recognize?prediction_count=1", json={"embeddings": [two, one]})
    rows = found.json()["result"]
    assert [row["similarities"][0]["subject"] for row in rows] == ["Bob", "Ada"]
    assert [row["embedding"] for row in rows] == [two, one]
    stored = f"{ROOT}/recognition/embeddings/faces/{faces['Ada']}/verify"
    ranked = api.post(stored, json={"embeddings": [two, one]}).json()["result"]
    assert [row["embedding"] for row in ranked] == [one, two]
    assert [row["similarity"] >= 0.5 for row in ranked] == [True, False]
    pair = api.post(f"{ROOT}/verification/embeddings/verify", json={"source": two, "targets": [one, two]}).json()
    assert [row["embedding"] for row in pair["result"]] == [two, one]


def test_pictures_that_are_not_kept_are_empty(api: Client) -> None:
    face = add(api, "Ada", 1)
    answer = api.get(f"{ROOT}/recognition/faces/{face}/img")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert api.get(f"{ROOT}/recognition/faces/{uuid.uuid4()}/img").content == b""
    token = api.headers.pop("x-api-key")
    shown = api.get(f"{ROOT}/static/{token}/images/{face}")
    assert (shown.status_code, shown.content) == (200, b"")
    assert told(api.get(f"{ROOT}/static/{uuid.uuid4()}/images/{face}"))[0] in (400, 404)


def test_a_face_is_shown_from_an_allowed_folder(api: Client, context: Context, tmp_path: Path) -> None:
    import hashlib

    from mien.gallery import PictureRecord
    from mien.server.compat.serving import Wanted, look
    from mien.server.decoding import Picture

    path = tmp_path / "album" / "kept.png"
    path.write_bytes(png(1))
    served = context.galleries["family"]
    looked = look(served.engine, Picture("kept.png", path.read_bytes()), Wanted())
    record = PictureRecord(hashlib.sha256(path.read_bytes()).hexdigest(), str(path), looked.seen.size)
    served.writer.store.enrol("Ada", looked.made, record)
    served.engine.decoders.cut = lambda picture, box, side: picture.data  # type: ignore[method-assign]
    (face,) = api.get(f"{ROOT}/recognition/faces").json()["faces"]
    assert api.get(f"{ROOT}/recognition/faces/{face['image_id']}/img").content == path.read_bytes()
    path.write_bytes(png(2))
    assert api.get(f"{ROOT}/recognition/faces/{face['image_id']}/img").content == b""


def test_what_is_told_without_a_key(client: Client) -> None:
    assert client.get(f"{ROOT}/config").json() == {"clientMaxFileSize": 10 << 20, "clientMaxBodySize": 10 << 20}
    assert client.get(f"{ROOT}/consistence/status").json()["saveImagesToDB"] is False


RECOGNIZE = f"{ROOT}/recognition/recognize"
FACES = f"{ROOT}/recognition/faces"
SUBJECTS = f"{ROOT}/recognition/subjects"
UNKNOWN = str(uuid.UUID(int=7))
ERRORS = {
    "no such route": ("GET", f"{ROOT}/nothing", {}, (404, 0)),
    "no such method": ("PATCH", FACES, {}, (404, 0)),
    "no json": ("POST", SUBJECTS, {"content": b"{"}, (400, 0)),
    "no object": ("POST", SUBJECTS, {"json": []}, (400, 0)),
    "field empty": ("POST", SUBJECTS, {"json": {}}, (400, 5)),
    "no embeddings": ("POST", f"{ROOT}/recognition/embeddings/recognize", {"json": {"embeddings": []}}, (400, 5)),
    "no prediction": ("POST", f"{RECOGNIZE}?prediction_count=0", file(png(1)), (400, 12)),
    "extension": ("POST", RECOGNIZE, file(png(1), "a.txt"), (400, 21)),
    "no extension": ("POST", RECOGNIZE, file(png(1), "image"), (400, 21)),
    "no base64": ("POST", RECOGNIZE, {"json": {"file": "%%%"}}, (400, 21)),
    "blank name": ("POST", SUBJECTS, {"json": {"subject": "  "}}, (400, 26)),
    "slash in a name": ("POST", SUBJECTS, {"json": {"subject": "a/b"}}, (400, 26)),
    "long name": ("POST", SUBJECTS, {"json": {"subject": "x" * 51}}, (400, 26)),
    "number as a name": ("POST", SUBJECTS, {"json": {"subject": 7}}, (400, 26)),
    "negative limit": ("POST", f"{RECOGNIZE}?limit=-1", file(png(1)), (400, 26)),
    "threshold above 1": ("POST", f"{RECOGNIZE}?det_prob_threshold=1.5", file(png(1)), (400, 26)),
    "unknown plugin": ("POST", f"{RECOGNIZE}?face_plugins=mood", file(png(1)), (400, 26)),
    "no face": ("POST", RECOGNIZE, file(empty_png()), (400, 28)),
    "no picture": ("POST", f"{ROOT}/detection/detect", file(b"text", "a.jpg"), (400, 28)),
    "no face to detect": ("POST", f"{ROOT}/detection/detect", file(empty_png()), (400, 28)),
    "two faces": ("POST", f"{FACES}?subject=Ada", file(png(1, 2)), (400, 31)),
    "no subject": ("POST", FACES, file(png(1)), (400, 33)),
    "no part": ("POST", RECOGNIZE, file(png(1), part="image"), (400, 34)),
    "limit is a word": ("POST", f"{RECOGNIZE}?limit=many", file(png(1)), (400, 36)),
    "no uuid": ("DELETE", f"{FACES}/7", {}, (400, 36)),
    "short embedding": (
        *("POST", f"{ROOT}/recognition/embeddings/recognize"),
        *({"json": {"embeddings": [[1.0, 2.0]]}}, (400, 37)),
    ),
    "unknown subject": ("DELETE", f"{SUBJECTS}/Nobody", {}, (404, 42)),
    "unknown subject's faces": ("DELETE", f"{FACES}?subject=Nobody", {}, (404, 42)),
    "rename nobody": ("PUT", f"{SUBJECTS}/Nobody", {"json": {"subject": "Ada"}}, (404, 42)),
    "subject exists": ("POST", SUBJECTS, {"json": {"subject": "Known"}}, (400, 43)),
    "unknown image": ("DELETE", f"{FACES}/{UNKNOWN}", {}, (404, 44)),
    "verify with an unknown image": ("POST", f"{FACES}/{UNKNOWN}/verify", file(png(1)), (404, 44)),
}


@pytest.mark.parametrize("case", list(ERRORS))
def test_errors_have_compreface_numbers(api: Client, case: str) -> None:
    api.post(SUBJECTS, json={"subject": "Known"})
    method, path, sent, expected = ERRORS[case]
    assert told(api.request(method, path, **sent)) == expected


def test_one_face_is_demanded_of_a_source_unless_limit_chooses(api: Client) -> None:
    path = f"{ROOT}/verification/verify"

    def sent(*people: int) -> dict[str, object]:
        source = png(*people) if people else empty_png()
        return {"files": {"source_image": ("s.png", source), "target_image": ("t.png", png(1))}}

    assert told(api.post(path, **sent())) == (400, 28)
    assert told(api.post(path, **sent(1, 2))) == (400, 31)
    assert api.post(f"{path}?limit=1", **sent(1, 2)).status_code == 200


@pytest.mark.parametrize(
    ("key", "expected"),
    [(None, (400, 20)), ("nonsense", (400, 26)), (str(uuid.uuid4()), (404, 10)), ("mien_000000000000_x", (404, 10))],
)
def test_a_missing_or_unknown_key_has_its_number(client: Client, key: str | None, expected: tuple[int, int]) -> None:
    headers = {} if key is None else {"x-api-key": key}
    assert told(client.post(RECOGNIZE, headers=headers, **file(png(1)))) == expected
    assert told(client.get(SUBJECTS, headers=headers)) == expected


def test_a_key_of_several_galleries_detects_but_opens_none(client: Client, context: Context) -> None:
    client.headers["x-api-key"] = context.keys.create(OPERATOR)[1]
    assert told(client.get(SUBJECTS)) == (404, 10)
    assert client.post(f"{ROOT}/detection/detect", **file(png(1))).status_code == 200


def test_a_body_that_is_too_large_keeps_its_status(api: Client) -> None:
    assert told(api.post(RECOGNIZE, content=b"x" * (11 << 20))) == (413, 0)


def test_image_ids_are_of_one_gallery_and_cannot_be_made_up() -> None:
    uid = "0123456789abcdef0123456789abcdef"
    made = image_id(uid, 12345)
    assert uuid.UUID(made).variant == uuid.RFC_4122
    assert uuid.UUID(made).version == 8
    assert reference_number(uid, made) == 12345
    assert reference_number("f" * 32, made) is None
    assert reference_number(uid, str(uuid.uuid4())) is None
    assert reference_number(uid, image_id(uid, (1 << 62) - 1)) == (1 << 62) - 1
    with pytest.raises(ValueError, match="UUID"):
        reference_number(uid, "12345")
