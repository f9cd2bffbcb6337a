"""What the pages ask for: people with faces, splits, undo, questions, files."""

import io

import pytest
from PIL import Image

from mien.server.context import Context
from mien.server.keys import Role
from mien.server.routes.pages import PAGES, assets
from server_toys import Client, png

FAMILY = "/v1/galleries/family"


def enrol(client: Client, name: str, *people: int) -> list[int]:
    files = [("image", (f"{number}.png", png(number))) for number in people]
    return client.post(f"{FAMILY}/subjects/{name}/references", files=files).json()["references"]


def people(client: Client, query: str = "") -> list[tuple[str, list[int]]]:
    return [(each["subject"], each["faces"]) for each in client.get(f"{FAMILY}/people{query}").json()["people"]]


def test_people_come_with_their_first_faces(admin: Client) -> None:
    ada, bob = enrol(admin, "Ada", 1), enrol(admin, "Bob", 2)
    assert people(admin) == [("Ada", ada), ("Bob", bob)]
    assert people(admin, "?text=BO") == [("Bob", bob)]
    assert people(admin, "?least=2") == []


def test_people_come_in_pages(admin: Client) -> None:
    enrol(admin, "Ada", 1), enrol(admin, "Bob", 2)
    first = admin.get(f"{FAMILY}/people?limit=1").json()
    assert people(admin, f"?limit=1&cursor={first['next']}")[0][0] == "Bob"


def test_a_gallery_without_faces_has_people_all_the_same(admin: Client, context: Context) -> None:
    (reference,) = enrol(admin, "Ada", 1)
    context.galleries["family"].writer.store.add_subject("Ben")
    assert admin.delete(f"{FAMILY}/references/{reference}").status_code == 204
    assert people(admin) == [("Ada", []), ("Ben", [])]


def test_a_split_can_be_undone(admin: Client) -> None:
    ada = enrol(admin, "Ada", 1)
    moved = enrol(admin, "Bob", 2)
    admin.post(f"{FAMILY}/subjects/Ada/merge", json={"others": ["Bob"]})
    told = admin.post(f"{FAMILY}/subjects/Ada/split", json={"references": moved, "name": "Cleo"}).json()
    assert told == {"subject": "Cleo", "moved": 1}
    assert people(admin) == [("Ada", ada), ("Cleo", moved)]
    assert admin.post(f"{FAMILY}/undo", json={}).json() == {"undone": "split", "left": 1}
    assert people(admin) == [("Ada", [*ada, *moved])]
    admin.post(f"{FAMILY}/undo", json={})
    assert people(admin) == [("Ada", ada), ("Bob", moved)]


def test_without_a_correction_there_is_nothing_to_undo(admin: Client) -> None:
    answer = admin.post(f"{FAMILY}/undo", json={})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:mien:undo-nothing")


def test_a_split_that_leaves_nobody_is_refused(admin: Client) -> None:
    answer = admin.post(f"{FAMILY}/subjects/Ada/split", json={"references": enrol(admin, "Ada", 1)})
    assert (answer.status_code, answer.json()["status"]) == (422, 422)


def test_a_key_learns_what_it_may_do(client: Client, context: Context) -> None:
    key, token = context.keys.create(Role.VIEWER, label="door")
    told = client.get("/v1/key", headers={"x-api-key": token}).json()
    assert (told["id"], told["role"], told["label"]) == (key.id, "viewer", "door")
    assert "identify" in told["operations"]
    assert "correct" not in told["operations"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_need_no_key_and_hold_no_script(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]


def test_a_file_that_did_not_change_is_not_sent_again(client: Client) -> None:
    tag = client.get("/web/app.js").headers["etag"]
    again = client.get("/web/app.js", headers={"if-none-match": f'"other", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "path",
    ["/web/", "/web/none.js", "/web/../app.py", "/web/%2e%2e/app.py", "/web/..%2fapp.py", "/web//etc/passwd"],
)
def test_only_files_of_the_pages_are_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_every_script_that_is_imported_is_served() -> None:
    import posixpath
    import re

    found = assets()
    for name, asset in found.items():
        if name.endswith(".js"):
            for target in re.findall(r'(?:from|import\()\s*"(\.[^"]+)"', asset.data.decode()):
                assert posixpath.normpath(posixpath.join(posixpath.dirname(name), target)) in found


def test_faces_are_shown_after_a_restart_where_crops_are_kept(admin: Client, context: Context) -> None:
    context.galleries["family"].writer.store.keep_crops()
    (reference,) = enrol(admin, "Ada", 1)
    assert admin.post(f"{FAMILY}/pictures", files=[("image", ("2.png", png(2)))]).json()["faces"] == 1
    context.galleries["family"].close()
    for number in (reference, reference + 1):
        shown = admin.get(f"{FAMILY}/references/{number}/crop")
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
        assert Image.open(io.BytesIO(shown.content)).size == (112, 112)
    assert admin.get(FAMILY).json()["crops"] == {"kept": True, "stored": 2}
    admin.delete(f"{FAMILY}/subjects/Ada")
    assert admin.get(f"{FAMILY}/references/{reference}/crop").status_code == 404
    assert admin.get(FAMILY).json()["crops"]["stored"] == 1
