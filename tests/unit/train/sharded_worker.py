"""One of several processes: computes a sharded loss and what it costs, for tests of the classifier."""

import datetime
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from mien.train.classifier import ShardedClassifier
from mien.train.distributed import World
from mien.train.losses import make_loss

CLASSES, DIMENSION, FACES, PIXELS = 11, 6, 8, 5
LOSSES = ("arcface", "cosface", "curricularface", "magface", "adaface", "softmax", "sface")


def inputs():
    """Centres, weights of a linear network, its input and labels; the same in every process."""
    random = torch.Generator().manual_seed(3)
    centres = torch.randn(CLASSES, DIMENSION, generator=random)
    weights = torch.randn(DIMENSION, PIXELS, generator=random) * 8
    pictures = torch.randn(FACES, PIXELS, generator=random)
    labels = torch.tensor([0, 4, 10, 5, 6, 0, -1, 9])
    return centres, weights, pictures, labels


def step(classifier, loss, world, centres):
    """Loss, gradient of the network averaged as DistributedDataParallel does, gradients of embeddings and centres."""
    _, weights, pictures, labels = inputs()
    classifier.centres.data = centres
    classifier.zero_grad()
    network = weights.clone().requires_grad_()
    share = slice(world.rank * FACES // world.size, (world.rank + 1) * FACES // world.size)
    embeddings = pictures[share] @ network.T
    embeddings.retain_grad()
    value = classifier.loss(loss, world.gather(embeddings), world.gather(labels[share]))
    value.backward()
    gradient = network.grad.clone()
    world.share([gradient])
    return {
        "loss": value.detach(),
        "network": gradient,
        "embeddings": embeddings.grad / world.size,
        "centres": classifier.centres.grad,
        "cosines": classifier(embeddings).detach(),
    }


def train_sampled(world):
    """Losses of steps that look at half of the centres, and which centres they drew."""
    _, _, _, labels = inputs()
    classifier = ShardedClassifier(CLASSES, DIMENSION, sample=0.5)
    start = classifier.centres.detach().clone()
    embeddings = torch.randn(FACES, DIMENSION, generator=torch.Generator().manual_seed(5))
    loss, optimizer = make_loss("arcface", scale=8.0), torch.optim.SGD(classifier.parameters(), lr=1.0)
    values, drawn = [], []
    for _ in range(25):
        optimizer.zero_grad()
        value = classifier.loss(loss, embeddings, labels)
        value.backward()
        drawn.append(classifier.centres.grad.abs().sum(1) > 0)
        values.append(value.detach())
        optimizer.step()
    return {"values": torch.stack(values), "drawn": torch.stack(drawn), "start": start}


def allocated():
    """Bytes of parameter, gradient, optimiser and logits of a step, as they are."""
    classes, faces = 1001, 24
    classifier, loss = ShardedClassifier(classes, DIMENSION, sample=0.3), make_loss("arcface")
    optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1, momentum=0.9)
    seen, kept = [], []
    plain = loss.logits

    def logits(*arguments, **options):
        table = plain(*arguments, **options)
        seen.append(table.nbytes)
        return table

    loss.logits = logits

    def keep(tensor):
        if tensor.ndim == 2 and len(tensor) == faces and tensor.shape[1] > DIMENSION:
            kept.append(tensor.nbytes)
        return tensor

    embeddings = torch.randn(faces, DIMENSION, requires_grad=True)
    labels = torch.arange(faces) * 40
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        value = classifier.loss(loss, embeddings, labels)
    value.backward()
    optimizer.step()
    states = [v for s in optimizer.state.values() for v in s.values() if isinstance(v, torch.Tensor)]
    return {
        "centres": classifier.centres.nbytes,
        "centre_gradients": classifier.centres.grad.nbytes,
        "centre_optimizer": sum(state.nbytes for state in states),
        "logits": seen[0],
        "kept": sum(kept),
    }


def main(folder, rank, size):
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=size, timeout=datetime.timedelta(seconds=60)
    )
    world = World(rank, size)
    torch.manual_seed(7)
    results = {"sampled": train_sampled(world), "allocated": allocated()}
    for name in LOSSES:
        classifier = ShardedClassifier(CLASSES, DIMENSION)
        block = classifier.block
        whole = inputs()[0]
        results[name] = step(classifier, make_loss(name), world, whole[block.start : block.stop].clone())
    (folder / f"{rank}.txt").write_text(repr(_plain(results)))
    dist.destroy_process_group()


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value.tolist() if isinstance(value, torch.Tensor) else value


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
