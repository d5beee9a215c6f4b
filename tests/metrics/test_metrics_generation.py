"""Reconstruction and the evidence lower bound against scikit-learn, scipy, torch and a bound that is known."""

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from projectkit.errors import UserError
from projectkit.metrics import bootstrap, elbo, gaussian_kl, reconstruction_error


def test_the_reconstruction_error_is_the_mean_squared_error_of_each_sample():
    rng = np.random.default_rng(0)
    target, output = rng.random((7, 3, 4, 5)), rng.random((7, 3, 4, 5))
    errors = reconstruction_error(target, output)
    assert errors.shape == (7,)
    for index, error in enumerate(errors):
        assert error == pytest.approx(reference.mean_squared_error(target[index].ravel(), output[index].ravel()))
    assert bootstrap(np.mean, [errors]).value == pytest.approx(np.mean((target - output) ** 2))


def test_the_divergence_is_torchs():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(1)
    mean, log_variance = rng.normal(size=(20, 8)), rng.normal(size=(20, 8))
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(
        normal(torch.tensor(mean), torch.tensor(np.exp(log_variance / 2))), normal(0.0, 1.0)
    ).sum(dim=1)
    np.testing.assert_allclose(gaussian_kl(mean, log_variance), expected.numpy())
    assert gaussian_kl(np.zeros((1, 4)), np.zeros((1, 4))).tolist() == [0]


def test_the_bound_is_the_likelihood_by_scipy_less_the_divergence():
    rng = np.random.default_rng(2)
    mean, log_variance = rng.normal(size=(9, 2)), rng.normal(size=(9, 2))
    target, output = rng.normal(size=(9, 3, 4)), rng.normal(size=(9, 3, 4))
    likelihood = stats.norm.logpdf(target, output, 0.7).sum(axis=(1, 2))
    np.testing.assert_allclose(
        elbo(target, output, mean, log_variance, likelihood="gaussian", scale=0.7),
        likelihood - gaussian_kl(mean, log_variance),
    )
    pixels, probability = rng.integers(0, 2, (9, 6)), rng.random((9, 6))
    likelihood = stats.bernoulli.logpmf(pixels, probability).sum(axis=1)
    np.testing.assert_allclose(
        elbo(pixels, probability, mean, log_variance, likelihood="bernoulli"),
        likelihood - gaussian_kl(mean, log_variance),
    )


def test_with_the_true_posterior_the_bound_is_the_evidence():
    # z ~ N(0, 1), x ~ N(z, 1): the evidence of x is N(0, 2), the posterior N(x / 2, 1 / 2), and the bound is tight on average.
    rng = np.random.default_rng(3)
    x = np.full((200_000, 1), 1.3)
    mean, log_variance = x / 2, np.full_like(x, np.log(0.5))
    z = mean + np.sqrt(0.5) * rng.normal(size=x.shape)
    bound = elbo(x, z, mean, log_variance, likelihood="gaussian").mean()
    assert bound == pytest.approx(stats.norm.logpdf(1.3, 0, np.sqrt(2)), abs=0.01)
    worse = elbo(x, z + 0.5, mean + 0.5, log_variance, likelihood="gaussian").mean()
    assert worse < bound - 0.1


def test_grey_values_of_a_bernoulli_decoder_cost_torchs_cross_entropy():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    target, output = rng.random((5, 10)), rng.random((5, 10))
    expected = torch.nn.functional.binary_cross_entropy(torch.tensor(output), torch.tensor(target), reduction="none")
    bound = elbo(target, output, np.zeros((5, 1)), np.zeros((5, 1)), likelihood="bernoulli")
    np.testing.assert_allclose(bound, -expected.sum(dim=1).numpy())


def test_probabilities_of_exactly_0_and_1_cost_much_but_not_infinitely_much():
    bound = elbo([[0, 1], [0, 1]], [[0, 1], [1, 0]], np.zeros((2, 1)), np.zeros((2, 1)), likelihood="bernoulli")
    assert bound == pytest.approx([0, 2 * np.log(np.finfo(np.float32).eps)], abs=1e-6)


ZERO = np.zeros((2, 1))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: reconstruction_error([], []), "no samples"),
        (lambda: reconstruction_error(ZERO, np.zeros((3, 1))), "of the same shape"),
        (lambda: reconstruction_error(ZERO, ZERO + np.nan), "prediction of sample 0 is NaN"),
        (lambda: gaussian_kl(ZERO, ZERO + np.inf), "NaN or infinite"),
        (lambda: elbo(ZERO, ZERO, ZERO[:1], ZERO[:1], likelihood="gaussian"), "2 targets but 1 latent means"),
        (lambda: elbo(ZERO, ZERO + 1.5, ZERO, ZERO, likelihood="bernoulli"), r"in \[0, 1\].*sigmoid"),
    ],
)
def test_wrong_input_is_one_line_that_names_it(function, message):
    with pytest.raises(UserError, match=message) as caught:
        function()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("scale", [0, -1])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(ValueError, match="scale"):
        elbo(ZERO, ZERO, ZERO, ZERO, likelihood="gaussian", scale=scale)
