"""Reports are listed and read, and nothing else of the machine is."""

import os
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mien.errors import NotFoundError
from mien.server.keys import Role
from mien.server.reports import LINK, TYPES, Reports
from server_toys import Client, toy_app, toy_context

NOW = datetime(2026, 11, 22, 12, 30, tzinfo=UTC)
PAGE = "<!doctype html><title>Verification on LFW &amp; others</title><p>98 %</p>"


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "reports"
    (folder / "lfw").mkdir(parents=True)
    (folder / "lfw" / "report.html").write_text(PAGE)
    (folder / "lfw" / "report.json").write_text("{}")
    (folder / "lfw" / "notes.txt").write_text("no report")
    (folder / "lfw" / ".hidden.html").write_text(PAGE)
    (tmp_path / "secret.html").write_text("secret")
    (folder / "lfw" / "link.html").symlink_to(tmp_path / "secret.html")
    (folder / "out").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.html")
    return folder


@pytest.fixture
def reports(root):
    return Reports(root, lambda: NOW)


def test_reports_are_listed_by_what_they_call_themselves(reports):
    assert [(each.name, each.title) for each in reports.found()] == [
        ("lfw/report.html", "Verification on LFW & others")
    ]


def test_without_a_folder_there_are_none():
    assert Reports(None).found() == []
    with pytest.raises(NotFoundError):
        Reports(None).read("report.html")


def test_what_was_listed_is_read(reports):
    assert reports.read("lfw/report.html") == (PAGE.encode(), TYPES[".html"])
    assert reports.read("lfw/report.json")[1].startswith("text/plain")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "lfw",
        "lfw/notes.txt",
        "lfw/.hidden.html",
        "lfw/link.html",
        "out/secret.html",
        "pipe.html",
        "../secret.html",
        "lfw/../../secret.html",
        "lfw/..\\..\\secret.html",
        "/etc/passwd.html",
        "lfw//report.html",
        "./lfw/report.html",
        "lfw/report.html/",
        "lfw/report.html\0.svg",
        "lfw/report.html\n",
        "a/b/c/d/e/f.html",
        "lfw/\ud800.html",
        "lfw/" + "a" * 200 + ".html",
    ],
)
def test_nothing_else_is_read(reports, name):
    with pytest.raises(NotFoundError):
        reports.read(name)


def test_a_link_is_good_for_an_hour_and_not_for_two(root):
    now = [NOW]
    reports = Reports(root, lambda: now[0])
    ticket = reports.ticket()
    now[0] = NOW + LINK
    reports.require_ticket(ticket)
    now[0] = NOW + 2 * LINK
    with pytest.raises(NotFoundError, match="expired"):
        reports.require_ticket(ticket)


@pytest.mark.parametrize("forged", ["", "-", "99999999999-" + "0" * 64, "x-1", "१-" + "0" * 64])
def test_a_link_that_was_not_given_opens_nothing(reports, forged):
    with pytest.raises(NotFoundError):
        reports.require_ticket(forged)


def test_a_link_of_another_server_opens_nothing(root):
    with pytest.raises(NotFoundError):
        Reports(root).require_ticket(Reports(root).ticket())


@pytest.fixture
def client(tmp_path, root):
    with ExitStack() as stack:
        context = toy_context(tmp_path, stack)
        context = replace(context, reports=Reports(root, lambda: NOW + timedelta(seconds=1)))
        client = Client(toy_app(context))
        client.headers["x-api-key"] = context.keys.create(Role.AUDITOR)[1]
        yield client


def test_a_listed_address_opens_without_a_key_in_a_sandbox(client):
    told = client.get("/v1/reports").json()
    assert told["shown"]
    answer = Client(client.app).get(told["reports"][0]["address"])
    assert (answer.status_code, answer.text) == (200, PAGE)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "allow-" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_way_out_of_the_folder_is_not_found_over_http(client):
    ticket = client.get("/v1/reports").json()["reports"][0]["address"].split("/")[2]
    for name in ("..%2fsecret.html", "%2e%2e/secret.html", "out/secret.html", "lfw/link.html"):
        answer = client.get(f"/reports/{ticket}/{name}")
        assert answer.status_code == 404
        assert "secret" not in answer.text.replace("secret.html", "")
