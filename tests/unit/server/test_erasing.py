"""Who is not to be kept is erased by the server, with all that it remembers of them."""

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mien.errors import NotFoundError, StoreLockedError, UsageError
from mien.gallery.calls.retention import Retaining
from mien.server.context import Context
from mien.server.erasing import ACTOR, Sweeper
from mien.server.keys import Role
from mien.server.settings import Settings
from server_toys import Client, png, toy_app, toy_context

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ROOT = "/v1/galleries/family"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def context(tmp_path: Path, clock: Clock):
    with ExitStack() as stack:
        yield toy_context(tmp_path, stack, clock=clock, names=("family", "office"))


@pytest.fixture
def admin(context: Context) -> Client:
    client = Client(toy_app(context))
    client.headers["x-api-key"] = context.keys.create(Role.ADMIN)[1]
    for name, who in (("Ada", 1), ("Bob", 2), ("Cy", 3)):
        path = f"{ROOT}/subjects/{name}/references"
        client.post(path, files=[("image", (f"{name}.png", png(who)))], headers={"Idempotency-Key": name})
    return client


def names(context: Context) -> list[str | None]:
    return [subject.name for subject in context.gallery("family").reader.store.subjects()]


def sweeper(context: Context, every_s: float = 3600) -> Sweeper:
    return Sweeper(context.eraser, context.galleries.values(), every_s)


def test_a_sweep_erases_the_expired_and_the_withdrawn_and_nobody_else(
    admin: Client, context: Context, clock: Clock
) -> None:
    store = context.gallery("family").writer.store
    store.set_consent("Ada", expires="2026-11-23")
    store.withdraw("Bob")
    store.set_consent("Cy", expires="2026-12-24")
    sweeping = sweeper(context)
    clock.now = NOON + timedelta(hours=11)
    sweeping.sweep()
    assert names(context) == ["Ada", "Cy"]
    clock.now = NOON + timedelta(hours=12)
    sweeping.sweep()
    sweeping.close()
    assert names(context) == ["Cy"]
    swept = [record for record in store.audit() if record.action == "sweep"]
    assert [(record.actor, record.counts["references"]) for record in swept] == [(ACTOR, 1), (ACTOR, 1)]
    told = context.metrics.text().decode()
    assert "mien_swept_total 2.0" in told
    assert 'mien_sweeps_total{outcome="done"} 4.0' in told


def test_pictures_that_wait_and_answers_that_are_kept_go_with_the_person(admin: Client, context: Context) -> None:
    job = admin.post(f"{ROOT}/jobs", json={"kind": "index", "by_folder": True}).json()
    files = [("image", (f"{name}/9.png", png(9))) for name in ("Ada", "Bob")]
    admin.post(f"/v1/jobs/{job['id']}/pictures", files=files)
    context.gallery("family").writer.store.withdraw("Ada")
    sweeping = sweeper(context)
    sweeping.sweep()
    sweeping.close()
    assert admin.get(f"/v1/jobs/{job['id']}").json()["total"] == 1
    kept = context.answers._table.rows("SELECT subject FROM answer ORDER BY subject")
    assert kept == [("bob",), ("cy",)]


def test_it_runs_by_itself_and_ends_when_told_to(admin: Client, context: Context) -> None:
    context.gallery("family").writer.store.withdraw("Ada")
    sweeping = sweeper(context, 0.01)
    for _ in range(500):
        if names(context) == ["Bob", "Cy"]:
            break
        time.sleep(0.02)
    sweeping.close()
    assert names(context) == ["Bob", "Cy"]
    assert not sweeping._thread.is_alive()


def test_a_gallery_that_cannot_be_swept_now_does_not_end_the_sweeps_of_others(
    admin: Client, context: Context, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sweep = Retaining.sweep

    def locked(store: Retaining) -> list:
        if store.path.stem == "family":
            raise StoreLockedError("another process is writing")
        return sweep(store)

    for name in ("family", "office"):
        store = context.gallery(name).writer.store
        if name == "office":
            store.add_subject("Dora")
        store.withdraw("Ada" if name == "family" else "Dora")
    monkeypatch.setattr(Retaining, "sweep", locked)
    sweeping = sweeper(context)
    sweeping.sweep()
    sweeping.close()
    assert "family: not swept" in caplog.text
    assert names(context) == ["Ada", "Bob", "Cy"]
    with pytest.raises(NotFoundError):
        context.gallery("office").reader.store.subject("Dora")


@pytest.mark.parametrize("wrong", [0, -1, float("nan")])
def test_sweeps_need_time_between_them(tmp_path: Path, wrong: float) -> None:
    with pytest.raises(UsageError):
        Settings({"family": tmp_path / "family.mien"}, tmp_path / "state.sqlite", sweep_s=wrong)
