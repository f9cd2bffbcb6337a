"""The resources, over drawn faces."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from mien.errors import ModelError
from mien.server.answers import Answers, digest_of
from mien.server.batching import Batcher
from mien.server.context import Context
from mien.server.metrics import Metrics
from mien.server.paging import page
from mien.server.problems import Problem
from mien.testing.toys import draw_face
from server_toys import Client, NamedToyEmbedder, empty_png, png


def files(*data: bytes) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("image", (f"{i}.png", each, "image/png")) for i, each in enumerate(data)]


@pytest.fixture
def people(admin: Client) -> Client:
    for number, name in enumerate(["Ada", "Ben", "Cleo"], 1):
        assert admin.post(f"/v1/galleries/family/subjects/{name}/references", files=files(png(number))).is_success
    return admin


def test_an_enrolled_face_is_found_with_threshold_rate_and_model(people: Client) -> None:
    answer = people.post("/v1/galleries/family/identifications?fpir=0.01", files=files(png(2, 1))).json()
    assert [probe["decision"] for probe in answer["probes"]] == ["Ben", "Ada"]
    assert {"threshold", "fpir", "operating_point", "gallery_size", "seconds"} <= set(answer)
    assert set(answer["model"]) == {"name", "digest", "precision", "engine"}
    assert answer["probes"][0]["candidates"][0]["score"] == pytest.approx(1, abs=1e-3)


def test_pictures_come_as_parts_or_as_base64(people: Client) -> None:
    import base64

    text = base64.b64encode(png(3)).decode()
    for sent in (text, [text, text]):
        answer = people.post("/v1/galleries/family/identifications", json={"image": sent})
        assert {probe["decision"] for probe in answer.json()["probes"]} == {"Cleo"}


def test_a_picture_without_a_face_is_a_failure_beside_the_others(people: Client) -> None:
    answer = people.post("/v1/galleries/family/identifications", files=files(empty_png(), png(1), b"no picture")).json()
    assert [failure["reason"] for failure in answer["failures"]] == ["no-face", "image-unrecognised"]
    assert [probe["decision"] for probe in answer["probes"]] == ["Ada"]


def test_a_subject_is_verified_or_not(people: Client) -> None:
    url = "/v1/galleries/family/verifications?subject=Ada"
    assert people.post(url, files=files(png(1))).json()["match"] is True
    assert people.post(url, files=files(png(9))).json()["match"] is False


def test_two_pictures_are_compared(people: Client) -> None:
    same = people.post("/v1/comparisons", files={"probe": png(5), "reference": png(5)}).json()
    other = people.post("/v1/comparisons", files={"probe": png(5), "reference": png(6)}).json()
    assert (same["match"], other["match"]) == (True, False)


def test_faces_are_detected_and_nobody_is_no_error(people: Client) -> None:
    answer = people.post("/v1/faces", files=files(png(1, 2, 3), empty_png())).json()
    assert [len(picture["faces"]) for picture in answer["pictures"]] == [3, 0]


def test_an_enrolment_is_seen_by_the_next_search(people: Client) -> None:
    for number in range(20, 25):
        people.post(f"/v1/galleries/family/subjects/P{number}/references", files=files(png(number)))
        answer = people.post("/v1/galleries/family/identifications?fpir=0.01", files=files(png(number))).json()
        assert answer["probes"][0]["decision"] == f"P{number}"


def test_pages_give_every_subject_once(people: Client) -> None:
    seen, cursor = [], ""
    while cursor is not None:
        answer = people.get(f"/v1/galleries/family/subjects?limit=2{cursor and '&cursor=' + cursor}").json()
        seen += [subject["subject"] for subject in answer["subjects"]]
        cursor = answer["next"]
    assert seen == ["Ada", "Ben", "Cleo"]


def test_a_page_goes_on_after_its_last_row_whatever_came_in_between() -> None:
    first, cursor = page([1, 3, 5], lambda n: (n,), 2, None)
    assert first == [1, 3]
    assert page([0, 1, 2, 5, 6], lambda n: (n,), 9, cursor) == ([5, 6], None)


@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "eyJhIjoxfQ", "W1siYSJdXQ", "é", "WyJhIl0", "W251bGxd"])
def test_a_strange_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Problem, match="none of ours"):
        page([1, 2], lambda n: (n,), 1, cursor)


def test_names_and_attributes_change_together_or_not_at_all(people: Client) -> None:
    url = "/v1/galleries/family/subjects/Ada"
    assert people.patch(url, json={"name": "Ben", "attributes": {"site": "berlin"}}).status_code == 409
    assert people.get(url).json()["attributes"] == {}
    changed = people.patch(url, json={"name": "Ada L.", "attributes": {"site": "berlin", "age": 36}}).json()
    assert (changed["subject"], changed["attributes"]) == ("Ada L.", {"age": 36, "site": "berlin"})
    found = people.post(
        "/v1/galleries/family/identifications?where=age>30&fpir=0.01", files=files(png(1), png(2))
    ).json()
    assert [probe["decision"] for probe in found["probes"]] == ["Ada L.", None]


def test_the_audit_trail_names_the_key_and_the_purpose(people: Client) -> None:
    sent = people.patch("/v1/galleries/family/subjects/Ada", json={"name": "Ada L"}, headers={"x-purpose": "door 3"})
    assert sent.is_success
    first = people.get("/v1/galleries/family/audit?limit=2").json()
    newest = first["records"][0]
    assert (newest["action"], newest["purpose"]) == ("rename", "door 3")
    assert newest["actor"].startswith("key ")
    assert newest["sequence"] == first["records"][1]["sequence"] + 1
    older = people.get(f"/v1/galleries/family/audit?limit=2&cursor={first['next']}").json()
    assert older["records"][0]["sequence"] == newest["sequence"] - 2
    bad = people.patch("/v1/galleries/family/subjects/Ben", json={"name": "B"}, headers={"x-purpose": "x" * 5000})
    assert bad.status_code == 422


def test_corrections_move_merge_and_separate(people: Client) -> None:
    base = "/v1/galleries/family"
    ben = people.get(f"{base}/subjects/Ben/references").json()["references"][0]["id"]
    assert people.post(f"{base}/references/{ben}/move", json={"subject": "Ada"}).json()["subject"] == "Ada"
    assert people.post(f"{base}/subjects/Ada/merge", json={"others": ["Cleo"]}).json() == {"subject": "Ada", "moved": 1}
    assert people.post(f"{base}/subjects/Ada/separate", json={"other": "Ben"}).status_code == 204
    assert people.delete(f"{base}/references/{ben}").status_code == 204
    assert people.get(f"{base}/references/{ben}").status_code == 404
    assert people.get(f"{base}/subjects/Ada").json()["references"] == 2


def test_a_forgotten_subject_is_not_found_and_its_answers_are_erased(people: Client, context: Context) -> None:
    url = "/v1/galleries/family/subjects/Zoe"
    people.post(f"{url}/references", files=files(png(7)), headers={"Idempotency-Key": "once"})
    receipt = people.delete(url).json()
    assert (receipt["subject"], receipt["references"]) == ("Zoe", 1)
    assert people.get(url).status_code == 404
    again = people.post(f"{url}/references", files=files(png(7)), headers={"Idempotency-Key": "once"})
    assert "idempotency-replayed" not in again.headers


def test_a_request_sent_twice_has_one_effect(people: Client) -> None:
    url = "/v1/galleries/family/subjects/Dora/references"
    answers = [people.post(url, files=files(png(8)), headers={"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true"]
    other = people.post(url, files=files(png(9)), headers={"Idempotency-Key": "k1"})
    assert (other.status_code, other.json()["type"]) == (422, "urn:mien:idempotency-key")


def test_an_answer_is_given_again_for_a_day_and_to_its_key_only(tmp_path) -> None:
    now = [datetime(2026, 11, 22, tzinfo=UTC)]
    answers = Answers(tmp_path / "s.sqlite", 24 * 3600, lambda: now[0])
    calls = iter(range(9))

    def ask(owner: str) -> tuple[dict[str, object], bool]:
        return answers.once(owner, "k", digest_of("r"), ("g", "Ada"), lambda: {"n": next(calls)})

    assert [ask("a"), ask("a"), ask("b")] == [({"n": 0}, False), ({"n": 0}, True), ({"n": 1}, False)]
    now[0] += timedelta(days=1, seconds=1)
    assert ask("a") == ({"n": 2}, False)
    answers.close()


def test_a_failed_request_may_be_tried_again_with_its_key(people: Client) -> None:
    url = "/v1/galleries/family/subjects/Eve/references"
    refused = people.post(url, files=files(empty_png()), headers={"Idempotency-Key": "k2"})
    assert refused.status_code == 422
    assert people.post(url, files=files(png(4)), headers={"Idempotency-Key": "k2"}).status_code == 201


def test_a_subject_whose_name_has_a_slash_is_reached_by_its_number(people: Client) -> None:
    row = people.get("/v1/galleries/family/subjects/Ada").json()
    people.patch("/v1/galleries/family/subjects/Ada", json={"name": "Ada/Ben"})
    assert people.get(f"/v1/galleries/family/subjects/%23{row['id']}").json()["subject"] == "Ada/Ben"


def test_the_picture_of_a_face_is_read_only_if_it_is_the_one_that_was_indexed(people: Client) -> None:
    answer = people.get("/v1/galleries/family/references/1/crop")  # it was sent as 0.png, not kept
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:mien:picture-not-kept")


def test_batches_give_each_request_its_own_vectors() -> None:
    from concurrent.futures import ThreadPoolExecutor

    metrics = Metrics()
    batcher, alone = Batcher(NamedToyEmbedder(), metrics), NamedToyEmbedder()
    orders = [np.stack([draw_face(10 * i + j) for j in range(i % 4)] or [draw_face(0)])[: i % 4] for i in range(40)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(batcher.embed, orders))
    batcher.close()
    for crops, vectors in zip(orders, found, strict=True):
        np.testing.assert_array_equal(vectors, alone.embed(crops))


def test_an_error_of_a_batch_reaches_all_who_are_in_it() -> None:
    from mien.errors import ModelInvalidError

    class Broken(NamedToyEmbedder):
        def embed(self, crops: object) -> np.ndarray:
            raise ModelInvalidError("not finite")

    batcher = Batcher(Broken(), Metrics())
    for _ in range(2):
        with pytest.raises(ModelInvalidError, match="not finite"):
            batcher.embed(draw_face(1)[None])
    batcher.close()


def test_a_server_whose_decoders_do_not_start_is_not_ready(
    client: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise ModelError("they do not start", code="decoder-start")

    assert client.get("/ready").status_code == 200
    monkeypatch.setattr(type(context.engine.decoders), "require_start", lambda _: refuse())
    answer = client.get("/ready")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:mien:decoder-start")
    assert "retry-after" in answer.headers


def test_an_admin_chooses_whether_small_pictures_of_faces_are_kept(admin: Client) -> None:
    url = "/v1/galleries/family"
    assert admin.request("PUT", f"{url}/crops", json={"keep": True}).json() == {"kept": True, "stored": 0}
    admin.post(f"{url}/subjects/Ada/references", files=files(png(1)))
    assert admin.get(url).json()["crops"] == {"kept": True, "stored": 1}
    assert admin.get(f"{url}/references/1/crop").is_success
    assert admin.request("PUT", f"{url}/crops", json={"keep": False}).json() == {"kept": False, "stored": 0}
    assert admin.get(f"{url}/references/1/crop").json()["type"] == "urn:mien:picture-not-kept"
    acts = [record["action"] for record in admin.get(f"{url}/audit").json()["records"]]
    assert {"keep-crops", "erase-crops"} <= set(acts)


def test_the_mistakes_of_a_client_fill_no_log(people: Client, caplog: pytest.LogCaptureFixture) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
    for body in (head + png(1) + b"\r\n--b--\r\n" + b"more" * 100, b"no form", b""):
        people.post("/v1/faces", content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert [record.getMessage() for record in caplog.records if "multipart" in record.name] == []
