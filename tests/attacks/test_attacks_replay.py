"""Free adversarial training: step by step what the paper's algorithm does."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from projectkit.attacks import InputSpace, Replay

EPSILON, REPLAYS = 0.1, 3
SPACE = InputSpace.of(low=0.0, high=1.0)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 3))


def batches(*sizes: int) -> list[tuple[Tensor, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    return [(torch.rand(size, 5, generator=generator), torch.arange(size) % 3) for size in sizes]


def published(model: nn.Module, data: list[tuple[Tensor, Tensor]]) -> list[Tensor]:
    """Algorithm 1 of the paper, with the perturbed input kept in the valid range as its code has it."""
    optimizer, delta, seen = torch.optim.SGD(model.parameters(), 0.5), torch.zeros(max(len(x) for x, _ in data), 5), []
    for x, y in data:
        for _ in range(REPLAYS):
            part = delta[: len(x)].clone().requires_grad_(True)
            moved = (x + part).clamp(0, 1)
            seen.append(moved.detach())
            optimizer.zero_grad()
            functional.cross_entropy(model(moved), y).backward()
            optimizer.step()
            assert part.grad is not None
            delta[: len(x)] = (part.detach() + EPSILON * part.grad.sign()).clamp(-EPSILON, EPSILON)
    return seen


def ours(model: nn.Module, data: list[tuple[Tensor, Tensor]], pause: int | None = None) -> list[Tensor]:
    """The loader goes on at each step; what it gives in between is passed over. At `pause` a checkpoint takes over."""
    optimizer, replay, seen = torch.optim.SGD(model.parameters(), 0.5), Replay(EPSILON, REPLAYS), []
    for step, (x, y) in enumerate([(x if turn == 0 else x + 9, y) for x, y in data for turn in range(REPLAYS)]):
        if step == pause:
            state = replay.state()
            replay = Replay(EPSILON, REPLAYS)
            replay.restore(state)
        moved, labels = replay.next(x, y, SPACE)
        seen.append(moved.detach())
        optimizer.zero_grad()
        functional.cross_entropy(model(moved), labels).backward()
        optimizer.step()
    return seen


def test_a_training_is_the_papers_algorithm() -> None:
    data = batches(7, 7, 4, 7)
    theirs, here = network(), network()
    for mine, wanted in zip(ours(here, data), published(theirs, data), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=0, atol=1e-6)
    for mine, wanted in zip(here.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine, wanted, rtol=0, atol=1e-5)


def test_the_perturbation_stays_in_the_ball_and_in_the_valid_range() -> None:
    data = batches(7, 7, 4, 7)
    clean = [x for x, _ in data for _ in range(REPLAYS)]
    moves = [moved - x for moved, x in zip(ours(network(), data), clean, strict=True)]
    assert max(float(move.abs().max()) for move in moves) <= EPSILON + 1e-6
    assert all(
        float((x + move).min()) >= 0 and float((x + move).max()) <= 1 for x, move in zip(clean, moves, strict=True)
    )
    assert float(moves[0].abs().max()) == 0.0
    assert float(moves[1].abs().max()) > 0.05


def test_a_checkpoint_in_the_middle_of_the_replays_changes_nothing() -> None:
    data = batches(7, 7, 4)
    for pause in range(1, 9):
        for mine, wanted in zip(ours(network(), data, pause), ours(network(), data), strict=True):
            assert torch.equal(mine, wanted)


def test_a_short_first_batch_is_followed_by_longer_ones() -> None:
    data = batches(3, 7)
    assert [len(moved) for moved in ours(network(), data)] == [3] * REPLAYS + [7] * REPLAYS
