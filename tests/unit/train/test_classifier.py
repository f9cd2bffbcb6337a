"""Class centres in shards of two processes do what one process does, and cost what the model of scale says."""

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import UsageError  # noqa: E402
from mien.train.classifier import Classifier, ShardedClassifier, sampled, shard  # noqa: E402
from mien.train.distributed import World  # noqa: E402
from mien.train.losses import make_loss  # noqa: E402
from mien.train.scale import Setup, cost  # noqa: E402

SIZE = 2
WORKER = Path(__file__).with_name("sharded_worker.py")
_spec = importlib.util.spec_from_file_location("sharded_worker", WORKER)
worker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(worker)


@pytest.fixture(scope="module")
def processes(tmp_path_factory):
    """What each of two processes found."""
    folder = tmp_path_factory.mktemp("meet")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = [
        subprocess.Popen([sys.executable, WORKER, folder, str(rank), str(SIZE)], env=environment)
        for rank in range(SIZE)
    ]
    try:
        codes = [process.wait(120) for process in started]
    finally:
        for process in started:
            process.kill()
    assert codes == [0] * SIZE
    return [ast.literal_eval((folder / f"{rank}.txt").read_text()) for rank in range(SIZE)]


@pytest.mark.parametrize("name", worker.LOSSES)
def test_two_processes_give_the_loss_and_gradients_of_one(processes, name):
    expected = worker.step(Classifier(11, 6), make_loss(name), World(), worker.inputs()[0])
    found = [each[name] for each in processes]
    for each in found:
        assert each["loss"] == pytest.approx(float(expected["loss"]), rel=1e-6, abs=1e-5)
        assert torch.allclose(torch.tensor(each["network"]), expected["network"], rtol=1e-4, atol=1e-5)
    for part in ("embeddings", "centres"):
        together = torch.tensor([row for each in found for row in each[part]])
        assert torch.allclose(together, expected[part], rtol=1e-4, atol=1e-5)


def test_one_sharded_process_is_a_classifier():
    centres = worker.inputs()[0]
    for name in worker.LOSSES:
        alone = worker.step(ShardedClassifier(11, 6), make_loss(name), World(), centres)
        whole = worker.step(Classifier(11, 6), make_loss(name), World(), centres)
        assert all(torch.allclose(alone[part], whole[part], atol=1e-5) for part in whole)


def test_sampling_keeps_the_classes_of_the_batch_and_draws_others(processes):
    drawn = torch.cat([torch.tensor(each["sampled"]["drawn"]) for each in processes], 1)
    present = [label for label in worker.inputs()[3].tolist() if label >= 0]
    assert drawn[:, present].all()
    assert (drawn[:, :6].sum(1) == 3).all()  # half of 6 of the first process: 0, 4 and 5 are in the batch
    others = [label for label in range(11) if label not in present]
    assert not drawn[:, others].all()


def test_training_on_sampled_classes_brings_the_loss_down(processes):
    for each in processes:
        values = each["sampled"]["values"]
        assert sum(values[-5:]) < 0.7 * sum(values[:5])
    assert processes[0]["sampled"]["values"] == pytest.approx(processes[1]["sampled"]["values"])


def test_processes_with_one_seed_start_from_different_centres(processes):
    first, second = (torch.tensor(each["sampled"]["start"]) for each in processes)
    assert not torch.isclose(first[: len(second)], second).any(1).all()


def test_the_cost_of_scale_is_what_two_processes_allocate(processes):
    predicted = cost(Setup(1001, gpus=2, dimension=6, batch=12, sample=0.3)).to_dict()
    found = processes[0]["allocated"]
    for part in ("centres", "centre_gradients", "centre_optimizer", "logits"):
        assert found[part] == predicted[part]
    assert found["kept"] == predicted["logits"]  # the softmax alone waits for the backward pass
    smaller = processes[1]["allocated"]
    assert smaller["centres"] == found["centres"] - 4 * 6  # 500 classes after 501


def test_a_draw_holds_all_positives_even_when_they_exceed_the_share():
    positives = torch.tensor([1, 3, 8])
    assert sampled(positives, 10, 0.1).tolist() == [1, 3, 8]
    drawn = sampled(positives, 10, 0.5)
    assert len(drawn) == 5
    assert set(positives.tolist()) <= set(drawn.tolist())
    assert (drawn.diff() > 0).all()


def test_shards_are_a_partition():
    for classes, size in ((10, 3), (7, 7), (1_000_003, 64)):
        blocks = [shard(classes, rank, size) for rank in range(size)]
        assert [block.start for block in blocks[1:]] == [block.stop for block in blocks[:-1]]
        assert (blocks[0].start, blocks[-1].stop) == (0, classes)
        assert max(map(len, blocks)) - min(map(len, blocks)) <= 1


def test_losses_that_need_the_whole_softmax_are_refused_in_shards():
    for name in ("unpg", "pfid", "structure-damage", "triplet"):
        with pytest.raises(UsageError, match="cannot be computed with sharded classes"):
            ShardedClassifier(4, 3).loss(make_loss(name), torch.ones(2, 3), torch.tensor([0, 1]))
    with pytest.raises(UsageError, match="has no use for a Triplet"):
        Classifier(4, 3).loss(make_loss("triplet"), torch.ones(2, 3), torch.tensor([0, 1]))


def test_impossible_classifiers_are_refused():
    with pytest.raises(UsageError, match="at least one class"):
        Classifier(0, 3)
    with pytest.raises(UsageError, match=r"lies in \(0, 1\]"):
        ShardedClassifier(4, 3, sample=0.0)


def test_a_batch_without_labels_teaches_nothing():
    for classifier in (Classifier(4, 3), ShardedClassifier(4, 3)):
        loss = classifier.loss(make_loss("arcface"), torch.ones(2, 3, requires_grad=True), torch.tensor([-1, -1]))
        loss.backward()
        assert not loss.any()
        assert not classifier.centres.grad.any()
