"""DeepFace's words in mien's terms, without any network."""

import math

import numpy as np
import pytest

from mien.compat import configure, deepface, operating_point
from mien.compat.deepface.describing import _widened
from mien.compat.deepface.looking import area_of
from mien.compat.deepface.metrics import check_metric, confidence_of, distance_of, distances_of, point_for_pairs
from mien.compat.deepface.naming import DETECTORS, MODELS, check_preparation, models_for
from mien.compat.settings import current
from mien.compat.warned import CompatWarning
from mien.errors import UsageError
from mien.geometry.align import ARCFACE, align_faces
from mien.types.faces import Face

METRICS = ("cosine", "euclidean", "euclidean_l2", "angular")


def test_distances_are_those_of_the_vectors():
    a, b = np.array([1.0, 0.0]), np.array([0.6, 0.8])
    assert distance_of(0.6, "cosine") == 0.4
    assert distance_of(0.6, "euclidean_l2") == pytest.approx(np.linalg.norm(a - b), abs=1e-6)
    assert distance_of(0.6, "euclidean") == distance_of(0.6, "euclidean_l2")
    assert distance_of(0.6, "angular") == pytest.approx(math.atan2(0.8, 0.6) / math.pi, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_rounding_above_1_is_no_distance_below_0(metric):
    assert distance_of(1.0000001, metric) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_all_metrics_decide_alike(metric):
    threshold = distance_of(0.4, metric)
    for cosine in (-0.9, 0.1, 0.39999, 0.4, 0.40001, 0.9):
        assert (distance_of(cosine, metric) <= threshold) == (cosine >= 0.4)


def test_a_function_measures_every_pair():
    probes, references = np.eye(2, 3, dtype=np.float32), np.eye(3, dtype=np.float32)
    found = distances_of(probes, references, probes @ references.T, lambda a, b: np.abs(a - b).sum())
    assert found.tolist() == [[0, 2, 2], [2, 0, 2]]


def test_no_faces_are_no_distances():
    none = np.empty((0, 3), np.float32)
    assert distances_of(none, np.eye(3, dtype=np.float32), np.empty((0, 3), np.float32), "cosine").shape == (0, 3)


def test_metrics_that_cannot_be_judged_are_refused():
    with pytest.raises(UsageError, match="no distance metric 'manhattan'"):
        check_metric("manhattan", None)
    with pytest.raises(UsageError, match="needs a threshold"):
        check_metric(math.dist, None)
    with pytest.raises(UsageError, match="not by a function"):
        check_metric(math.dist, 1.0, may_call=False)


@pytest.mark.parametrize("metric", METRICS)
def test_confidence_is_51_to_100_for_a_match_and_0_to_49_otherwise(metric):
    threshold = distance_of(0.4, metric)
    confidences = [confidence_of(distance_of(c, metric), threshold, metric) for c in (1, 0.7, 0.4, 0.39, 0.2, 0, -0.5)]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[0] == 100
    assert confidences[2] == 51
    assert 45 < confidences[3] <= 49
    assert confidences[5:] == [0, 0]


def test_confidence_of_a_threshold_out_of_range_stays_in_range():
    assert confidence_of(0.0, 0.0, "cosine") == 100
    assert confidence_of(1.5, 1.2, "cosine") == 0
    assert confidence_of(math.inf, 0.6, "cosine") == 0
    assert confidence_of(0.1, 0.2, math.dist) == 51


def test_more_pairs_need_a_smaller_distance():
    table = current().models.table()
    one, many = point_for_pairs(table, 1), point_for_pairs(table, 12)
    assert one.fmr <= 1e-4
    assert many.fmr <= 1e-4 / 12 * 1.001
    assert many.threshold > one.threshold


def test_the_threshold_follows_the_configured_rate():
    strict = operating_point().threshold
    configure(fmr=1e-2)
    assert operating_point().threshold < strict
    assert operating_point().fmr <= 1e-2


def test_a_rate_without_evidence_is_refused_and_nothing_changes():
    before = current()
    with pytest.raises(UsageError, match="beyond what"):
        configure(fmr=1e-9)
    assert current() is before


def test_eleven_models_and_twenty_detectors_are_known():
    assert len(MODELS) == 11
    assert len(DETECTORS) == len(set(DETECTORS)) == 20


def test_a_substitute_is_named_once():
    with pytest.warns(CompatWarning, match="'opencv' is answered by mien's 'yunet'; model 'VGG-Face' is") as said:
        models = models_for("VGG-Face", "opencv")
    assert len(said) == 1
    assert said[0].filename == __file__
    assert (models.detector, models.embedder) == ("yunet", "sface")
    models_for("VGG-Face", "opencv")  # another warning would be an error


def test_the_same_network_and_miens_own_names_need_no_warning():
    assert models_for("SFace", "yunet").embedder == "sface"
    models = models_for("mobileface", "centerface")
    assert (models.detector, models.embedder) == ("centerface", "mobileface")


@pytest.mark.parametrize(("model", "detector"), [("VGGFace3", "yunet"), ("SFace", "yunett"), ("yunet", "yunet")])
def test_an_unknown_name_is_refused(model, detector):
    with pytest.raises(UsageError):
        models_for(model, detector)


def test_a_spoof_check_is_refused_rather_than_left_out():
    with pytest.raises(deepface.UnimplementedError, match="presentation attacks"):
        check_preparation(anti_spoofing=True)


@pytest.mark.parametrize("asked", [{"align": False}, {"expand_percentage": 10}, {"normalization": "Facenet"}])
def test_other_preparation_is_refused_aloud(asked):
    with pytest.warns(CompatWarning, match="is not followed"):
        check_preparation(**asked)


def test_analyze_says_which_models_are_missing():
    with pytest.raises(deepface.UnimplementedError, match="no model for age, race"):
        deepface.analyze("a.jpg", actions=["age", "race"])
    with pytest.raises(UsageError, match="mood"):
        deepface.analyze("a.jpg", actions=["mood"])
    with pytest.raises(NotImplementedError):
        deepface.analyze("a.jpg")


def test_an_area_is_whole_pixels_within_the_picture_and_eyes_are_the_persons_own():
    face = Face((-3.4, 10.9, 60.2, 95.0), 0.9, ((20.7, 30.2), (45.1, 31.9), (33, 50), (22, 70), (44, 70)))
    area = area_of(face, (50, 200))
    assert area == {"x": 0, "y": 10, "w": 49, "h": 84, "left_eye": (45, 31), "right_eye": (20, 30)}
    assert area_of(face, (45, 200))["left_eye"] is None
    assert all(type(area[key]) is int for key in "xywh")


def test_a_wider_crop_shows_the_same_face_smaller():
    rng = np.random.default_rng(3)
    points = np.float32(ARCFACE[None] + rng.normal(0, 1, ARCFACE.shape) + 40)
    ramp = np.zeros((200, 200, 3), np.uint8)
    ramp[:, :, 0] = np.arange(200)
    plain, wide = (align_faces(ramp, np.float32(p))[0] for p in (points, _widened(points, 1.0)))
    assert np.abs(plain[56, 56].astype(int) - wide[56, 56]).max() <= 1  # the same middle
    # twice as much in the same width: a step of one pixel crosses twice as many of the picture
    step = [int(crop[56, 80, 0]) - int(crop[56, 56, 0]) for crop in (plain, wide)]
    assert step[1] == pytest.approx(2 * step[0], abs=2)


def test_a_missing_picture_and_a_wrong_type_have_deepfaces_errors():
    with pytest.raises(deepface.ImgNotFound, match=r"nowhere\.jpg"):
        deepface.represent("nowhere.jpg", model_name="SFace", detector_backend="yunet")
    with pytest.raises(deepface.DataTypeError):
        deepface.extract_faces(7, detector_backend="yunet")
    with pytest.raises(deepface.DataTypeError, match="URL"):
        deepface.extract_faces("https://host/a.jpg", detector_backend="yunet")


def test_find_needs_a_folder_with_pictures(tmp_path):
    with pytest.raises(deepface.PathNotFound):
        deepface.find("a.jpg", tmp_path / "none", model_name="SFace", detector_backend="yunet")
    with pytest.raises(deepface.UnimplementedError, match="no local folder"):
        deepface.find("a.jpg", "s3://bucket/people", model_name="SFace", detector_backend="yunet")


def test_people_are_kept_in_a_file_not_in_a_server(tmp_path):
    with pytest.raises(UsageError, match=r"connection_details='people\.mien'"):
        deepface.build_index("SFace", "yunet")
    with pytest.raises(UsageError, match="gallery file"):
        deepface.build_index("SFace", "yunet", connection_details="postgresql://user@host/db")
    with pytest.raises(UsageError, match="open gallery"):
        deepface.build_index("SFace", "yunet", connection=object())
    with pytest.raises(deepface.EmptyDatasource):
        deepface.search("a.jpg", "SFace", "yunet", connection_details=tmp_path / "people.mien")
