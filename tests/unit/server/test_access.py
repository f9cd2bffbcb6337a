"""Every operation x every role: what is written here is what the server does, and no operation is left out."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from mien.server.access import ALLOWED, Operation
from mien.server.context import Context
from mien.server.keys import KeyStore, Role
from server_toys import Client

VIEWER, OPERATOR, ADMIN, AUDITOR = Role.VIEWER, Role.OPERATOR, Role.ADMIN, Role.AUDITOR
PUBLIC = None
MATRIX = {
    "health": PUBLIC,
    "ready": PUBLIC,
    "metrics": {ADMIN, AUDITOR},
    "list_models": {VIEWER, OPERATOR, ADMIN, AUDITOR},
    "detect_faces": {VIEWER, OPERATOR, ADMIN},
    "compare_pictures": {VIEWER, OPERATOR, ADMIN},
    "list_galleries": {VIEWER, OPERATOR, ADMIN, AUDITOR},
    "show_gallery": {VIEWER, OPERATOR, ADMIN, AUDITOR},
    "choose_crops": {ADMIN},
    "list_audit": {ADMIN, AUDITOR},
    "list_subjects": {VIEWER, OPERATOR, ADMIN},
    "show_subject": {VIEWER, OPERATOR, ADMIN},
    "change_subject": {OPERATOR, ADMIN},
    "forget_subject": {OPERATOR, ADMIN},
    "state_consent": {OPERATOR, ADMIN},
    "withdraw_consent": {OPERATOR, ADMIN},
    "merge_subjects": {OPERATOR, ADMIN},
    "separate_subjects": {OPERATOR, ADMIN},
    "enrol_subject": {OPERATOR, ADMIN},
    "known_pictures": {OPERATOR, ADMIN},
    "add_pictures": {OPERATOR, ADMIN},
    "list_references": {VIEWER, OPERATOR, ADMIN},
    "show_reference": {VIEWER, OPERATOR, ADMIN},
    "show_crop": {VIEWER, OPERATOR, ADMIN},
    "remove_reference": {OPERATOR, ADMIN},
    "move_reference": {OPERATOR, ADMIN},
    "identify_faces": {VIEWER, OPERATOR, ADMIN},
    "verify_subject": {VIEWER, OPERATOR, ADMIN},
    "group_faces": {OPERATOR, ADMIN},
    "list_reports": {VIEWER, OPERATOR, ADMIN, AUDITOR},
    "show_key": {VIEWER, OPERATOR, ADMIN, AUDITOR},
    "list_people": {VIEWER, OPERATOR, ADMIN},
    "split_subject": {OPERATOR, ADMIN},
    "undo_correction": {OPERATOR, ADMIN},
    "list_questions": {OPERATOR, ADMIN},
    "list_folders": {OPERATOR, ADMIN},
    "create_job": {OPERATOR, ADMIN},
    "list_jobs": {OPERATOR, ADMIN},
    "show_job": {OPERATOR, ADMIN},
    "add_job_pictures": {OPERATOR, ADMIN},
    "start_job": {OPERATOR, ADMIN},
    "cancel_job": {OPERATOR, ADMIN},
    "list_job_failures": {OPERATOR, ADMIN},
    "follow_job": {OPERATOR, ADMIN},
}
"""Who may do what; None: everybody, also without a key."""


def operations(client: Client) -> list[tuple[str, str, str]]:
    """(operation id, method, path) of all that OpenAPI tells."""
    document = client.get("/openapi.json").json()
    return [
        (operation["operationId"], method.upper(), path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def address(path: str, gallery: str = "family") -> str:
    return re.sub(r"\{(\w+)\}", lambda m: gallery if m[1] == "gallery" else "1", path)


def refused(client: Client, method: str, path: str, token: str | None) -> int | None:
    """401 or 403 when access was refused, otherwise None, whatever else the answer is."""
    headers = {} if token is None else {"x-api-key": token}
    status = client.request(method, path, headers=headers).status_code
    return status if status in (401, 403) else None


def test_every_operation_has_a_row_and_every_row_an_operation(client: Client) -> None:
    told = [operation for operation, _, _ in operations(client)]
    assert sorted(told) == sorted(MATRIX)


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_do_what_its_row_says_and_no_more(client: Client, context: Context, role: Role) -> None:
    _, token = context.keys.create(role)
    found = {name: refused(client, method, address(path), token) for name, method, path in operations(client)}
    expected = {name: None if roles is PUBLIC or role in roles else 403 for name, roles in MATRIX.items()}
    assert found == expected


@pytest.mark.parametrize("state", ["missing", "unknown", "expired", "revoked", "too long", "jwt without signature"])
def test_without_a_good_key_only_what_is_public_answers(client: Client, context: Context, state: str) -> None:
    key, token = context.keys.create(Role.ADMIN)
    if state == "expired":
        yesterday = KeyStore(context.settings.state, lambda: datetime.now(UTC) - timedelta(days=2))
        token = yesterday.create(Role.ADMIN, lifetime=timedelta(days=1))[1]
        yesterday.close()
    elif state == "revoked":
        context.keys.revoke(key.id)
    tokens = {
        "missing": None,
        "unknown": token[:-1] + ("a" if token[-1] != "a" else "b"),
        "too long": token + "x" * 5_000,
        "jwt without signature": "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.",
    }
    sent = tokens.get(state, token)
    found = {name: refused(client, method, address(path), sent) for name, method, path in operations(client)}
    assert found == {name: None if roles is PUBLIC else 401 for name, roles in MATRIX.items()}


def test_a_key_opens_its_own_galleries_only(client: Client, context: Context) -> None:
    _, token = context.keys.create(Role.ADMIN, galleries=["family"])
    inside = [(m, p) for _, m, p in operations(client) if "{gallery}" in p]
    assert {refused(client, method, address(path, "office"), token) for method, path in inside} == {403}
    assert {refused(client, method, address(path, "family"), token) for method, path in inside} == {None}
    told = client.get("/v1/galleries", headers={"x-api-key": token}).json()
    assert [gallery["name"] for gallery in told["galleries"]] == ["family"]


def test_a_gallery_that_is_not_there_and_one_of_others_look_the_same(client: Client, context: Context) -> None:
    _, token = context.keys.create(Role.ADMIN, galleries=["family"])
    answers = [client.get(f"/v1/galleries/{name}", headers={"x-api-key": token}) for name in ("office", "nowhere")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert answers[0].json() == answers[1].json()


def test_a_change_without_a_key_is_refused_before_its_body_is_read(context: Context) -> None:
    import asyncio

    from server_toys import toy_app

    sent = []

    async def ask() -> None:
        async def receive() -> dict[str, object]:
            raise AssertionError("the body was read")

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/v1/faces", "headers": [], "query_string": b""}
        await toy_app(context)(scope | {"http_version": "1.1", "scheme": "http", "root_path": ""}, receive, send)

    asyncio.run(ask())
    assert sent[0]["status"] == 401


def test_bearer_and_header_carry_the_same_key(client: Client, context: Context) -> None:
    _, token = context.keys.create(Role.VIEWER)
    for headers in ({"Authorization": f"Bearer {token}"}, {"authorization": f"bearer {token}"}, {"x-api-key": token}):
        assert client.get("/v1/models", headers=headers).status_code == 200
    assert client.get("/v1/models", headers={"Authorization": f"Basic {token}"}).status_code == 401


def test_an_admin_may_do_everything_and_an_auditor_sees_no_person() -> None:
    assert ALLOWED[Role.ADMIN] == frozenset(Operation)
    assert not ALLOWED[Role.AUDITOR] & {Operation.SUBJECTS, Operation.IDENTIFY, Operation.VERIFY, Operation.ENROL}


def test_a_bad_authorization_is_not_made_up_for_by_another_header(client: Client, context: Context) -> None:
    _, token = context.keys.create(Role.VIEWER)
    for wrong in ("Bearer mien_", "Basic YTpi", "", "Bearer"):
        assert client.get("/v1/models", headers={"Authorization": wrong, "x-api-key": token}).status_code == 401


def test_a_method_that_is_not_there_is_told_which_are(client: Client, context: Context) -> None:
    _, token = context.keys.create(Role.ADMIN)
    answer = client.request("PUT", "/v1/galleries/family/subjects/Ada", headers={"x-api-key": token})
    assert (answer.status_code, answer.headers["allow"]) == (405, "DELETE, GET, PATCH")
