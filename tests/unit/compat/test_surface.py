"""What the three packages offer, and what importing them costs."""

import importlib
import inspect
import subprocess
import sys

import pytest

from mien.compat import deepface
from mien.errors import MienError

# Of the released originals: deepface 0.0.103, face_recognition 1.3.0.
SIGNATURES = {
    "deepface": {
        "verify": "img1_path img2_path model_name='VGG-Face' detector_backend='opencv' distance_metric='cosine' "
        "enforce_detection=True align=True expand_percentage=0 normalization='base' silent=False threshold=None "
        "anti_spoofing=False",
        "find": "img_path db_path model_name='VGG-Face' distance_metric='cosine' enforce_detection=True "
        "detector_backend='opencv' align=True similarity_search=False k=None expand_percentage=0 threshold=None "
        "normalization='base' silent=False refresh_database=True anti_spoofing=False datastore_format='npz' "
        "return_type=None",
        "represent": "img_path model_name='VGG-Face' enforce_detection=True detector_backend='opencv' align=True "
        "expand_percentage=0 normalization='base' anti_spoofing=False max_faces=None l2_normalize=False "
        "minmax_normalize=False return_face=False",
        "analyze": "img_path actions=('emotion', 'age', 'gender', 'race') enforce_detection=True "
        "detector_backend='opencv' align=True expand_percentage=0 silent=False anti_spoofing=False",
        "extract_faces": "img_path detector_backend='opencv' enforce_detection=True align=True expand_percentage=0 "
        "grayscale=False color_face='rgb' normalize_face=True anti_spoofing=False",
        "register": "img img_name=None model_name='VGG-Face' detector_backend='opencv' enforce_detection=True "
        "align=True l2_normalize=False expand_percentage=0 normalization='base' anti_spoofing=False "
        "database_type='postgres' "
        "connection_details=None connection=None",
        "search": "img model_name='VGG-Face' detector_backend='opencv' distance_metric='cosine' enforce_detection=True "
        "align=True l2_normalize=False expand_percentage=0 normalization='base' anti_spoofing=False "
        "similarity_search=False k=None database_type='postgres' connection_details=None connection=None "
        "search_method='exact' return_type=None",
        "identify": "img identity_id model_name='VGG-Face' detector_backend='opencv' distance_metric='cosine' "
        "enforce_detection=True align=True l2_normalize=False expand_percentage=0 normalization='base' "
        "anti_spoofing=False database_type='postgres' connection_details=None connection=None",
        "build_index": "model_name='VGG-Face' detector_backend='opencv' align=True l2_normalize=False "
        "database_type='postgres' connection=None connection_details=None max_neighbors_per_node=32",
        "build_model": "model_name task='facial_recognition'",
    },
    "face_recognition": {
        "load_image_file": "file mode='RGB'",
        "face_locations": "img number_of_times_to_upsample=1 model='hog'",
        "batch_face_locations": "images number_of_times_to_upsample=1 batch_size=128",
        "face_landmarks": "face_image face_locations=None model='large'",
        "face_encodings": "face_image known_face_locations=None num_jitters=1 model='small'",
        "face_distance": "face_encodings face_to_compare",
        "compare_faces": "known_face_encodings face_encoding_to_check tolerance=0.6",
    },
}
ERRORS = [name for name in deepface.__all__ if name[0].isupper()]


def test_importing_them_loads_nothing_heavy():
    code = (
        "import sys\nfrom mien.compat import deepface, face_recognition, insightface\n"
        "heavy = ('numpy', 'cv2', 'onnx', 'onnxruntime', 'openvino', 'PIL', 'apsw')\n"
        "print(' '.join(m for m in heavy if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("package", ["mien.compat", *(f"mien.compat.{name}" for name in (*SIGNATURES, "insightface"))])
def test_every_public_name_is_there_and_sorted(package):
    module = importlib.import_module(package)
    assert sorted(module.__all__) == list(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None


@pytest.mark.parametrize(
    ("package", "name", "expected"),
    [(package, name, text) for package, calls in SIGNATURES.items() for name, text in calls.items()],
)
def test_a_call_takes_the_arguments_of_the_original_in_their_order(package, name, expected):
    call = getattr(importlib.import_module(f"mien.compat.{package}"), name)
    parameters = inspect.signature(call).parameters.values()
    written = [p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters]
    assert " ".join(written) == expected


@pytest.mark.parametrize("name", ERRORS)
def test_deepfaces_errors_are_value_errors_and_miens(name):
    error = getattr(deepface, name)("what, where")
    assert isinstance(error, ValueError)
    assert isinstance(error, MienError)
    assert error.code
    assert str(error) == "what, where"


def test_deepfaces_ten_errors_have_their_names():
    assert len(ERRORS) == 10


def test_what_is_left_out_says_why():
    with pytest.raises(AttributeError, match="has no attribute 'stream': it shows a camera"):
        _ = deepface.stream
    with pytest.raises(AttributeError, match=r"has no attribute 'nothing'$"):
        _ = deepface.nothing
