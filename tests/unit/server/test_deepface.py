"""DeepFace's REST over drawn faces: keys of its answers, words for truth values, and nothing opened for a client."""

import base64
import json
import math
from dataclasses import replace

import pytest

from mien.server.compat.deepface.routes import routes
from mien.server.compat.settings import CompatSettings
from mien.server.context import Context
from mien.server.keys import Role
from server_toys import Client, empty_png, png, toy_app

ROOT = "/deepface"
VIEWER, OPERATOR, ADMIN = Role.VIEWER, Role.OPERATOR, Role.ADMIN
READERS, WRITERS = {VIEWER, OPERATOR, ADMIN}, {OPERATOR, ADMIN}
MATRIX = {
    ("POST", "/represent"): READERS,
    ("POST", "/verify"): READERS,
    ("POST", "/analyze"): READERS,
    ("POST", "/register"): WRITERS,
    ("POST", "/search"): READERS,
    ("POST", "/build/index"): WRITERS,
}


@pytest.fixture
def api(context: Context, client: Client) -> Client:
    """A client with the key of one gallery, sent as DeepFace's clients send theirs."""
    client.headers["Authorization"] = f"Bearer {context.keys.create(OPERATOR, galleries=['family'])[1]}"
    return client


def text(*people: int) -> str:
    return "data:image/png;base64," + base64.b64encode(png(*people) if people else empty_png()).decode()


def test_every_route_has_a_row_of_roles() -> None:
    assert {(method, route.path) for route in routes.routes for method in route.methods} == set(MATRIX)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_its_row_says_and_no_more(client: Client, context: Context, role: Role) -> None:
    headers = {"x-api-key": context.keys.create(role, galleries=["family"])[1]}
    refused = {(m, path): client.request(m, ROOT + path, headers=headers).status_code == 403 for m, path in MATRIX}
    assert refused == {route: role not in roles for route, roles in MATRIX.items()}


def test_the_greeting_needs_no_key(client: Client) -> None:
    assert client.get(f"{ROOT}/").text.startswith("mien ")


@pytest.mark.parametrize("kind", ["json", "data", "files"])
def test_represent_takes_json_forms_and_files(api: Client, kind: str) -> None:
    sent = {"files": {"img": ("a.png", png(1, 2))}} if kind == "files" else {kind: {"img": text(1, 2)}}
    found = api.post(f"{ROOT}/represent", **sent).json()["results"]
    assert len(found) == 2
    for face in found:
        assert set(face) == {"embedding", "facial_area", "face_confidence"}
        assert set(face["facial_area"]) == {"x", "y", "w", "h", "left_eye", "right_eye"}
        assert math.isclose(sum(x * x for x in face["embedding"]), 1, abs_tol=1e-5)
    sent = {"json": {"img": text(1, 2), "max_faces": 1}}
    assert len(api.post(f"{ROOT}/represent", **sent).json()["results"]) == 1


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "euclidean_l2", "angular"])
def test_verify_decides_the_same_in_every_metric(api: Client, metric: str) -> None:
    for people, verified in (((1, 2), True), ((3, 2), False)):
        sent = {"img1": text(1), "img2": text(*people), "distance_metric": metric}
        answer = api.post(f"{ROOT}/verify", json=sent).json()
        assert answer["verified"] is verified
        assert (answer["distance"] <= answer["threshold"]) is verified
        assert answer["similarity_metric"] == metric
        assert (answer["confidence"] >= 51) is verified
        assert (answer["model"], answer["detector_backend"]) == ("toy", "yunet")
        assert answer["mien"]["pairs"] == 2
        assert answer["mien"]["fmr"] == 1e-4
        assert set(answer["facial_areas"]) == {"img1", "img2"}


@pytest.mark.parametrize("word", ["false", "False", "0", "no"])
def test_truth_values_in_forms_are_words(api: Client, word: str) -> None:
    sent = {"img1": text(), "img2": text(1), "enforce_detection": word}
    answer = api.post(f"{ROOT}/verify", data=sent)
    assert answer.status_code == 200
    document = json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert document["verified"] is False
    assert document["distance"] == 2.0
    assert document["facial_areas"]["img1"]["x"] is None
    assert api.post(f"{ROOT}/represent", data={"img": text(), "enforce_detection": word}).json() == {"results": []}


def test_who_is_registered_is_found(api: Client) -> None:
    def register(name: str, *people: int) -> object:
        return api.post(f"{ROOT}/register", json={"img": text(*people), "img_name": name}).json()

    assert register("ada", 1) == {"inserted": 1}
    assert register("ada", 1) == {"inserted": 0}
    assert register("both.jpg", 2, 3) == {"inserted": 2}
    found = api.post(f"{ROOT}/search", json={"img": text(1)}).json()["results"]
    assert [[row["img_name"] for row in rows] for rows in found] == [["ada"]]
    row = found[0][0]
    assert row["distance"] <= row["threshold"]
    assert row["model_name"] == "toy"
    assert {"id", "confidence", "search_method", "target_x", "target_h", "aligned", "l2_normalized"} <= set(row)
    sent = {"img": text(1), "similarity_search": "true", "k": "2"}
    everybody = api.post(f"{ROOT}/search", data=sent).json()["results"][0]
    assert len(everybody) == 2
    assert everybody[0]["distance"] < everybody[1]["distance"]
    assert "3 embeddings" in api.post(f"{ROOT}/build/index", json={}).json()["message"]


REFUSED = {
    "no key": ("/represent", {"img": "x"}, 401, "message"),
    "path": ("/represent", {"img": "/etc/passwd"}, 400, "exception"),
    "address": ("/represent", {"img": "http://127.0.0.1/a.jpg"}, 400, "exception"),
    "file address": ("/represent", {"img": "file:///etc/passwd"}, 400, "exception"),
    "data of another kind": ("/represent", {"img": "data:text/plain;base64,QQ=="}, 400, "exception"),
    "no picture": ("/represent", {"img": base64.b64encode(b"text").decode()}, 400, "exception"),
    "nothing": ("/represent", {}, 400, "error"),
    "no face": ("/represent", {"img": text()}, 400, "error"),
    "no such model": ("/represent", {"img": text(1), "model_name": "Nonsense"}, 400, "error"),
    "no such detector": ("/represent", {"img": text(1), "detector_backend": "Nonsense"}, 400, "error"),
    "no such metric": ("/verify", {"img1": text(1), "img2": text(1), "distance_metric": "manhattan"}, 400, "error"),
    "spoof check": ("/represent", {"img": text(1), "anti_spoofing": True}, 400, "error"),
    "no truth value": ("/represent", {"img": text(1), "enforce_detection": "maybe"}, 400, "error"),
    "k below 1": ("/search", {"img": text(1), "k": 0}, 400, "error"),
    "age": ("/analyze", {"img": text(1), "actions": ["age"]}, 400, "error"),
    "no such action": ("/analyze", {"img": text(1), "actions": "mood"}, 400, "error"),
    "name of somebody else": ("/register", {"img": text(1), "img_name": "#1"}, 400, "error"),
    "name that may not be": ("/register", {"img": text(1), "img_name": "a\nb"}, 400, "error"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_refusals_are_one_line_of_json(api: Client, case: str) -> None:
    path, sent, status, member = REFUSED[case]
    if case == "no key":
        del api.headers["Authorization"]
    answer = api.post(ROOT + path, json=sent)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {member}
    assert "Traceback" not in answer.text
    assert "\n" not in answer.json()[member]


def test_the_root_answers_only_when_it_is_told_to(context: Context, api: Client) -> None:
    assert api.post("/represent", json={"img": text(1)}).status_code == 404
    settings = replace(context.settings, compat=CompatSettings(deepface_at_root=True))
    told = Client(toy_app(replace(context, settings=settings)))
    told.headers = dict(api.headers)
    assert len(told.post("/represent", json={"img": text(1)}).json()["results"]) == 1
    assert told.post("/represent", json={"img": "/etc/passwd"}).json().keys() == {"exception"}
    assert told.post("/v1/faces", json={}).headers["content-type"] == "application/problem+json"


def test_a_looser_rate_lets_larger_distances_match(context: Context, api: Client) -> None:
    sent = {"json": {"img1": text(1), "img2": text(1)}}
    usual = api.post(f"{ROOT}/verify", **sent).json()["threshold"]
    settings = replace(context.settings, compat=CompatSettings(fmr=1e-3))
    told = Client(toy_app(replace(context, settings=settings)))
    told.headers = dict(api.headers)
    assert told.post(f"{ROOT}/verify", **sent).json()["threshold"] > usual
