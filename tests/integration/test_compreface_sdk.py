"""compreface-sdk 0.6.0, unchanged, against a real server with the real models and photographs."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest

from http_server import MIEN

urllib3 = pytest.importorskip("urllib3.contrib", reason="needs compreface-sdk")
# requests-toolbelt 0.9.1, to which the SDK is pinned, wants Google App Engine's part of urllib3 1 to be there
urllib3.appengine = getattr(urllib3, "appengine", ModuleType("appengine"))
pytest.importorskip("compreface", reason="needs compreface-sdk")
from compreface import CompreFace  # noqa: E402
from compreface.collections import FaceCollection, Subjects  # noqa: E402
from compreface.service import DetectionService, RecognitionService, VerificationService  # noqa: E402

pytestmark = [
    pytest.mark.weights,
    # the SDK leaves the pictures that it sends open
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning"),
]


@dataclass
class Server:
    process: subprocess.Popen[str]
    port: str
    state: Path
    options: tuple[str, ...] = ()

    def key(self, *options: str) -> str:
        """A UUID that opens the gallery."""
        command = ["keys", "create", "--compreface", "--role", "operator", "--gallery", "family", "--json", *options]
        done = subprocess.run(
            [sys.executable, "-m", "mien", *command, "--state", str(self.state)],
            capture_output=True,
            text=True,
            check=True,
        )
        return json.loads(done.stdout)["token"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, weights: None) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("compreface")
    state = folder / "state.sqlite"
    command = [
        "serve",
        "-g",
        str(folder / "family.mien"),
        "--port",
        "0",
        "--per-minute",
        "100000",
        "--state",
        str(state),
    ]
    process = subprocess.Popen([*MIEN, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    with process:
        for line in process.stderr:
            if found := re.search(r"serving .* at http://127\.0\.0\.1:(\d+)", line):
                break
        else:
            raise AssertionError(f"the server ended with {process.wait()}")
        threading.Thread(target=process.stderr.read, daemon=True).start()
        yield Server(process, found[1], state)
        process.terminate()


@pytest.fixture(scope="module")
def sdk(server: Server) -> CompreFace:
    return CompreFace("http://127.0.0.1", server.port, {"limit": 0, "det_prob_threshold": 0.8, "status": True})


@pytest.fixture(scope="module")
def key(server: Server) -> str:
    return server.key()


@pytest.fixture(scope="module")
def recognition(sdk: CompreFace, key: str) -> RecognitionService:
    return sdk.init_face_recognition(key)


@pytest.fixture
def subjects(recognition: RecognitionService) -> Subjects:
    found = recognition.get_subjects()
    found.delete_all()
    return found


@pytest.fixture
def faces(recognition: RecognitionService, subjects: Subjects) -> FaceCollection:
    return recognition.get_face_collection()


@pytest.fixture(scope="module")
def verification(sdk: CompreFace, key: str) -> VerificationService:
    return sdk.init_face_verification(key)


@pytest.fixture(scope="module")
def detection(sdk: CompreFace, key: str) -> DetectionService:
    return sdk.init_face_detection(key)


@pytest.fixture(scope="module")
def crowd(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people in one picture."""
    from PIL import Image

    pair = [Image.open(portraits / name).convert("RGB").resize((600, 800)) for name in ("obama.jpg", "biden.jpg")]
    whole = Image.new("RGB", (1200, 800))
    for place, one in enumerate(pair):
        whole.paste(one, (600 * place, 0))
    path = tmp_path_factory.mktemp("crowd") / "two.png"
    whole.save(path)
    return path


@pytest.fixture(scope="module")
def nobody(tmp_path_factory: pytest.TempPathFactory) -> str:
    from PIL import Image

    path = tmp_path_factory.mktemp("nobody") / "grey.png"
    Image.new("RGB", (320, 240), (120, 130, 140)).save(path)
    return str(path)


def test_subjects_add_list_update_delete_delete_all(subjects: Subjects) -> None:
    assert subjects.add("Barack Obama") == {"subject": "Barack Obama"}
    assert subjects.add("Joe") == {"subject": "Joe"}
    assert subjects.list() == {"subjects": ["Barack Obama", "Joe"]}
    assert subjects.update("Joe", "Joe Biden") == {"updated": True}
    assert subjects.update("Joe Biden", "Joe Biden") == {"updated": False}
    assert subjects.update("Joe Biden", "Barack Obama") == {"updated": True}
    assert subjects.delete("Barack Obama") == {"subject": "Barack Obama"}
    subjects.add("Somebody")
    assert subjects.delete_all() == {"deleted": 1}
    assert subjects.list() == {"subjects": []}


def test_faces_add_list_verify_delete_delete_all(faces: FaceCollection, subjects: Subjects, portraits: Path) -> None:
    first = faces.add(str(portraits / "obama.jpg"), "Barack Obama", {"det_prob_threshold": 0.8})
    assert set(first) == {"image_id", "subject"}
    second = faces.add((portraits / "obama2.jpg").read_bytes(), "Barack Obama")
    listed = faces.list()
    assert [face["image_id"] for face in listed.pop("faces")] == [first["image_id"], second["image_id"]]
    assert listed == {"page_number": 0, "page_size": 20, "total_pages": 1, "total_elements": 2}
    same = faces.verify(str(portraits / "obama3.jpg"), first["image_id"], {"limit": 1, "status": True})
    assert same["result"][0]["subject"] == "Barack Obama"
    assert same["result"][0]["similarity"] > 0.5
    assert set(same["plugins_versions"]) == {"detector", "calculator"}
    other = faces.verify(str(portraits / "biden.jpg"), first["image_id"])
    assert other["result"][0]["similarity"] < 0.5
    assert faces.delete(first["image_id"]) == first
    assert faces.delete_all("Barack Obama") == {"deleted": 1}
    assert subjects.list() == {"subjects": ["Barack Obama"]}


def test_recognize_names_who_is_enrolled_and_nobody_else_above_one_half(
    recognition: RecognitionService, faces: FaceCollection, portraits: Path
) -> None:
    for name, subject in (("obama.jpg", "Obama"), ("astronaut.png", "Eileen Collins")):
        assert faces.add(str(portraits / name), subject)["subject"] == subject
    options = {
        "limit": 0,
        "det_prob_threshold": 0.8,
        "prediction_count": 2,
        "face_plugins": "calculator,age,gender,landmarks,mask",
        "status": True,
    }
    known = recognition.recognize(str(portraits / "obama2.jpg"), options)
    (face,) = known["result"]
    assert set(face) == {"box", "landmarks", "embedding", "execution_time", "subjects"}
    assert face["subjects"][0]["subject"] == "Obama"
    assert face["subjects"][0]["similarity"] >= 0.5 > face["subjects"][1]["similarity"]
    stranger = recognition.recognize(str(portraits / "biden.jpg"))
    assert [face["subjects"][0]["similarity"] < 0.5 for face in stranger["result"]] == [True]


def test_detect_tells_boxes_and_landmarks_within_the_picture(detection: DetectionService, crowd: Path) -> None:
    width, height = 1200, 800
    found = detection.detect(str(crowd), {"face_plugins": "landmarks"})["result"]
    assert len(found) == 2
    for face in found:
        box = face["box"]
        assert 0 <= box["x_min"] < box["x_max"] <= width
        assert 0 <= box["y_min"] < box["y_max"] <= height
        assert all(box["x_min"] < x < box["x_max"] and box["y_min"] < y < box["y_max"] for x, y in face["landmarks"])


def test_verify_compares_one_face_with_each_of_the_target(
    verification: VerificationService, portraits: Path, crowd: Path
) -> None:
    answer = verification.verify(str(portraits / "obama2.jpg"), str(crowd))
    (only,) = answer["result"]
    assert set(only) == {"source_image_face", "face_matches", "plugins_versions"}
    similar = [match["similarity"] for match in only["face_matches"]]
    assert len(similar) == 2
    assert similar[0] >= 0.5 > similar[1]
    pair = verification.verify(
        str(portraits / "obama.jpg"), (portraits / "obama3.jpg").read_bytes(), {"limit": 1, "status": False}
    )
    assert pair["result"][0]["face_matches"][0]["similarity"] > 0.5
    assert "plugins_versions" not in pair["result"][0]


def test_errors_are_json_with_numbers(
    recognition: RecognitionService,
    verification: VerificationService,
    detection: DetectionService,
    faces: FaceCollection,
    subjects: Subjects,
    crowd: Path,
    nobody: str,
) -> None:
    subjects.add("Known")
    crowd = str(crowd)
    told = {
        "no face to recognize": recognition.recognize(nobody),
        "no face to detect": detection.detect(nobody),
        "no face to verify": verification.verify(nobody, crowd),
        "two faces in the source": verification.verify(crowd, crowd, {"limit": 0}),
        "two faces to add": faces.add(crowd, "Somebody"),
        "no face is sure enough": detection.detect(crowd, {"det_prob_threshold": 1.0}),
        "no prediction": recognition.recognize(crowd, {"prediction_count": 0}),
        "subject exists": subjects.add("Known"),
        "blank subject": subjects.add(" "),
        "unknown subject": subjects.delete("Nobody"),
        "unknown image": faces.delete("00000000-0000-4000-8000-000000000000"),
        "no UUID": faces.delete("7"),
    }
    assert all(set(error) == {"message", "code"} for error in told.values())
    assert {name: error["code"] for name, error in told.items()} == {
        "no face to recognize": 28,
        "no face to detect": 28,
        "no face to verify": 28,
        "two faces in the source": 31,
        "two faces to add": 31,
        "no face is sure enough": 28,
        "no prediction": 12,
        "subject exists": 43,
        "blank subject": 26,
        "unknown subject": 42,
        "unknown image": 44,
        "no UUID": 36,
    }


def test_an_unknown_key_is_told_by_number(sdk: CompreFace, portraits: Path) -> None:
    service = sdk.init_face_recognition("11111111-2222-4333-8444-555555555555")
    assert service.recognize(str(portraits / "obama.jpg"))["code"] == 10
    assert service.get_subjects().list()["code"] == 10
    assert sdk.init_face_detection("no uuid").detect(str(portraits / "obama.jpg"))["code"] == 26


def test_a_compreface_is_taken_over_with_its_pictures(
    server: Server, key: str, faces: FaceCollection, subjects: Subjects, portraits: Path, tmp_path: Path
) -> None:
    """Our own server keeps no pictures: all that comes over are names."""
    faces.add(str(portraits / "obama.jpg"), "Obama")
    subjects.add("Ada")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mien", "gallery", "import-compreface", f"http://127.0.0.1:{server.port}"),
            *("-g", str(tmp_path / "new.mien"), "--json"),
        ],
        env={**os.environ, "COMPREFACE_KEY": key},
        capture_output=True,
        text=True,
        check=False,
    )
    document = json.loads(done.stdout)
    assert (document["subjects"], document["faces"], document["added"]) == (2, 1, 0)
    assert [failure["reason"] for failure in document["failures"]] == ["picture-not-kept"]
