"""Programs written for other libraries run on mien: the usual first snippets of each, on the sample portraits."""

import base64
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mien
from mien.compat import configure, operating_point, settings
from mien.compat import deepface as DeepFace  # noqa: N812 - as programs for DeepFace do
from mien.compat.warned import CompatWarning, forget_warnings

pytestmark = [
    pytest.mark.weights,
    pytest.mark.filterwarnings("ignore::mien.compat.warned.CompatWarning"),
]

AREA = {"x", "y", "w", "h", "left_eye", "right_eye"}
VERIFY = {
    "verified",
    "distance",
    "threshold",
    "confidence",
    "model",
    "detector_backend",
    "similarity_metric",
    "facial_areas",
    "time",
}
FIND = [
    "identity",
    "hash",
    *(f"{side}_{key}" for side in ("target", "source") for key in "xywh"),
    "threshold",
    "distance",
    "confidence",
]
SEARCH = {
    "id",
    "img_name",
    "model_name",
    "aligned",
    "l2_normalized",
    "search_method",
    "confidence",
    *(f"target_{key}" for key in "xywh"),
    "threshold",
    "distance_metric",
    "distance",
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    before = settings.current()
    forget_warnings()
    yield
    settings._settings[0] = before


@pytest.fixture
def photo(portraits: Path) -> Callable[[str], str]:
    return lambda name: str(portraits / name)


@pytest.fixture
def nobody(tmp_path: Path) -> str:
    """A picture without a face."""
    path = tmp_path / "nobody.png"
    ramp = np.tile(np.linspace(0, 255, 320).astype(np.uint8), (240, 1))
    Image.fromarray(ramp).convert("RGB").save(path)
    return str(path)


@pytest.fixture
def people(portraits: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "people"
    folder.mkdir()
    for name in ("obama2.jpg", "obama3.jpg", "biden.jpg"):
        shutil.copy(portraits / name, folder / name)
    return folder


def bgr(path: str) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))[:, :, ::-1]


class TestDeepFace:
    def test_verify_tells_the_same_man_from_another(self, photo):
        result = DeepFace.verify(img1_path=photo("obama.jpg"), img2_path=photo("obama2.jpg"))
        assert set(result) == VERIFY | {"mien"}
        assert result["verified"] is True
        assert type(result["distance"]) is type(result["threshold"]) is type(result["time"]) is float
        assert 51 <= result["confidence"] <= 100
        assert result["distance"] <= result["threshold"]
        assert set(result["facial_areas"]["img1"]) == AREA
        assert DeepFace.verify(photo("obama.jpg"), photo("biden.jpg"))["verified"] is False
        json.dumps(result)

    def test_verify_says_who_decided_at_which_measured_rate(self, photo):
        result = DeepFace.verify(photo("obama.jpg"), photo("obama2.jpg"))
        assert (result["model"], result["detector_backend"]) == ("sface", "yunet")
        assert result["mien"]["fmr"] == 1e-4
        assert result["mien"]["operating_point"]["measured_fmr"] <= 1e-4
        assert result["threshold"] == pytest.approx(1 - operating_point().threshold, abs=1e-6)

    def test_verify_agrees_with_mien(self, photo):
        for other in ("obama2.jpg", "obama_partial_face.jpg", "biden.jpg", "astronaut.png"):
            theirs, ours = (
                DeepFace.verify(photo("obama.jpg"), photo(other)),
                mien.verify(photo("obama.jpg"), photo(other)),
            )
            assert theirs["verified"] == ours.decision
            assert 1 - theirs["distance"] == pytest.approx(ours.score, abs=1e-5)

    @pytest.mark.parametrize("metric", ["cosine", "euclidean", "euclidean_l2", "angular"])
    def test_every_metric_decides_alike(self, photo, metric):
        assert DeepFace.verify(photo("obama.jpg"), photo("obama2.jpg"), distance_metric=metric)["verified"]
        assert not DeepFace.verify(photo("obama.jpg"), photo("biden.jpg"), distance_metric=metric)["verified"]

    def test_a_threshold_and_a_metric_of_ones_own(self, photo):
        pair = photo("obama.jpg"), photo("obama2.jpg")
        assert not DeepFace.verify(*pair, threshold=0.01)["verified"]
        own = DeepFace.verify(*pair, distance_metric=lambda a, b: 1 - float(a @ b), threshold=0.5)
        assert own["verified"]
        assert own["distance"] == pytest.approx(DeepFace.verify(*pair)["distance"], abs=1e-5)

    def test_all_forms_of_a_picture_are_one(self, photo):
        path = photo("obama.jpg")
        data = Path(path).read_bytes()
        uri = "data:image/jpeg;base64," + base64.b64encode(data).decode()
        with open(path, "rb") as file:
            forms = [path, Path(path), file, uri, bgr(path)]
            distances = [DeepFace.verify(form, photo("obama2.jpg"))["distance"] for form in forms]
        assert distances == pytest.approx([distances[0]] * len(forms), abs=0.01)

    def test_an_embedding_stands_for_its_picture(self, photo):
        embedding = DeepFace.represent(photo("obama.jpg"))[0]["embedding"]
        given = DeepFace.verify(embedding, photo("obama2.jpg"))
        assert given["distance"] == pytest.approx(DeepFace.verify(photo("obama.jpg"), photo("obama2.jpg"))["distance"])
        assert given["facial_areas"]["img1"] == dict.fromkeys(AREA)
        with pytest.raises(DeepFace.DimensionMismatchError):
            DeepFace.verify([0.1] * 3, photo("obama2.jpg"))

    def test_a_picture_without_a_face_never_matches(self, photo, nobody):
        with pytest.raises(DeepFace.FaceNotDetected):
            DeepFace.verify(photo("obama.jpg"), nobody)
        with pytest.raises(ValueError, match="no face"):
            DeepFace.represent(nobody)
        assert DeepFace.represent(nobody, enforce_detection=False) == []
        assert DeepFace.extract_faces(nobody, enforce_detection=False) == []
        result = DeepFace.verify(nobody, nobody, enforce_detection=False)
        assert result["verified"] is False
        assert result["confidence"] == 0

    def test_represent_gives_embeddings_and_areas(self, photo):
        (row,) = DeepFace.represent(photo("obama.jpg"), return_face=True)
        assert set(row) == {"embedding", "facial_area", "face_confidence", "face"}
        assert type(row["embedding"]) is list
        assert len(row["embedding"]) == 128
        assert row["facial_area"]["left_eye"][0] > row["facial_area"]["right_eye"][0]  # the person's own
        assert row["face"].shape == (112, 112, 3)
        (scaled,) = DeepFace.represent(photo("obama.jpg"), minmax_normalize=True)
        assert 0 <= min(scaled["embedding"]) <= max(scaled["embedding"]) <= 1

    def test_several_pictures_give_several_lists(self, photo):
        pair = [photo("obama.jpg"), photo("biden.jpg")]
        assert [len(rows) for rows in DeepFace.represent(pair)] == [1, 1]
        assert [len(rows) for rows in DeepFace.extract_faces(pair)] == [1, 1]

    def test_max_faces_keeps_the_largest(self, portraits, tmp_path):
        wide = np.zeros((400, 700, 3), np.uint8)
        for left, side, name in ((0, 400, "obama2.jpg"), (450, 200, "biden.jpg")):
            wide[:side, left : left + side] = np.asarray(
                Image.open(portraits / name).convert("RGB").resize((side, side))
            )
        both = DeepFace.represent(wide[:, :, ::-1])
        assert len(both) == 2
        (one,) = DeepFace.represent(wide[:, :, ::-1], max_faces=1)
        assert one["facial_area"]["x"] < 400

    def test_extracted_faces_are_what_skip_takes(self, photo):
        (one,), (two,) = (DeepFace.extract_faces(photo(name)) for name in ("obama.jpg", "obama2.jpg"))
        assert set(one) == {"face", "facial_area", "confidence"}
        assert one["face"].dtype == np.float64
        assert 0 <= one["face"].min() <= one["face"].max() <= 1
        crops = [row["face"][:, :, ::-1] for row in (one, two)]
        skipped = DeepFace.verify(*crops, detector_backend="skip")
        assert skipped["verified"]
        whole = DeepFace.verify(photo("obama.jpg"), photo("obama2.jpg"))
        assert skipped["distance"] == pytest.approx(whole["distance"], abs=0.05)

    @pytest.mark.parametrize(("colour", "shape"), [("rgb", 3), ("bgr", 3), ("gray", 2)])
    def test_extracted_faces_come_in_three_colours(self, photo, colour, shape):
        (row,) = DeepFace.extract_faces(photo("obama.jpg"), color_face=colour, normalize_face=False, align=False)
        assert row["face"].ndim == shape
        assert row["face"].dtype == np.uint8
        assert abs(row["face"].shape[0] - row["facial_area"]["h"]) <= 2
        assert abs(row["face"].shape[1] - row["facial_area"]["w"]) <= 2

    def test_find_lists_the_pictures_of_the_same_man_nearest_first(self, photo, people):
        (rows,) = DeepFace.find(img_path=photo("obama.jpg"), db_path=str(people), return_type="dict")
        assert [Path(row["identity"]).name for row in rows] == ["obama3.jpg", "obama2.jpg"]
        assert list(rows[0]) == FIND
        assert rows[0]["distance"] <= rows[1]["distance"] <= rows[1]["threshold"]
        (everybody,) = DeepFace.find(photo("obama.jpg"), people, similarity_search=True, return_type="dict")
        assert [Path(row["identity"]).name for row in everybody][2:] == ["biden.jpg"]
        (first,) = DeepFace.find(photo("obama.jpg"), people, k=1, return_type="dict")
        assert first == rows[:1]

    def test_find_follows_the_folder(self, photo, people):
        def names() -> set[str]:
            (rows,) = DeepFace.find(photo("obama.jpg"), people, return_type="dict", silent=True)
            return {Path(row["identity"]).name for row in rows}

        assert names() == {"obama2.jpg", "obama3.jpg"}
        (people / "obama2.jpg").rename(people / "renamed.jpg")
        assert names() == {"renamed.jpg", "obama3.jpg"}
        shutil.copy(people / "biden.jpg", people / "obama3.jpg")
        assert names() == {"renamed.jpg"}
        (people / "renamed.jpg").unlink()
        assert names() == set()

    def test_find_without_refresh_searches_what_was_stored(self, photo, people, nobody):
        with pytest.raises(DeepFace.EmptyDatasource):
            DeepFace.find(photo("obama.jpg"), people, refresh_database=False)
        DeepFace.find(photo("obama.jpg"), people)
        (people / "obama2.jpg").unlink()
        (rows,) = DeepFace.find(photo("obama.jpg"), people, refresh_database=False, return_type="dict")
        assert len(rows) == 2
        assert DeepFace.find(nobody, people, enforce_detection=False, return_type="dict") == []

    def test_find_gives_frames_where_pandas_is(self, photo, people):
        if importlib.util.find_spec("pandas") is None:
            with pytest.raises(ValueError, match="pip install pandas"):
                DeepFace.find(photo("obama.jpg"), people, return_type="pandas")
            return
        (frame,) = DeepFace.find(photo("obama.jpg"), people)
        assert list(frame.columns) == FIND
        assert len(frame) == 2
        (empty,) = DeepFace.find(photo("astronaut.png"), people)
        assert list(empty.columns) == FIND

    def test_people_are_registered_searched_and_identified(self, photo, tmp_path):
        gallery = str(tmp_path / "people.mien")
        assert DeepFace.register(photo("obama2.jpg"), img_name="obama", connection_details=gallery) == {"inserted": 1}
        assert DeepFace.register([photo("biden.jpg")], connection_details=gallery) == {"inserted": 1}
        assert DeepFace.register(photo("obama2.jpg"), connection_details=gallery) == {"inserted": 0}
        DeepFace.build_index(connection_details=gallery)
        ((row,),) = DeepFace.search(photo("obama.jpg"), connection_details=gallery, return_type="dict")
        assert set(row) == SEARCH | {"detector_backend"}
        assert row["img_name"] == "obama"
        result = DeepFace.identify(photo("obama3.jpg"), row["id"], connection_details=gallery)
        assert set(result) == VERIFY | {"mien", "id", "img_name"}
        assert result["verified"]
        assert result["facial_areas"]["img2"] is None
        assert not DeepFace.identify(photo("biden.jpg"), row["id"], connection_details=gallery)["verified"]
        with pytest.raises(ValueError, match="no stored face 99"):
            DeepFace.identify(photo("biden.jpg"), 99, connection_details=gallery)

    def test_an_open_gallery_serves_and_stays_open(self, photo, tmp_path):
        with mien.open(tmp_path / "people.mien") as gallery:
            gallery.enrol("obama", photo("obama2.jpg"))
            ((row,),) = DeepFace.search(photo("obama.jpg"), connection=gallery, return_type="dict")
            assert row["distance"] < row["threshold"]
            assert gallery.store.info()["subjects"] == 1

    def test_build_model_gives_the_networks(self, photo):
        model = DeepFace.build_model("SFace")
        (row,) = DeepFace.represent(photo("obama.jpg"), "SFace", detector_backend="yunet", return_face=True)
        assert model.output_shape == len(row["embedding"])
        assert np.dot(model.forward(row["face"]), row["embedding"]) == pytest.approx(1, abs=1e-3)
        (area,) = DeepFace.build_model("yunet", task="face_detector").detect_faces(bgr(photo("obama.jpg")))
        assert abs(area.x - row["facial_area"]["x"]) <= 3
        with pytest.raises(DeepFace.UnimplementedError):
            DeepFace.build_model("Age", task="facial_attribute")


class TestFaceRecognition:
    def test_known_people_are_recognised(self, photo):
        from mien.compat import face_recognition

        known = [
            face_recognition.face_encodings(face_recognition.load_image_file(photo(name)))[0]
            for name in ("obama.jpg", "biden.jpg")
        ]
        unknown = face_recognition.face_encodings(face_recognition.load_image_file(photo("obama2.jpg")))[0]
        assert face_recognition.compare_faces(known, unknown) == [True, False]
        distances = face_recognition.face_distance(known, unknown)
        assert int(np.argmin(distances)) == 0
        assert unknown.shape == (128,)
        assert unknown.dtype == np.float64
        stranger = face_recognition.face_encodings(face_recognition.load_image_file(photo("astronaut.png")))[0]
        assert not any(face_recognition.compare_faces(known, stranger))

    def test_faces_are_cut_out_by_their_boxes(self, photo):
        from mien.compat import face_recognition

        image = face_recognition.load_image_file(photo("obama.jpg"))
        ((top, right, bottom, left),) = face_recognition.face_locations(image)
        assert 0 <= top < bottom <= image.shape[0]
        assert 0 <= left < right <= image.shape[1]
        crop = image[top:bottom, left:right]
        assert len(face_recognition.face_encodings(crop)) == 1
        assert face_recognition.batch_face_locations([image, image]) == [[(top, right, bottom, left)]] * 2
        (given,) = face_recognition.face_encodings(image, [(top, right, bottom, left)])
        assert np.array_equal(given, face_recognition.face_encodings(image)[0])

    def test_landmarks_are_the_five_points_there_are(self, photo):
        from mien.compat import face_recognition

        image = face_recognition.load_image_file(photo("obama.jpg"))
        (small,) = face_recognition.face_landmarks(image, model="small")
        assert set(small) == {"nose_tip", "left_eye", "right_eye"}
        assert small["left_eye"][0][0] < small["nose_tip"][0][0] < small["right_eye"][0][0]
        with pytest.warns(CompatWarning, match="not the 68 points"):
            (large,) = face_recognition.face_landmarks(image)
        assert set(large) == {*small, "mouth_corners"}

    def test_more_upsampling_finds_smaller_faces(self, portraits):
        from mien.compat import face_recognition

        crowd = np.full((3200, 3200, 3), 127, np.uint8)
        face = np.asarray(Image.open(portraits / "obama.jpg").convert("RGB").resize((80, 100)))
        crowd[800:900, 800:880] = face
        found = [len(face_recognition.face_locations(crowd, times)) for times in (1, 3)]
        assert found == [0, 1]

    def test_the_commands_print_a_line_a_face(self, portraits, people, nobody):
        def call(*arguments: object) -> list[str]:
            command = [sys.executable, "-m", "mien.compat.face_recognition", *map(str, arguments)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return done.stdout.splitlines()

        (people / "obama3.jpg").unlink()
        unknown = portraits / "obama.jpg"
        assert call(people, unknown) == [f"{unknown},obama2"]
        (line,) = call(people, unknown, "--show-distance", "true")
        assert 0 < float(line.rsplit(",", 1)[1]) <= 0.6
        assert call(people, unknown, "--tolerance", "0.1") == [f"{unknown},unknown_person"]
        assert call(people, nobody) == [f"{nobody},no_persons_found"]
        (line,) = call(unknown)
        assert len(line.removeprefix(f"{unknown},").split(",")) == 4


class TestInsightFace:
    def test_an_app_finds_and_describes_faces(self, photo):
        from mien.compat.insightface.app import FaceAnalysis

        app = FaceAnalysis(name="buffalo_l", providers=["CPUExecutionProvider"])
        app.prepare(ctx_id=0, det_size=(640, 640))
        image = bgr(photo("obama.jpg"))
        (face,) = app.get(image)
        assert face.bbox.dtype == face.kps.dtype == np.float32
        assert face.bbox.shape == (4,)
        assert face.kps.shape == (5, 2)
        assert face["det_score"] == face.det_score
        assert face.age is None
        drawn = app.draw_on(image, [face])
        assert drawn.shape == image.shape
        assert not np.array_equal(drawn, image)

    def test_embeddings_match_at_the_operating_point(self, photo):
        from mien.compat.insightface.app import FaceAnalysis

        app = FaceAnalysis("sface")
        app.prepare()
        one, two, other = (app.get(bgr(photo(n)))[0].normed_embedding for n in ("obama.jpg", "obama2.jpg", "biden.jpg"))
        assert one @ two >= operating_point().threshold > one @ other

    def test_a_picture_without_a_face_is_an_empty_list(self, nobody):
        from mien.compat.insightface.app import FaceAnalysis

        assert FaceAnalysis("sface").get(bgr(nobody)) == []

    def test_detection_alone_makes_no_embeddings(self, photo):
        from mien.compat.insightface.app import FaceAnalysis

        (face,) = FaceAnalysis("sface", allowed_modules=["detection"]).get(bgr(photo("obama.jpg")))
        assert face.embedding is None

    def test_a_higher_det_thresh_keeps_only_surer_faces(self, photo):
        from mien.compat.insightface.app import FaceAnalysis

        app = FaceAnalysis("sface", allowed_modules=["detection"])
        app.prepare(det_thresh=0.99)
        assert app.get(bgr(photo("obama.jpg"))) == []

    def test_single_models_serve_too(self, photo):
        import mien.compat.insightface as insightface

        image = bgr(photo("obama.jpg"))
        detector = insightface.model_zoo.get_model("yunet")
        detector.prepare(ctx_id=-1, input_size=(640, 640))
        boxes, points = detector.detect(image, max_num=1)
        assert (boxes.shape, points.shape) == ((1, 5), (1, 5, 2))
        recogniser = insightface.model_zoo.get_model("sface")
        face = insightface.app.Face(bbox=boxes[0, :4], kps=points[0])
        vector = recogniser.get(image, face)
        (whole,) = insightface.app.FaceAnalysis("sface").get(image)
        assert recogniser.compute_sim(vector, whole.embedding) == pytest.approx(1, abs=1e-2)
        aligned = DeepFace.represent(photo("obama.jpg"), return_face=True)[0]["face"]
        (features,) = recogniser.get_feat([np.uint8(np.rint(aligned * 255))])
        assert recogniser.compute_sim(features, vector) == pytest.approx(1, abs=1e-2)


def test_another_rate_moves_every_threshold(photo, people):
    def thresholds() -> tuple[Any, ...]:
        from mien.compat import face_recognition

        ((row, *_),) = DeepFace.find(photo("obama.jpg"), people, return_type="dict")
        encoding = face_recognition.face_encodings(photo("obama.jpg"))[0]
        verified = DeepFace.verify(photo("obama.jpg"), photo("obama2.jpg"))
        return verified["threshold"], row["threshold"], 1 / np.linalg.norm(encoding)

    strict = thresholds()
    configure(fmr=1e-2, fpir=0.05)
    assert all(loose > tight for loose, tight in zip(thresholds(), strict, strict=True))
