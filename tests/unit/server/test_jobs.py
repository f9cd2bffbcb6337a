"""Jobs over drawn faces: what they store, how they end, who sees them, and what is left on the disk."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mien.errors import LimitError, MienError, NotFoundError, UsageError
from mien.server import events as events_module
from mien.server.context import Context
from mien.server.decoding import Found, Picture
from mien.server.events import Streams
from mien.server.job import State
from mien.server.jobs import KEEP_ENDED, KEEP_OPEN, Jobs
from mien.server.jobstore import JobStore
from mien.server.keys import Role
from mien.server.settings import named_folders
from mien.server.state import StateTable
from server_toys import Client, DirectDecoders, empty_png, png, toy_context

JOBS = "/v1/galleries/family/jobs"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the server: two people, a picture of nobody, and a file that is none."""
    root = tmp_path / "photos"
    for name, data in {
        "Ada/1.png": png(1),
        "Ada/2.png": png(1, 2),
        "Bob/3.png": png(2),
        "Bob/nobody.png": empty_png(),
        "Bob/torn.png": png(3)[:60],
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


@pytest.fixture
def context(tmp_path: Path, folder: Path) -> Iterator[Context]:
    with ExitStack() as stack:
        yield toy_context(tmp_path, stack, names=("family", "office"), folders={"photos": folder})


def spool(context: Context) -> list[Path]:
    return list(context.settings.state.with_name("state.sqlite.jobs").glob("*.picture"))


def emptied(context: Context) -> bool:
    """Whether all uploaded files are erased, which follows the end of their job."""
    for _ in range(200):
        if not spool(context):
            return True
        time.sleep(0.02)
    return False


def ended(client: Client, job: dict[str, Any]) -> dict[str, Any]:
    for _ in range(600):
        shown = client.get(f"/v1/jobs/{job['id']}").json()
        if shown["ended"] is not None:
            return shown
        time.sleep(0.02)
    raise AssertionError(f"the job did not end: {shown}")


def upload(client: Client, *pictures: tuple[str, bytes], by_folder: bool = False) -> dict[str, Any]:
    job = client.post(JOBS, json={"kind": "index", "by_folder": by_folder}).json()
    files = [("image", (name, data)) for name, data in pictures]
    told = client.post(f"/v1/jobs/{job['id']}/pictures", files=files)
    assert told.status_code == 200, told.text
    return told.json()


class Gate:
    """Holds each look at a picture until it is let through."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.open = threading.Semaphore(0), threading.Semaphore(0)
        look = DirectDecoders.look

        def gated(decoders: DirectDecoders, picture: Picture, policy: Any, **rest: Any) -> Found:
            self.reached.release()
            assert self.open.acquire(timeout=20)
            return look(decoders, picture, policy, **rest)

        monkeypatch.setattr(DirectDecoders, "look", gated)


def test_a_folder_is_indexed_and_what_gave_nothing_has_a_reason(admin: Client, context: Context) -> None:
    job = admin.post(JOBS, json={"kind": "index", "folder": "photos"})
    assert job.status_code == 201
    done = ended(admin, job.json())
    counts = {name: done[name] for name in ("state", "total", "done", "new", "skipped", "failed", "faces")}
    assert counts == {"state": "done", "total": 5, "done": 5, "new": 4, "skipped": 0, "failed": 1, "faces": 4}
    (failure,) = done["failures"]
    assert (failure["file"], failure["reason"]) == ("Bob/torn.png", "image-truncated")
    assert str(context.settings.folders["photos"]) not in json.dumps(done)
    assert context.gallery("family").reader.store.info()["references"] == 4


def test_a_folder_that_is_indexed_again_adds_nothing(admin: Client) -> None:
    first, again = (ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos"}).json()) for _ in "12")
    assert (first["new"], again["new"], again["skipped"], again["failed"]) == (4, 0, 4, 1)


def test_folders_name_people(admin: Client, context: Context) -> None:
    done = ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos", "by_folder": True}).json())
    store = context.gallery("family").reader.store
    assert {name: len(store.show(name).references) for name in ("Ada", "Bob")} == {"Ada": 2, "Bob": 1}
    assert sorted(failure["reason"] for failure in done["failures"]) == ["image-truncated", "no-face"]


def test_a_folder_has_a_name_and_never_a_path(admin: Client, folder: Path) -> None:
    for name in (str(folder), "../photos", "elsewhere", ""):
        told = admin.post(JOBS, json={"kind": "index", "folder": name})
        assert (told.status_code, told.json()["type"]) == (404, "urn:mien:no-folder")


def test_folders_are_named_by_the_operator(tmp_path: Path) -> None:
    assert named_folders([f"photos={tmp_path}"]) == {"photos": tmp_path}
    for wrong in (["photos"], [f"a/b={tmp_path}"], [f"a={tmp_path}", f"a={tmp_path}"], [f"a={tmp_path}/nowhere"]):
        with pytest.raises(UsageError):
            named_folders(wrong)


def test_an_upload_takes_several_requests_and_leaves_nothing_behind(admin: Client, context: Context) -> None:
    job = upload(admin, ("1.png", png(1)), ("2.png", png(2)))
    assert (job["state"], job["total"]) == ("open", 2)
    more = admin.post(f"/v1/jobs/{job['id']}/pictures", files=[("image", ("torn.png", b"no picture"))]).json()
    assert (more["total"], len(spool(context))) == (3, 3)
    assert {path.stat().st_mode & 0o777 for path in spool(context)} == {0o600}
    assert admin.post(f"/v1/jobs/{job['id']}/start").status_code == 200
    done = ended(admin, job)
    assert (done["state"], done["new"], done["faces"], done["failed"]) == ("done", 2, 2, 1)
    assert done["failures"][0]["file"] == "torn.png"
    assert emptied(context)


def test_the_folders_of_an_upload_name_people_and_are_never_paths(admin: Client, context: Context) -> None:
    names = ("holidays/Ada/1.png", "..\\..\\Bob\\2.png", "/etc/../Cy/3.png")
    job = upload(admin, *((name, png(i)) for i, name in enumerate(names, 1)), by_folder=True)
    admin.post(f"/v1/jobs/{job['id']}/start")
    assert ended(admin, job)["new"] == 3
    rows = context.gallery("family").reader.store.references()
    assert {(row.subject, row.face.source) for row in rows} == {
        ("Ada", "Ada/1.png"),
        ("Bob", "Bob/2.png"),
        ("Cy", "Cy/3.png"),
    }


@pytest.mark.parametrize("name", ["1.png", "../1.png", "#3/1.png", "\u202ea/1.png"])
def test_an_upload_whose_folder_names_nobody_is_refused_whole(admin: Client, context: Context, name: str) -> None:
    job = admin.post(JOBS, json={"kind": "index", "by_folder": True}).json()
    files = [("image", ("Ada/1.png", png(1))), ("image", (name, png(2)))]
    assert admin.post(f"/v1/jobs/{job['id']}/pictures", files=files).status_code == 422
    assert emptied(context)


def test_a_started_upload_takes_no_more_pictures(admin: Client, context: Context) -> None:
    job = upload(admin, ("1.png", png(1)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    told = admin.post(f"/v1/jobs/{job['id']}/pictures", files=[("image", ("2.png", png(2)))])
    assert (told.status_code, told.json()["type"]) == (409, "urn:mien:job-state")
    assert admin.post(f"/v1/jobs/{job['id']}/start").status_code == 409
    ended(admin, job)
    assert emptied(context)


def test_a_cancelled_job_ends_after_its_picture_and_keeps_what_it_stored(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    job = upload(admin, *((f"{i}.png", png(i)) for i in range(1, 6)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    for _ in range(2):
        gate.open.release()
    for _ in range(3):
        assert gate.reached.acquire(timeout=20)
    told = admin.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert (told["state"], told["stopping"]) == ("running", True)
    gate.open.release()
    done = ended(admin, job)
    assert (done["state"], done["done"], done["new"], done["total"]) == ("cancelled", 3, 3, 5)
    assert context.gallery("family").reader.store.info()["references"] == 3
    assert emptied(context)
    assert admin.post(f"/v1/jobs/{job['id']}/cancel").status_code == 409


def test_an_open_upload_that_is_cancelled_is_erased(admin: Client, context: Context) -> None:
    job = upload(admin, ("1.png", png(1)))
    assert admin.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    assert emptied(context)


def test_one_job_of_a_gallery_works_at_a_time(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    jobs = [upload(admin, (f"{i}.png", png(i))) for i in (1, 2)]
    for job in jobs:
        admin.post(f"/v1/jobs/{job['id']}/start")
    assert gate.reached.acquire(timeout=20)
    assert [admin.get(f"/v1/jobs/{job['id']}").json()["state"] for job in jobs] == ["running", "queued"]
    gate.open.release(2)
    first, second = (ended(admin, job) for job in jobs)
    assert first["ended"] <= second["started"]


def test_a_job_goes_on_when_the_server_starts_again(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    job = upload(admin, *((f"{i}.png", png(i)) for i in range(1, 5)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    gate.open.release()
    for _ in range(2):
        assert gate.reached.acquire(timeout=20)
    threading.Timer(0.2, gate.open.release).start()
    context.jobs.close()
    gate.open.release(9)
    again = Jobs(context.settings, context.galleries)
    for _ in range(500):
        if again.get(job["id"]).state.final:
            break
        time.sleep(0.02)
    done = again.get(job["id"]).to_dict()
    again.close()
    assert (done["state"], done["total"], done["done"], done["new"]) == ("done", 4, 4, 4)
    assert emptied(context)


def test_a_batch_that_was_stored_but_not_counted_is_found_known(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.server.jobstore import JobStore

    def dies(*_: object) -> bool:
        raise RuntimeError("the power fails here")

    job = upload(admin, ("1.png", png(1)), ("2.png", png(2)))
    complaints: list[object] = []
    with monkeypatch.context() as patch:
        patch.setattr(threading, "excepthook", complaints.append)
        patch.setattr(JobStore, "settle", dies)
        patch.setattr(JobStore, "end", lambda *_, **__: [])
        admin.post(f"/v1/jobs/{job['id']}/start")
        for _ in range(500):
            if complaints:
                break
            time.sleep(0.02)
    assert context.gallery("family").reader.store.info()["references"] == 2
    again = Jobs(context.settings, context.galleries)
    done = ended(admin, job)
    again.close()
    assert (done["state"], done["done"], done["skipped"], done["new"]) == ("done", 2, 2, 0)
    assert emptied(context)


def test_a_full_house_is_waited_out(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    look, refusals = DirectDecoders.look, [1, 2]

    def busy(decoders: DirectDecoders, picture: Picture, policy: Any, **rest: Any) -> Found:
        if refusals:
            refusals.pop()
            raise LimitError("all decoders are busy", code="busy")
        return look(decoders, picture, policy, **rest)

    monkeypatch.setattr(DirectDecoders, "look", busy)
    job = upload(admin, ("1.png", png(1)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    assert (ended(admin, job)["new"], refusals) == (1, [])


def test_an_empty_gallery_cannot_be_optimized_and_the_job_says_why(admin: Client, context: Context) -> None:
    done = ended(admin, admin.post(JOBS, json={"kind": "optimize"}).json())
    assert (done["state"], done["reason"]) == ("failed", "usage")
    assert str(context.gallery("family").path) not in done["message"]


def test_a_gallery_with_faces_is_optimized(admin: Client) -> None:
    ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos"}).json())
    assert ended(admin, admin.post(JOBS, json={"kind": "optimize"}).json())["state"] == "done"


def test_grouping_that_is_cancelled_stores_nothing(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, let_on, stored = threading.Event(), threading.Event(), []

    def group(*_: object, before_storing: Any, **__: object) -> None:
        reached.set()
        assert let_on.wait(20)
        before_storing()
        stored.append(1)

    monkeypatch.setattr("mien.server.jobwork.group_gallery", group)
    job = admin.post(JOBS, json={"kind": "group"}).json()
    assert reached.wait(20)
    assert admin.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    let_on.set()
    assert ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos"}).json())["state"] == "done"
    assert stored == []


@pytest.mark.parametrize(
    "wrong", [{"kind": "erase"}, {"kind": "group", "folder": "photos"}, {"kind": "index", "full": True}, {}]
)
def test_a_job_that_makes_no_sense_is_refused(admin: Client, wrong: dict[str, Any]) -> None:
    assert admin.post(JOBS, json=wrong).status_code == 422


def test_jobs_are_listed_in_pages_the_newest_first(admin: Client) -> None:
    made = [admin.post(JOBS, json={"kind": "index"}).json()["id"] for _ in range(5)]
    admin.post("/v1/galleries/office/jobs", json={"kind": "index"})
    found, cursor = [], ""
    while cursor is not None:
        page = admin.get(f"{JOBS}?limit=2{cursor}").json()
        found += [job["id"] for job in page["jobs"]]
        cursor = page["next"] and f"&cursor={page['next']}"
    assert found == made[::-1]


def test_failures_come_in_pages(admin: Client) -> None:
    job = upload(admin, *((f"{i}.png", b"torn") for i in range(25)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    assert len(ended(admin, job)["failures"]) == 20
    first = admin.get(f"/v1/jobs/{job['id']}/failures?limit=20").json()
    rest = admin.get(f"/v1/jobs/{job['id']}/failures?limit=20&cursor={first['next']}").json()
    assert [failure["file"] for failure in first["failures"] + rest["failures"]] == [f"{i}.png" for i in range(25)]


def test_a_job_of_a_gallery_that_the_key_does_not_open_is_not_there(client: Client, context: Context) -> None:
    key, token = context.keys.create(Role.OPERATOR, galleries=["office"])
    hidden = context.jobs.create(context.gallery("family"), key.id, "index")
    for method, path in (
        ("GET", ""),
        ("GET", "/events"),
        ("GET", "/failures"),
        ("POST", "/start"),
        ("POST", "/cancel"),
    ):
        told = client.request(method, f"/v1/jobs/{hidden.id}{path}", headers={"x-api-key": token})
        missing = client.request(method, f"/v1/jobs/0{path}", headers={"x-api-key": token})
        assert (told.status_code, told.json()["type"]) == (404, missing.json()["type"])


def test_a_job_says_which_key_asked_for_it(client: Client, context: Context) -> None:
    key, token = context.keys.create(Role.OPERATOR)
    assert client.post(JOBS, json={"kind": "index"}, headers={"x-api-key": token}).json()["asked_by"] == key.id


def parse(text: str) -> list[dict[str, str]]:
    """Events as the HTML standard reads them, for fields of one line."""
    blocks = [block for block in text.split("\n\n") if block and not block.startswith(":")]
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]


def test_events_end_with_the_job_and_begin_after_the_last_one_seen(admin: Client) -> None:
    job = admin.post(JOBS, json={"kind": "index", "folder": "photos"}).json()
    told = admin.get(f"/v1/jobs/{job['id']}/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    seen = parse(told.text)
    assert [event["event"] for event in seen] == ["progress"] * (len(seen) - 1) + ["end"]
    assert json.loads(seen[-1]["data"])["done"] == 5
    last = seen[-1]["id"]
    again = admin.get(f"/v1/jobs/{job['id']}/events", headers={"last-event-id": str(int(last) - 1)})
    assert [event["id"] for event in parse(again.text)] == [last]
    assert admin.get(f"/v1/jobs/{job['id']}/events", headers={"last-event-id": last}).status_code == 204


def test_a_silent_stream_beats_and_ends_with_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    monkeypatch.setattr(events_module, "HEARTBEAT_S", 0.0)
    monkeypatch.setattr(events_module, "POLL_S", 0.0)
    good = iter([True, True, False])

    def check() -> None:
        if not next(good):
            raise MienError("revoked")

    async def read(streams: Streams) -> list[str]:
        return [text async for text in streams.follow(lambda: {"version": 1, "ended": None}, check, 1)]

    streams = Streams(1)
    assert asyncio.run(read(streams)) == [": alive\n\n"] * 2
    assert streams.open == 0


def test_forgetting_a_person_erases_the_pictures_that_wait(admin: Client, context: Context) -> None:
    admin.post("/v1/galleries/family/subjects/Ada/references", files=[("image", ("1.png", png(1)))])
    job = upload(admin, ("Ada/2.png", png(1, 2)), ("Bob/3.png", png(2)), by_folder=True)
    assert admin.delete("/v1/galleries/family/subjects/ada").status_code == 200
    assert len(spool(context)) == 1
    admin.post(f"/v1/jobs/{job['id']}/start")
    assert (ended(admin, job)["total"], ended(admin, job)["new"]) == (1, 1)
    with pytest.raises(NotFoundError):
        context.gallery("family").reader.store.show("Ada")


def test_what_nobody_finishes_is_erased_and_what_ended_long_ago_forgotten(admin: Client, context: Context) -> None:
    left, over = upload(admin, ("1.png", png(1))), upload(admin, ("2.png", png(2)))
    admin.post(f"/v1/jobs/{over['id']}/cancel")
    now = datetime.now(UTC)

    def sweep(after: timedelta) -> None:
        later = Jobs(context.settings, {}, lambda: now + after)
        later.sweep()
        later.close()

    sweep(KEEP_OPEN - timedelta(minutes=1))
    assert context.jobs.get(left["id"]).state == "open"
    sweep(KEEP_OPEN + timedelta(minutes=1))
    assert (context.jobs.get(left["id"]).state, context.jobs.get(left["id"]).reason) == ("cancelled", "abandoned")
    assert emptied(context)
    sweep(KEEP_ENDED + timedelta(minutes=1))
    with pytest.raises(NotFoundError):
        context.jobs.get(over["id"])


def test_more_pictures_than_a_job_or_the_disk_takes_are_refused(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mien.server.jobs.MAX_PICTURES", 2)
    job = upload(admin, ("1.png", png(1)))
    two = [("image", (f"{i}.png", png(i))) for i in (2, 3)]
    assert admin.post(f"/v1/jobs/{job['id']}/pictures", files=two).status_code == 413
    assert admin.post(f"/v1/jobs/{job['id']}/pictures", files=two[:1]).status_code == 200
    monkeypatch.setattr(context.jobs._spool, "capacity", sum(path.stat().st_size for path in spool(context)))
    other = admin.post(JOBS, json={"kind": "index"}).json()
    assert admin.post(f"/v1/jobs/{other['id']}/pictures", files=two[:1]).status_code == 507


def test_two_servers_of_one_gallery_do_a_job_once(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(monkeypatch)
    job = upload(admin, ("1.png", png(1)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    assert gate.reached.acquire(timeout=20)
    other = Jobs(context.settings, context.galleries)
    assert not gate.reached.acquire(timeout=0.5)
    other.close()
    gate.open.release()
    assert ended(admin, job)["new"] == 1


def trail(context: Context) -> list[tuple[str, str, dict[str, int]]]:
    """Action, actor and counts of the jobs' own records."""
    records = context.gallery("family").reader.store.audit()
    return [(r.action, r.actor, r.counts) for r in records if r.action.startswith("job-")]


def test_jobs_leave_records_of_who_asked_for_what_and_how_much_came_of_it(
    client: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, token = context.keys.create(Role.OPERATOR)
    client.headers["x-api-key"] = token
    index = ended(client, client.post(JOBS, json={"kind": "index", "folder": "photos"}).json())
    ended(client, client.post(JOBS, json={"kind": "optimize"}).json())

    class Found:
        groups = (1, 2)

    monkeypatch.setattr("mien.server.jobwork.group_gallery", lambda *_, **__: Found)
    ended(client, client.post(JOBS, json={"kind": "group"}).json())
    actor = f"key {key.id}"
    assert trail(context) == [
        ("job-index", actor, {"pictures": 4, "references": 4, "failures": 1}),
        ("job-optimize", actor, {}),
        ("job-group", actor, {"people": 2}),
    ]
    pictures = [r for r in context.gallery("family").reader.store.audit() if r.action == "index"]
    assert {(r.actor, r.purpose) for r in pictures} == {(actor, f"job {index['id']}")}


def test_records_of_a_job_carry_the_purpose_of_the_request_that_made_it(admin: Client, context: Context) -> None:
    headers = {"X-Purpose": "the new year's album"}
    job = ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos"}, headers=headers).json())
    told = {r.action: r.purpose for r in context.gallery("family").reader.store.audit()}
    assert told["index"] == told["job-index"] == f"the new year's album (job {job['id']})"
    assert "purpose" not in job


@pytest.mark.parametrize(("length", "status"), [(460, 201), (461, 422)])
def test_the_purpose_of_a_job_leaves_room_for_its_id(admin: Client, length: int, status: int) -> None:
    answer = admin.post(JOBS, json={"kind": "index", "folder": "photos"}, headers={"X-Purpose": "p" * length})
    assert answer.status_code == status
    assert status == 201 or answer.json()["type"] == "urn:mien:text"
    assert status == 422 or ended(admin, answer.json())["state"] == "done"


def test_jobs_of_a_server_that_kept_no_purpose_go_on(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    old = StateTable(path, JobStore.schema.replace(", purpose TEXT NOT NULL DEFAULT ''", ""))
    old.change(
        "INSERT INTO job (id, gallery, file, kind, state, owner, by_folder, regroup, created, changed) "
        "VALUES ('a', 'family', 'family.mien', 'group', 'queued', 'k', 0, 0, '2026', '2026')"
    )
    old.close()
    for _ in range(2):
        store = JobStore(path)
        assert (store.get("a").owner, store.get("a").purpose) == ("k", "")
        store.close()


def test_a_job_that_was_broken_off_says_so_and_one_that_never_began_says_nothing(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.post(f"/v1/jobs/{upload(admin, ('1.png', png(1)))['id']}/cancel")
    assert trail(context) == []
    gate = Gate(monkeypatch)
    job = upload(admin, *((f"{i}.png", png(i)) for i in range(1, 4)))
    admin.post(f"/v1/jobs/{job['id']}/start")
    assert gate.reached.acquire(timeout=20)
    admin.post(f"/v1/jobs/{job['id']}/cancel")
    gate.open.release(3)
    ended(admin, job)
    context.jobs._workers["family"].end(context.jobs.get(job["id"]), State.DONE)  # too late
    ((action, _, counts),) = trail(context)
    assert (action, counts["cancelled"]) == ("job-index", 1)
    assert context.jobs.get(job["id"]).state is State.CANCELLED


def test_the_folders_that_may_be_indexed_are_listed_without_their_paths(admin: Client, context: Context) -> None:
    told = admin.get("/v1/folders")
    assert told.json() == {"folders": ["photos"]}
    viewer = context.keys.create(Role.VIEWER)[1]
    assert admin.get("/v1/folders", headers={"x-api-key": viewer}).status_code == 403


def test_pictures_of_somebody_whose_consent_ended_fail_with_a_reason_and_are_not_looked_at(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = context.gallery("family").writer.store
    store.add_subject("Ada")
    store.withdraw("Ada")
    seen: list[str] = []
    look = DirectDecoders.look

    def watched(decoders: DirectDecoders, picture: Picture, policy: Any, **rest: Any) -> Found:
        seen.append(Path(picture.name).name)
        return look(decoders, picture, policy, **rest)

    monkeypatch.setattr(DirectDecoders, "look", watched)
    done = ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos", "by_folder": True}).json())
    assert (done["state"], done["new"], done["failed"]) == ("done", 1, 4)
    refused = {each["file"]: each["reason"] for each in done["failures"] if each["reason"] == "consent-ended"}
    assert sorted(refused) == ["Ada/1.png", "Ada/2.png"]
    assert set(seen) == {"3.png", "nobody.png", "torn.png"}
    assert store.info()["references"] == 1


def test_a_grouping_that_is_cancelled_stops_in_the_middle_of_its_work(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, stopped = threading.Event(), threading.Event()

    def group(*_: object, going: Any, **__: object) -> None:
        reached.set()
        try:
            for _ in range(2_000):
                going()
                time.sleep(0.01)
        except Exception:
            stopped.set()
            raise

    monkeypatch.setattr("mien.server.jobwork.group_gallery", group)
    job = admin.post(JOBS, json={"kind": "group"}).json()
    assert reached.wait(20)
    admin.post(f"/v1/jobs/{job['id']}/cancel")
    assert stopped.wait(5)


def test_an_optimize_job_that_is_cancelled_leaves_the_search_file_as_it_was(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mien.gallery.calls import building

    ended(admin, admin.post(JOBS, json={"kind": "index", "folder": "photos"}).json())
    reached, let_on = threading.Event(), threading.Event()
    made = building._made

    def slow(*args: Any) -> Any:
        reached.set()
        assert let_on.wait(20)
        return made(*args)

    monkeypatch.setattr(building, "_made", slow)
    job = admin.post(JOBS, json={"kind": "optimize"}).json()
    assert reached.wait(20)
    assert admin.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
    let_on.set()
    again = admin.post(JOBS, json={"kind": "index", "folder": "photos"}).json()
    assert ended(admin, again)["state"] == "done"
    assert context.gallery("family").reader.store.info()["search"]["file_bytes"] == 0
