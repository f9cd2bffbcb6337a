"""Every error is a problem document with a stable type, and tells nothing of the machine."""

import pytest

from mien import errors
from mien.server.context import Context
from mien.server.keys import KeyRefusedError
from mien.server.problems import status_of
from server_toys import Client, empty_png, png

PAIR = {"probe": png(1), "reference": png(1)}
ENROL = "/v1/galleries/family/subjects/Ada/references"


def upload(*data: bytes) -> dict[str, object]:
    return {"files": [("image", (f"{i}.png", each, "image/png")) for i, each in enumerate(data)]}


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.UsageError("x"), 422),
        (errors.ImageError("x", code="image-truncated"), 422),
        (errors.ImageError("x", code="image-unrecognised"), 415),
        (errors.FaceError("x"), 422),
        (errors.NotFoundError("x"), 404),
        (errors.ModelMismatchError("x"), 409),
        (errors.StoreFullError("x"), 507),
        (errors.StoreLockedError("x"), 503),
        (errors.ModelMissingError("x"), 503),
        (errors.LimitError("x"), 413),
        (errors.LimitError("x", code="busy"), 503),
        (KeyRefusedError("x"), 401),
        (errors.MienError("x"), 500),
    ],
)
def test_every_kind_of_error_has_its_status(error: errors.MienError, status: int) -> None:
    assert status_of(error) == status


@pytest.mark.parametrize(
    ("method", "path", "rest", "status", "kind"),
    [
        ("GET", "/nothing", {}, 404, "not-found"),
        ("PUT", "/v1/faces", {}, 405, "method-not-allowed"),
        ("GET", "/v1/galleries/nowhere", {}, 404, "no-gallery"),
        ("GET", "/v1/galleries/family/subjects/Eve", {}, 404, "not-found"),
        ("GET", "/v1/galleries/family/subjects?limit=0", {}, 422, "request-invalid"),
        ("GET", "/v1/galleries/family/subjects?cursor=x", {}, 422, "cursor"),
        ("GET", "/v1/galleries/family/references/7", {}, 404, "not-found"),
        ("POST", "/v1/faces", upload(b"GIF no more"), 415, "image-unrecognised"),
        ("POST", "/v1/faces", upload(b""), 422, "image-empty"),
        ("POST", "/v1/faces", {"content": b"x"}, 415, "media-type"),
        ("POST", "/v1/faces", {"files": {"picture": b"x"}}, 422, "part-unknown"),
        ("POST", "/v1/faces", {"data": {"image": "text"}, "files": {"image": png(1)}}, 422, "part-no-file"),
        ("POST", "/v1/faces", {"headers": {"content-type": "multipart/form-data"}}, 400, "form-invalid"),
        ("POST", "/v1/faces", {"json": {}}, 422, "picture-missing"),
        ("POST", "/v1/faces", {"json": {"image": "data:image/png;base64,AAAA"}}, 422, "image-base64"),
        ("POST", "/v1/faces", {"json": {"image": 7}}, 422, "image-base64"),
        ("POST", "/v1/faces", {"json": {"url": "http://localhost/"}}, 422, "request-invalid"),
        ("POST", "/v1/faces", {"json": ["AAAA"]}, 422, "request-invalid"),
        ("POST", "/v1/faces", {"json": {"image": ["AAAA"] * 65}}, 413, "too-many-pictures"),
        ("POST", "/v1/faces", upload(*[b"x"] * 65), 413, "too-many-pictures"),
        ("POST", "/v1/comparisons", upload(png(1)), 422, "part-unknown"),
        (
            "POST",
            "/v1/comparisons?fmr=1e-12",
            {"files": PAIR},
            422,
            "fmr-unsupported",
        ),
        ("POST", "/v1/comparisons?fmr=nan", {"files": PAIR}, 422, "request-invalid"),
        ("POST", ENROL, upload(empty_png()), 422, "no-face"),
        ("POST", ENROL, upload(png(1, 2)), 422, "several-faces"),
        ("POST", f"{ENROL}?faces=all", upload(png(1)), 422, "request-invalid"),
        ("POST", "/v1/galleries/family/subjects/%20/references", upload(png(1)), 422, "name-blank"),
        ("POST", "/v1/galleries/family/subjects/a%1bb/references", upload(png(1)), 422, "name-characters"),
        ("POST", "/v1/galleries/family/identifications?where=%3D", upload(png(1)), 422, None),
        ("POST", "/v1/galleries/family/verifications?subject=Eve", upload(png(1)), 404, "not-found"),
        ("PATCH", "/v1/galleries/family/subjects/Eve", {"json": {"name": "Ada"}}, 404, "not-found"),
        ("PATCH", "/v1/galleries/family/subjects/Eve", {"json": {"label": "Ada"}}, 422, "request-invalid"),
        ("PATCH", "/v1/galleries/family/subjects/Eve", {"data": {"name": "Ada"}}, 415, "media-type"),
    ],
)
def test_an_error_is_a_problem_document(admin: Client, method, path, rest, status, kind) -> None:
    answer = admin.request(method, path, **rest)
    document = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert document["status"] == status
    assert document["title"]
    assert document["detail"]
    assert "\n" not in document["detail"]
    assert document["type"].startswith("urn:mien:")
    if kind is not None:
        assert document["type"] == f"urn:mien:{kind}"


def test_no_message_names_a_file_of_this_machine(admin: Client, context: Context) -> None:
    told = admin.get("/v1/galleries/family/subjects/Eve").text + admin.get("/v1/galleries/family").text
    assert str(context.galleries["family"].path.parent) not in told
    assert "family has no subject 'Eve'" in told


def test_a_fault_is_500_without_a_trace_and_with_every_header(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mien.gallery.Gallery.info", lambda self: 1 / 0)
    answer = admin.get("/v1/galleries/family")
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:mien:fault"
    assert "ZeroDivision" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_answer_carries_the_security_headers(admin: Client) -> None:
    for answer in (admin.get("/health"), admin.get("/nothing"), admin.post("/v1/faces", **upload(png(1)))):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers


def test_every_answer_of_every_operation_is_described(client: Client) -> None:
    document = client.get("/openapi.json").json()
    for methods in document["paths"].values():
        for operation in methods.values():
            problems = {code: body for code, body in operation["responses"].items() if code >= "400"}
            assert all(list(body["content"]) == ["application/problem+json"] for body in problems.values())
            if operation["operationId"] != "health":
                assert {"401", "403", "422", "429", "503"} <= set(problems), operation["operationId"]
