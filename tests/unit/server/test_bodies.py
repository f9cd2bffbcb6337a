import pytest

from mien.server.bodies import from_base64, parse_json, shown_name
from mien.server.problems import Problem


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1e999}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"[" * 9000,
        b'{"a": "\xff"}',
        b"{'a': 1}",
    ],
)
def test_what_is_no_json_is_400(data: bytes) -> None:
    with pytest.raises(Problem) as refusal:
        parse_json(data)
    assert (refusal.value.status_code, refusal.value.code) == (400, "json-invalid")


def test_a_million_members_are_refused_without_reading_them() -> None:
    with pytest.raises(Problem) as refusal:
        parse_json(b"[" + b"{}," * 10**6 + b"{}]")
    assert (refusal.value.status_code, refusal.value.code) == (413, "json-too-large")


def test_a_large_picture_in_base64_is_no_large_document() -> None:
    assert len(parse_json(b'{"image": "' + b"AAAA" * 10**6 + b'"}')["image"]) == 4 * 10**6


@pytest.mark.parametrize("text", ["AAA", "AA==A", "data:image/png;base64,AAAA", "https://host/a.jpg", "ä", 7, None, []])
def test_what_is_no_base64_is_refused(text: object) -> None:
    with pytest.raises(Problem) as refusal:
        from_base64(text)
    assert refusal.value.code == "image-base64"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("C:\\x.jpg", "x.jpg"),
        ("a\x00b\x1b[2J.jpg", "ab[2J.jpg"),
        ("", "image"),
        ("/", "image"),
        ("x" * 1000, "x" * 200),
    ],
)
def test_a_file_name_is_shown_without_folders_and_control(sent: str, shown: str) -> None:
    assert shown_name(sent) == shown
