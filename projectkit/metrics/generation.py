"""The numbers of what gives its input back: reconstruction error, and the evidence lower bound of a variational autoencoder.

Each is one number a sample, (n,), so that it can score anomalies, be averaged, and be given to `bootstrap` for the mean's interval.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from projectkit.errors import UserError
from projectkit.metrics.checks import checked_numbers

Array = NDArray[np.float64]

_WHERE = "generation metrics"
_LEAST = float(
    np.finfo(np.float32).eps
)  # as in the loss of a classifier: a probability of 0 would cost infinitely much


def reconstruction_error(target: ArrayLike, output: ArrayLike) -> Array:
    """The mean squared error of each sample over all its values, (n,).

    Args:
        target: what went in, (n, ...).
        output: what came back, of the same shape.

    Raises:
        UserError: no samples, shapes that differ, or numbers that are NaN or infinite.
    """
    true, said = checked_numbers(target, output, where=_WHERE)
    return np.asarray(((true - said) ** 2).reshape(len(true), -1).mean(axis=1))


def gaussian_kl(mean: ArrayLike, log_variance: ArrayLike) -> Array:
    """The divergence of an encoder's diagonal normal distribution from the standard normal one, in nats, (n,).

    Args:
        mean: (n, latent).
        log_variance: natural logarithm of the variance, (n, latent).

    Raises:
        UserError: as `reconstruction_error`.

    Source: Kingma & Welling 2014, "Auto-encoding variational Bayes", appendix B, with the sign of a divergence.
    """
    middle, spread = checked_numbers(mean, log_variance, where=_WHERE)
    each = 0.5 * (middle**2 + np.exp(spread) - 1 - spread)
    return np.asarray(each.reshape(len(middle), -1).sum(axis=1))


def elbo(
    target: ArrayLike,
    output: ArrayLike,
    mean: ArrayLike,
    log_variance: ArrayLike,
    *,
    likelihood: Literal["bernoulli", "gaussian"],
    scale: float = 1.0,
) -> Array:
    """The evidence lower bound of each sample, in nats, (n,): more is better.

    Args:
        target: what went in, (n, ...); in [0, 1] for `bernoulli`.
        output: what came back from one draw of the latent variables, of the same shape; for `bernoulli` probabilities.
        mean: of the encoder, (n, latent).
        log_variance: of the encoder, (n, latent).
        likelihood: of the decoder; it has to be the one that was trained with.
        scale: standard deviation of the `gaussian` decoder. Bounds of different scales cannot be compared.

    Raises:
        UserError: as `reconstruction_error`, lengths that differ, or numbers outside [0, 1] for `bernoulli`.

    Source: Kingma & Welling 2014, "Auto-encoding variational Bayes", equation 3, with one draw.
    """
    if not scale > 0:
        raise ValueError(f"scale is {scale}, not above 0")
    true, said = checked_numbers(target, output, where=_WHERE)
    divergence = gaussian_kl(mean, log_variance)
    if len(divergence) != len(true):
        raise UserError(
            f"{len(true)} targets but {len(divergence)} latent means", where=_WHERE, remedy="encode each sample once"
        )
    if likelihood == "bernoulli":
        if min(true.min(), said.min()) < 0 or max(true.max(), said.max()) > 1:
            raise UserError(
                "a Bernoulli likelihood has targets and outputs in [0, 1]",
                where=_WHERE,
                remedy="give sigmoid(logits), or likelihood='gaussian'",
            )
        said = np.clip(said, _LEAST, 1 - _LEAST)
        each = true * np.log(said) + (1 - true) * np.log1p(-said)
    else:
        each = -0.5 * ((true - said) / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))
    return np.asarray(each.reshape(len(true), -1).sum(axis=1) - divergence)
