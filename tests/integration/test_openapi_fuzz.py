"""Every operation of a running server, with what its description allows and with what it does not.

Whatever comes in, the answer is one that is described: no 5xx, no other status, media type or shape. A few requests
for each operation here; the whole campaign is

    MIEN_FUZZ=200 pytest tests/integration/test_openapi_fuzz.py --timeout=0
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

schemathesis = pytest.importorskip("schemathesis")

from hypothesis import HealthCheck, Phase, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402
from schemathesis.config import SchemathesisConfig  # noqa: E402
from schemathesis.generation import GenerationMode  # noqa: E402

from http_operations import METHODS, Document, compat_document  # noqa: E402
from http_server import Server, files, start, stop  # noqa: E402
from mien.server.app import create_app  # noqa: E402
from mien.server.compat.settings import CompatSettings  # noqa: E402
from mien.server.settings import Settings  # noqa: E402

pytestmark = pytest.mark.weights
EXAMPLES = int(os.environ.get("MIEN_FUZZ", "2"))
"""Requests for each operation with data it describes, as many with data it does not, and both with names it knows."""
load_all_checks()
ALWAYS = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
"""Whatever was sent."""
OURS = [*ALWAYS, *CHECKS.get_by_names(["negative_data_rejection", "unsupported_method", "ignored_auth"])]
"""Of the operations that we describe ourselves: besides, what the description does not allow is refused."""
KNOWN = {"gallery": "family", "subject": "Ada", "reference": 1}
"""Names that are there, so that more is reached than 404."""


def documents() -> dict[str, Document]:
    app = create_app(Settings({"family": Path("family.mien")}, Path("state.sqlite"), compat=CompatSettings()))
    return {"ours": app.openapi(), "theirs": compat_document()}


DOCUMENTS = documents()
REFUSALS = ["400", "401", "403", "404", "405", "409", "413", "414", "415", "422", "431"]
CONFIG = SchemathesisConfig.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": REFUSALS}}})
SCHEMAS = {door: schemathesis.openapi.from_dict(document, config=CONFIG) for door, document in DOCUMENTS.items()}
OPERATIONS = [
    pytest.param(door, path, method, id=f"{door} {method.upper()} {path}")
    for door, document in DOCUMENTS.items()
    for path, methods in document["paths"].items()
    for method in METHODS
    if method in methods
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, portraits: Path) -> Iterator[Server]:
    started = start(tmp_path_factory.mktemp("fuzzed"), "--per-minute", "10000000")
    with started.client() as client:
        for name, face in (("Ada", "obama.jpg"), ("Ben", "biden.jpg")):
            url = f"/v1/galleries/family/subjects/{name}/references"
            assert client.post(url, files=files(portraits / face)).status_code == 201
    yield started
    stop(started)
    assert "Traceback" not in "".join(started.log), "".join(started.log)


@pytest.fixture(scope="module")
def picture(portraits: Path) -> bytes:
    """A small portrait."""
    buffer = io.BytesIO()
    with Image.open(portraits / "obama2.jpg") as whole:
        whole.thumbnail((320, 320))
        whole.convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()


def fuzz(server: Server, door: str, cases: st.SearchStrategy[Any], keyed: bool = True) -> None:
    """Send so many cases, and hold each answer against the description."""

    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=EXAMPLES < 10,
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def each(case: Any) -> None:
        headers = {"x-api-key": server.token} if keyed else {}
        answer = case.call(base_url=server.url, headers=headers, timeout=60)
        case.validate_response(answer, checks=OURS if door == "ours" and keyed else ALWAYS, headers=headers)

    each()


def pictures_of(door: str, path: str, method: str) -> dict[str, str]:
    """The parts of a form that are pictures, each with whether it is one or a list."""
    content = DOCUMENTS[door]["paths"][path][method].get("requestBody", {}).get("content", {})
    parts = content.get("multipart/form-data", {}).get("schema", {}).get("properties", {})
    kinds = {name: each.get("items", each) for name, each in parts.items()}
    return {name: parts[name]["type"] for name, kind in kinds.items() if kind.get("format") == "binary"}


def takes_something(door: str, path: str, method: str) -> bool:
    """Whether there is anything about a request that can be wrong."""
    operation = DOCUMENTS[door]["paths"][path][method]
    return bool(operation.get("parameters") or "requestBody" in operation)


def known(path: str) -> dict[str, Any]:
    """The parameters of a path by names that are there."""
    return {name: value for name, value in KNOWN.items() if f"{{{name}}}" in path}


@pytest.mark.parametrize(("door", "path", "method"), OPERATIONS)
def test_every_answer_to_what_is_allowed_is_described(server: Server, door: str, path: str, method: str) -> None:
    fuzz(server, door, SCHEMAS[door][path][method.upper()].as_strategy())


@pytest.mark.parametrize(("door", "path", "method"), [row for row in OPERATIONS if takes_something(*row.values)])
def test_every_answer_to_what_is_not_allowed_is_described(server: Server, door: str, path: str, method: str) -> None:
    fuzz(server, door, SCHEMAS[door][path][method.upper()].as_strategy(GenerationMode.NEGATIVE))


@pytest.mark.parametrize(("door", "path", "method"), [row for row in OPERATIONS if known(row.values[1])])
def test_every_answer_about_what_is_there_is_described(server: Server, door: str, path: str, method: str) -> None:
    operation = SCHEMAS[door][path][method.upper()]
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    fuzz(server, door, st.one_of(*[operation.as_strategy(mode, path_parameters=known(path)) for mode in modes]))


@pytest.mark.parametrize(("door", "path", "method"), OPERATIONS)
def test_every_refusal_of_who_has_no_key_is_described(server: Server, door: str, path: str, method: str) -> None:
    fuzz(server, door, SCHEMAS[door][path][method.upper()].as_strategy(), keyed=False)


@pytest.mark.parametrize(("door", "path", "method"), [row for row in OPERATIONS if pictures_of(*row.values)])
def test_every_answer_to_a_portrait_is_described(
    server: Server, picture: bytes, door: str, path: str, method: str
) -> None:
    body = {name: [picture] if kind == "array" else picture for name, kind in pictures_of(door, path, method).items()}
    fixed = {"path_parameters": known(path), "body": body, "media_type": "multipart/form-data"}
    fuzz(server, door, SCHEMAS[door][path][method.upper()].as_strategy(**fixed))
