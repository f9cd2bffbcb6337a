"""Pictures go in with all their faces, once."""

import hashlib

from server_toys import Client, empty_png, png

PATH = "/v1/galleries/family/pictures"
ADA, BOB = 1, 2


def parts(**pictures: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (f"{name}.png", data)) for name, data in pictures.items()]


def test_every_face_is_somebody_without_a_name(admin: Client) -> None:
    told = admin.post(PATH, files=parts(pair=png(ADA, BOB), nobody=empty_png(), broken=b"no picture")).json()
    assert {key: told[key] for key in ("files", "new", "skipped", "faces")} == {
        "files": 3,
        "new": 2,
        "skipped": 0,
        "faces": 2,
    }
    assert [(failure["file"], failure["reason"]) for failure in told["failures"]] == [
        ("broken.png", "image-unrecognised")
    ]
    assert told["model"]["name"] == "toy"
    people = admin.get("/v1/galleries/family/subjects").json()["subjects"]
    assert [person["named"] for person in people] == [False, False]


def test_what_is_there_is_left_as_it_is(admin: Client) -> None:
    pictures = parts(ada=png(ADA), again=png(ADA), nobody=empty_png())
    assert admin.post(PATH, files=pictures).json()["new"] == 2
    told = admin.post(PATH, files=pictures).json()
    assert (told["new"], told["skipped"], told["faces"]) == (0, 3, 0)
    assert admin.get("/v1/galleries/family").json()["references"] == 1


def test_the_largest_face_can_be_somebodys(admin: Client) -> None:
    told = admin.post(PATH, params={"subject": "Ada"}, files=parts(ada=png(ADA), nobody=empty_png())).json()
    assert (told["new"], [failure["reason"] for failure in told["failures"]]) == (1, ["no-face"])
    assert admin.get("/v1/galleries/family/subjects/Ada").json()["references"] == 1
    refused = admin.post(PATH, params={"subject": "#x\n"}, files=parts(ada=png(ADA)))
    assert (refused.status_code, refused.json()["error"]) == (422, "UsageError")


def test_known_pictures_are_told_by_their_digests(admin: Client) -> None:
    admin.post(PATH, files=parts(ada=png(ADA)))
    known, other = (hashlib.sha256(data).hexdigest() for data in (png(ADA), png(BOB)))
    assert admin.get(f"{PATH}/known", params={"sha256": [known, other]}).json() == {"known": [known]}
    assert admin.get(f"{PATH}/known").status_code == 422
    assert admin.get(f"{PATH}/known", params={"sha256": ["x"]}).status_code == 422


def test_when_no_picture_is_good_the_problem_tells_of_each(admin: Client) -> None:
    sent = parts(nobody=empty_png(), broken=b"no picture")
    told = admin.post("/v1/galleries/family/subjects/Ada/references", files=sent)
    assert (told.status_code, told.json()["type"]) == (422, "urn:mien:no-face")
    assert [failure["reason"] for failure in told.json()["answer"]["failures"]] == ["no-face", "image-unrecognised"]
    told = admin.post("/v1/galleries/family/identifications", files=parts(broken=b"no picture"))
    assert (told.status_code, told.json()["answer"]["gallery_size"]) == (415, 0)
