"""A small network learns 68 landmarks without labels, with and without the assistive losses of two teachers.

    mien prepare folder:utkface/ faces
    python benchmarks/bench_landmark_teachers.py --prepared faces --epochs 20 --seeds 3

Hard points are the mean of what `landmarks68` says of a face and of its mirror image; the tough teacher is its answer
to the face alone, the tolerant one the hard points in a shape model of 80 % of their variance. All arms see the same
pictures in the same order from the same start. The last 400 faces are held back; the error is the student's mean
distance from the hard points, in percent of the eye distance. It says how well the teacher is copied, not how true
that is.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mien.backbones import build
from mien.evaluate.heads import Mean, central
from mien.evaluate.heads_pose import mirror
from mien.evaluate.resolution import enlarged
from mien.geometry.mean_face import MIRRORED
from mien.models import load_detector, load_head
from mien.models.views import Cuts
from mien.train.data import open_data
from mien.train.landmark_teachers import ShapeModel, main_loss, two_teachers_loss
from mien.train.tensors import normalised
from mien.types.image import Image

F8 = NDArray[np.float64]
SIDE, HELD_BACK, BATCH, RATE = 64, 400, 64, 2e-3
ARMS = {
    "squares": lambda points, hard, tough, tolerant: nn.functional.mse_loss(points, hard),
    "main loss alone": lambda points, hard, tough, tolerant: main_loss(points, hard, tolerant),
    "two teachers": two_teachers_loss,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--faces", type=int, default=None, help="the first so many only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    crops, hard, tough = taught(options.prepared, options.faces)
    learnt = len(crops) - HELD_BACK
    model = ShapeModel.of(hard[:learnt])
    print(f"{learnt:,} faces to learn from, {HELD_BACK} held back; shape model of {model.axes.shape[1]} axes")
    targets = tuple(torch.from_numpy(points.astype(np.float32)) for points in (hard, tough, model.soft(hard)))
    soft = errors(targets[2][learnt:].numpy(), hard[learnt:])
    print(f"tolerant teacher: {Mean.of(soft)}, tough: {Mean.of(errors(tough[learnt:], hard[learnt:]))}")
    for name in ARMS:
        arm = [train(name, crops, targets, learnt, options.epochs, seed) for seed in range(options.seeds)]
        means = [float(each.mean()) for each in arm]
        print(f"{name}: {Mean.of(np.mean(arm, axis=0))}, by seed {', '.join(f'{m:.2f}' for m in means)}", flush=True)
    student = build("tiny", size=SIDE, dimension=136).eval()
    print(f"student: {sum(p.numel() for p in student.parameters()):,} parameters, {ms(student):.2f} ms a face")


def taught(root: Path, count: int | None) -> tuple[Tensor, F8, F8]:
    """(n, 3, side, side) uint8 crops, and (n, 136) hard and tough points in shares of the side about its middle."""
    data, detector, head = open_data(root), load_detector(), load_head("landmarks68")
    crops, hard, tough = [], [], []
    for row in range(len(data) if count is None else count):
        crop = data.read(row)
        image = enlarged(Image(crop), 320)
        face = central(detector.detect(image))
        if face is None:
            continue
        width = image.full_size[0]
        plain = head.look(Cuts(image, face)).values[0] / width - 0.5
        boxes = face.boxes.copy()
        boxes[:, [0, 2]] = width - face.boxes[:, [2, 0]]
        flipped = Image(mirror(image).pixels, image.full_size)
        other = head.look(Cuts(flipped, type(face)(boxes, face.scores, face.points, face.size))).values[0] / width - 0.5
        crops.append(cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA).transpose(2, 0, 1))
        hard.append(((plain + other[MIRRORED] * [-1, 1]) / 2).ravel())
        tough.append(plain.ravel())
    return torch.from_numpy(np.stack(crops)), np.stack(hard).astype(float), np.stack(tough).astype(float)


def train(name: str, crops: Tensor, targets: tuple[Tensor, ...], learnt: int, epochs: int, seed: int) -> F8:
    """(held back,) errors of the student in percent."""
    torch.manual_seed(seed)
    student = build("tiny", size=SIDE, dimension=targets[0].shape[1])
    bias = nn.Parameter(targets[0][:learnt].mean(dim=0))  # begins with the mean face
    optimiser = torch.optim.Adam([*student.parameters(), bias], RATE)
    steps = epochs * (learnt // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(learnt)
        for rows in order[: learnt // BATCH * BATCH].split(BATCH):
            points = bias + 0.05 * student(normalised(crops[rows]))
            loss = ARMS[name](points, *(each[rows] for each in targets))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    with torch.inference_mode():
        points = bias + 0.05 * student.eval()(normalised(crops[learnt:]))
    return errors(points.numpy().astype(float), targets[0][learnt:].numpy())


def errors(points: F8, hard: F8) -> F8:
    """(n,) mean distance in percent of the eye distance."""
    one, other = points.reshape(-1, 68, 2), hard.reshape(-1, 68, 2)
    eyes = np.linalg.norm(other[:, 42:48].mean(axis=1) - other[:, 36:42].mean(axis=1), axis=1)
    return 100 * np.linalg.norm(one - other, axis=2).mean(axis=1) / eyes


def ms(student: nn.Module) -> float:
    face = torch.zeros(1, 3, SIDE, SIDE)
    spent = []
    with torch.inference_mode():
        for _ in range(50):
            start = time.process_time()
            student(face)
            spent.append(time.process_time() - start)
    return 1000 * float(np.median(spent))


if __name__ == "__main__":
    main()
