"""Every loss keeps to the contract, and the check of it finds those that do not."""

import pytest

torch = pytest.importorskip("torch", reason="training is the extra [train]")

from mien.errors import NotFoundError, UsageError  # noqa: E402
from mien.testing.check_loss import check_loss  # noqa: E402
from mien.train.losses import LossEntry, PairLoss, losses, make_loss  # noqa: E402
from mien.train.losses.multibatch import Multibatch  # noqa: E402


@pytest.fixture(autouse=True)
def _one_thread():
    torch.manual_seed(0)
    torch.set_num_threads(1)


@pytest.mark.parametrize("name", list(losses))
def test_every_loss_keeps_to_the_contract(name):
    check_loss(losses[name])


class Restless(Multibatch):
    """Draws in eval() too."""

    def forward(self, embeddings, labels):
        return super().forward(embeddings + torch.randn_like(embeddings), labels)


class Vector(Multibatch):
    """One value for each face."""

    def forward(self, embeddings, labels):
        return super().forward(embeddings, labels).expand(len(labels))


class Ordered(Multibatch):
    """Looks at the first face apart."""

    def forward(self, embeddings, labels):
        return super().forward(embeddings, labels) + embeddings[0, 0]


class Listener(Multibatch):
    """Takes faces without a label for one person more."""

    def forward(self, embeddings, labels):
        return super().forward(embeddings, labels + 1)


class Wrong(PairLoss):
    """Half of the gradient is missing."""

    def forward(self, embeddings, labels):
        kept = embeddings[labels >= 0]
        return (0.5 * kept + 0.5 * kept.detach()).square().sum()


@pytest.mark.parametrize(
    ("loss", "rule"),
    [
        (Restless, "the same batch must give the same loss"),
        (Vector, "must be a scalar"),
        (Ordered, "order of faces"),
        (Listener, "label -1 must have no part"),
        (Wrong, "agree with differences"),
    ],
)
def test_a_loss_that_breaks_a_rule_is_told_which(loss, rule):
    with pytest.raises(AssertionError, match=rule):
        check_loss(LossEntry(loss, "pair", "none", loss.__doc__))


def test_an_unknown_loss_names_the_nearest():
    with pytest.raises(NotFoundError, match="did you mean 'arcface'"):
        make_loss("arcfase")


def test_an_unknown_option_names_the_nearest():
    with pytest.raises(UsageError, match="has no option 'margin_rat'; did you mean 'margin_rad'"):
        make_loss("arcface", margin_rat=0.4)


def test_options_reach_the_loss():
    assert make_loss("cosface", margin=0.2).margin == 0.2
    assert losses["arcface"].defaults == {"scale": 64.0, "margin_rad": 0.5}
    assert losses["softmax"].defaults == {}
