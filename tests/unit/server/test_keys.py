from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mien.errors import NotFoundError, UsageError
from mien.server.keys import KeyRefusedError, KeyStore, Role, parse_lifetime


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(tmp_path: Path, clock: Clock):
    store = KeyStore(tmp_path / "state.sqlite", clock)
    yield store
    store.close()


def test_a_token_has_256_random_bits_and_opens_its_key(keys: KeyStore) -> None:
    key, token = keys.create(Role.VIEWER, galleries=["family"], label="door")
    assert token.startswith(f"mien_{key.id}_")
    assert len(token.split("_", 2)[2]) == 43  # 32 bytes in base64 without padding
    assert keys.check(token) == key
    assert key.opens("family")
    assert not key.opens("office")


def test_no_token_stands_in_any_file_of_the_database(tmp_path: Path, keys: KeyStore) -> None:
    tokens = [keys.create(Role.ADMIN)[1] for _ in range(20)]
    tokens += [keys.rotate(key.id)[1] for key in keys.list()]
    held = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert len(held) > 1000
    for token in tokens:
        assert token.encode() not in held
        assert token.split("_", 2)[2].encode() not in held


def test_the_database_is_for_its_owner_only(tmp_path: Path, keys: KeyStore) -> None:
    assert {oct(path.stat().st_mode & 0o077) for path in tmp_path.iterdir()} == {"0o0"}


def test_a_key_ends_when_it_expires(keys: KeyStore, clock: Clock) -> None:
    _, token = keys.create(Role.VIEWER, lifetime=parse_lifetime("90d"))
    clock.now += timedelta(days=90) - timedelta(seconds=1)
    keys.check(token)
    clock.now += timedelta(seconds=1)
    with pytest.raises(KeyRefusedError, match="expired") as refusal:
        keys.check(token)
    assert refusal.value.code == "key-expired"


def test_a_revoked_key_opens_nothing_from_that_moment(tmp_path: Path, keys: KeyStore) -> None:
    key, token = keys.create(Role.ADMIN)
    other = KeyStore(tmp_path / "state.sqlite")  # as the command does beside the running server
    other.revoke(key.id)
    other.close()
    with pytest.raises(KeyRefusedError, match="revoked"):
        keys.check(token)


def test_only_the_right_token_is_told_that_it_is_revoked(keys: KeyStore) -> None:
    key, token = keys.create(Role.ADMIN)
    keys.revoke(key.id)
    with pytest.raises(KeyRefusedError, match="not known"):
        keys.check(token[:-2] + "xx" if token[-2:] != "xx" else token[:-2] + "yy")


@pytest.mark.parametrize("token", ["", "mien_", "mien_000000000000_", "x" * 10**6, "mien_\ud800", "mien_' OR 1=1 --_"])
def test_what_is_no_token_is_not_known(keys: KeyStore, token: str) -> None:
    with pytest.raises(KeyRefusedError, match="not known"):
        keys.check(token)


def test_rotation_gives_the_same_rights_and_ends_the_old_key(keys: KeyStore, clock: Clock) -> None:
    old, token = keys.create(Role.OPERATOR, galleries=["family"], lifetime=timedelta(days=30), label="door")
    clock.now += timedelta(days=1)
    new, fresh = keys.rotate(old.id, overlap=timedelta(hours=1))
    assert (new.role, new.galleries, new.label) == (old.role, old.galleries, old.label)
    assert new.expires == (clock.now + timedelta(days=30)).isoformat()
    keys.check(token)
    clock.now += timedelta(hours=1)
    keys.check(fresh)
    with pytest.raises(KeyRefusedError):
        keys.check(token)


def test_a_rotation_never_lengthens_the_old_key(keys: KeyStore, clock: Clock) -> None:
    old, token = keys.create(Role.VIEWER, lifetime=timedelta(hours=1))
    keys.rotate(old.id, overlap=timedelta(days=9))
    clock.now += timedelta(hours=1)
    with pytest.raises(KeyRefusedError):
        keys.check(token)


def test_a_key_that_ended_cannot_be_rotated(keys: KeyStore) -> None:
    key, _ = keys.create(Role.VIEWER)
    keys.revoke(key.id)
    with pytest.raises(UsageError, match="ended"):
        keys.rotate(key.id)


def test_an_unknown_id_is_named(keys: KeyStore) -> None:
    with pytest.raises(NotFoundError, match="no key 'abc'"):
        keys.revoke("abc")


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("90d", 2160), ("2w", 336), ("1y", 8760)])
def test_lengths_of_time_are_read(text: str, hours: int) -> None:
    assert parse_lifetime(text) == timedelta(hours=hours)


@pytest.mark.parametrize("text", ["", "90", "d", "-1d", "0d", "1.5d", "1m", "999999d"])
def test_what_is_no_length_of_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="write 12h, 90d, 2w or 1y"):
        parse_lifetime(text)
