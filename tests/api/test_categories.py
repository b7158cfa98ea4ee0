"""Ordered and unordered categories from the formula to the file, as a person uses them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stanli
from scipy.special import expit, ndtr, softmax

import partialpool as pp
from partialpool.errors import DataError, FamilyError, PriorError
from partialpool.inference.prior import sample_prior

RATINGS = ("bad", "so, so", "good", "very good!")


def table(n: int = 240, seed: int = 3) -> pd.DataFrame:
    """Ratings by 12 raters, once as ordered labels, once as numbers with gaps, once without an order."""
    rng = np.random.default_rng(seed)
    g, x = rng.integers(0, 12, n), rng.normal(size=n)
    latent = 0.9 * x + 0.8 * rng.normal(size=12)[g] + rng.logistic(size=n)
    code = np.digitize(latent, [-1.2, 0.1, 1.5])
    return pd.DataFrame(
        {
            "rating": pd.Categorical.from_codes(code, RATINGS, ordered=True),
            "number": np.array([1, 2, 5, 9])[code],
            "label": np.array(RATINGS)[code],
            "x": x,
            "rater": g + 100,
            "w": rng.integers(1, 4, n),
        }
    )


TABLE = table()


def fit(formula: str, family: str, data: pd.DataFrame = TABLE, **options: object) -> pp.Fit:
    return pp.Model(formula, data, family=family).fit(method="laplace", seed=1, **options)


@pytest.fixture(scope="module")
def ordered() -> pp.Fit:
    return fit("rating ~ x + (1 | rater)", "cumulative")


@pytest.fixture(scope="module")
def unordered() -> pp.Fit:
    model = pp.Model("label ~ x + (1 | id | rater)", TABLE, family="categorical")
    return model.fit(seed=2, draws=300, chains=2, progress=False)


def test_labels_numbers_and_numbers_from_elsewhere_are_one_model(ordered: pp.Fit) -> None:
    numbers = fit("number ~ x + (1 | rater)", "cumulative")
    np.testing.assert_array_equal(numbers.draws.values, ordered.draws.values)
    assert numbers.model.family.categories == ("1", "2", "5", "9")
    assert ordered.model.family.categories == RATINGS
    assert list(ordered.posterior["threshold"].coords["threshold_dim"].to_numpy()) == ["1", "2", "3"]


def test_the_means_are_the_probabilities_of_each_draw(ordered: pp.Fit) -> None:
    new = pd.DataFrame({"x": [0.3, -1.0], "rater": [103, 107]}, index=["a", "b"])
    mean = ordered.predict(new)["predictions"]["mean"]
    assert mean.dims == ("chain", "draw", "__obs__", "rating_dim")
    assert list(mean.coords["rating_dim"].to_numpy()) == list(RATINGS)
    posterior = ordered.posterior
    for row, (x, rater) in zip(("a", "b"), new.to_numpy(), strict=True):
        mu = posterior["x"] * x + posterior["1|rater"].sel(rater__factor_dim=int(rater))
        upto = expit((posterior["threshold"] - mu).to_numpy())
        expected = np.diff(np.concatenate([0 * upto[..., :1], upto, 0 * upto[..., :1] + 1], axis=-1), axis=-1)
        np.testing.assert_allclose(mean.sel(__obs__=row).to_numpy(), expected, atol=1e-12)
    summary = ordered.predict(new, summary=True)
    assert summary.index.names == [None, "rating"]
    np.testing.assert_allclose(summary["mean"].to_numpy(), mean.mean(("chain", "draw")).to_numpy().ravel())
    assert summary.loc[("b", "good"), "mean"] == pytest.approx(
        float(mean.sel(__obs__="b").mean(("chain", "draw"))[2])
    )


def test_the_mean_of_unordered_categories_is_a_softmax(unordered: pp.Fit) -> None:
    new, posterior = pd.DataFrame({"x": [0.3], "rater": [104]}), unordered.posterior
    names = sorted(RATINGS)
    etas = [
        posterior[f"mu_{k}_Intercept"]
        + 0.3 * posterior[f"mu_{k}_x"]
        + posterior[f"mu_{k}_1|rater"].sel(rater__factor_dim=104)
        for k in names[1:]
    ]
    linear = unordered.predict(new, "linear")["predictions"]["linear"]
    assert list(linear.coords["label_reduced_dim"].to_numpy()) == names[1:]
    etas = np.stack([eta.to_numpy() for eta in etas], axis=-1)
    np.testing.assert_allclose(linear.to_numpy()[:, :, 0], etas, rtol=1e-12)
    mean = unordered.predict(new)["predictions"]["mean"]
    expected = softmax(np.concatenate([0 * etas[..., :1], etas], axis=-1), axis=-1)
    np.testing.assert_allclose(mean.to_numpy()[:, :, 0], expected, rtol=1e-12)
    assert unordered.posterior["id|rater_corr"].shape[-2:] == (3, 3)


def test_averages_over_the_population_of_groups(ordered: pp.Fit, unordered: pp.Fit) -> None:
    """By quadrature of each draw for thresholds; with correlated effects by many draws of new groups."""
    new = pd.DataFrame({"x": [0.5]})
    mean = ordered.predict(new, groups="average")["predictions"]["mean"].to_numpy()[:, :50, 0]
    posterior = ordered.posterior.isel(draw=slice(50))
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    mu = posterior["x"].to_numpy()[..., None] * 0.5 + posterior["1|rater_sigma"].to_numpy()[..., None] * nodes
    edges = posterior["threshold"].to_numpy()[..., None] - mu[..., None, :]
    upto = expit(edges) @ (weights / weights.sum())
    np.testing.assert_allclose(np.cumsum(mean, axis=-1)[..., :-1], upto, atol=1e-6)

    mean = unordered.predict(new, groups="average", seed=1)["predictions"]["mean"].to_numpy().reshape(-1, 4)
    posterior = unordered.posterior
    names = sorted(RATINGS)[1:]
    rng, sds = (
        np.random.default_rng(1),
        [posterior[f"mu_{k}_1|rater_sigma"].to_numpy().ravel() for k in names],
    )
    corr = posterior["id|rater_corr"].to_numpy().reshape(-1, 3, 3)
    expected = np.empty_like(mean)
    for s in range(len(mean)):
        centre = [
            float(posterior[f"mu_{k}_Intercept"].to_numpy().ravel()[s])
            + 0.5 * float(posterior[f"mu_{k}_x"].to_numpy().ravel()[s])
            for k in names
        ]
        own = np.diag([sd[s] for sd in sds])
        effects = rng.multivariate_normal(centre, own @ corr[s] @ own, size=2000)
        expected[s] = softmax(np.hstack([np.zeros((2000, 1)), effects]), axis=1).mean(axis=0)
    # 600 draws, each with the errors of 2,000 random points and of 128 that are evenly spread.
    np.testing.assert_allclose(mean.mean(axis=0), expected.mean(axis=0), atol=0.003)
    assert np.max(np.abs(mean - expected)) < 0.12
    again = unordered.predict(new, groups="average", seed=1)["predictions"]["mean"].to_numpy().reshape(-1, 4)
    np.testing.assert_array_equal(mean, again)


@pytest.mark.parametrize("name", ["ordered", "unordered"])
def test_outcomes_follow_the_probabilities(name: str, request: pytest.FixtureRequest) -> None:
    """Of 600 and more draws at once, |z| < 5: a false alarm in a million."""
    found = request.getfixturevalue(name)
    new = pd.DataFrame({"x": [0.2] * 40, "rater": [105] * 40})
    drawn = found.predict(new, "outcome", seed=5)["predictions"]
    variable = drawn[next(iter(drawn.data_vars))]
    mean = found.predict(new[:1])["predictions"]["mean"].to_numpy().reshape(-1, 4)
    assert variable.attrs["levels"] == list(found.model.family.categories)
    for k in range(4):
        share = (variable.to_numpy() == k).mean()
        sd = np.sqrt(np.mean(mean[:, k] * (1 - mean[:, k])) / variable.size)
        assert abs(share - mean[:, k].mean()) < 5 * sd


def test_log_likelihoods_are_logs_of_probabilities(ordered: pp.Fit, unordered: pp.Fit) -> None:
    for found, column in ((ordered, TABLE["rating"].cat.codes), (unordered, None)):
        codes = pd.Categorical(TABLE["label"]).codes if column is None else column
        mean = found.predict()["predictions"]["mean"].to_numpy()
        own = np.take_along_axis(mean, np.asarray(codes, int)[None, None, :, None], axis=-1)[..., 0]
        blocks = np.concatenate([block.to_numpy() for block in found.log_likelihood()], axis=-1)
        np.testing.assert_allclose(blocks, np.log(own), atol=1e-10)
        assert found.loo().elpd < 0


@pytest.mark.parametrize("name", ["ordered", "unordered"])
def test_a_fit_comes_back_from_its_file(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    found, new = request.getfixturevalue(name), pd.DataFrame({"x": [0.1, 2.0], "rater": [101, 999]})
    expected = found.predict(new, seed=3, summary=True)
    for rows in (True, False):
        found.save(tmp_path / f"{rows}.nc", rows=rows)
        loaded = pp.load_fit(tmp_path / f"{rows}.nc")
        assert loaded.model.family == found.model.family
        pd.testing.assert_frame_equal(loaded.predict(new, seed=3, summary=True), expected)
        assert str(loaded.model.equations()).count("threshold") == str(found.model.equations()).count(
            "threshold"
        )


def test_numbers_of_categories_survive_a_file_without_rows(tmp_path: Path) -> None:
    found = fit("number ~ x", "cumulative")
    found.save(tmp_path / "fit.nc", rows=False)
    loaded = pp.load_fit(tmp_path / "fit.nc")
    drawn = loaded.predict({"x": [0.0] * 50}, "outcome", seed=1)["predictions"]["number"].to_numpy()
    assert set(np.unique(drawn)) == {1.0, 2.0, 5.0, 9.0}


def test_weights_count_rows() -> None:
    """The same priors and counts as of the table written out."""
    long = TABLE.loc[TABLE.index.repeat(TABLE["w"])]
    for family, outcome in (("cumulative", "rating"), ("categorical", "label")):
        short = pp.Model(f"{outcome} | weights(w) ~ x", TABLE, family).spec
        written = pp.Model(f"{outcome} ~ x", long, family, short.priors).spec
        np.testing.assert_allclose(np.sum(short.cells.stats[1]), np.sum(written.cells.stats[1]), rtol=1e-12)
        for name, prior in short.priors.items():
            assert written.priors[name] == prior


def test_a_category_that_no_row_has_left_keeps_its_place() -> None:
    """Cross-validation leaves rows out by weights of 0: priors then hold the thresholds apart."""
    weights = (TABLE["rating"] != "so, so").astype(int)
    found = pp.Model("rating | weights(keep) ~ x", TABLE.assign(keep=weights), "cumulative").fit(
        seed=1, draws=400, progress=False
    )
    assert found.diagnose().ok
    mean = found.predict({"x": [0.0]}, summary=True)["mean"]
    assert 0 < mean.loc[(0, "so, so")] < 0.03
    thresholds = found.posterior["threshold"].to_numpy()
    assert np.all(np.diff(thresholds, axis=-1) > 0)


def test_prior_draws_ascend_and_have_their_priors() -> None:
    """Order statistics of equal priors; different ones by rejection. |z| < 5."""
    equal = pp.Model("rating ~ 1", TABLE, "cumulative", {"threshold": pp.Normal(0, 2)}).sample_prior(
        4000, seed=1
    )
    thresholds = equal.posterior["threshold"].to_numpy().reshape(-1, 3)
    assert np.all(np.diff(thresholds) > 0)
    reference = np.sort(np.random.default_rng(2).normal(0, 2, (4000, 3)), axis=1)
    spread = np.sqrt((thresholds.var(axis=0) + reference.var(axis=0)) / 4000)
    assert np.all(np.abs(thresholds.mean(axis=0) - reference.mean(axis=0)) < 5 * spread)
    priors = {
        "threshold[1]": pp.Normal(1, 1),
        "threshold[2]": pp.Normal(0, 1),
        "threshold[3]": pp.Normal(0, 2),
    }
    draws = pp.Model("rating ~ 1", TABLE, "cumulative", priors).sample_prior(4000, seed=1)
    thresholds = draws.posterior["threshold"].to_numpy().reshape(-1, 3)
    reference = np.random.default_rng(2).normal([1, 0, 0], [1, 1, 2], (80_000, 3))
    reference = reference[np.all(np.diff(reference) > 0, axis=1)]
    spread = np.sqrt(thresholds.var(axis=0) / 4000 + reference.var(axis=0) / len(reference))
    assert np.all(np.abs(thresholds.mean(axis=0) - reference.mean(axis=0)) < 5 * spread)


def test_priors_at_means_do_not_depend_on_where_a_predictor_is_zero() -> None:
    near = fit("rating ~ x + (1 | rater)", "cumulative")
    far = fit("rating ~ year + (1 | rater)", "cumulative", TABLE.assign(year=TABLE["x"] + 2000))
    assert float(far.posterior["year"].mean()) == pytest.approx(float(near.posterior["x"].mean()), abs=1e-3)
    moved = far.posterior["threshold"] - 2000 * far.posterior["year"]
    np.testing.assert_allclose(
        moved.mean(("chain", "draw")), near.posterior["threshold"].mean(("chain", "draw")), atol=0.01
    )


def test_probit_averages_in_closed_form() -> None:
    found = fit("rating ~ x + (1 | rater)", "cumulative(probit)")
    mean = found.predict({"x": [0.0]}, groups="average")["predictions"]["mean"].to_numpy()[0, 0, 0]
    draw = found.posterior.isel(chain=0, draw=0)
    upto = ndtr(draw["threshold"].to_numpy() / np.sqrt(1 + float(draw["1|rater_sigma"]) ** 2))
    np.testing.assert_allclose(np.cumsum(mean)[:-1], upto, rtol=1e-10)


def test_equations_name_thresholds_and_categories() -> None:
    text = str(pp.Model("rating ~ x + (1 | rater)", TABLE, "cumulative").equations())
    assert "rating_i ~ OrderedLogistic(mu_i, threshold)" in text
    assert "threshold[k]* = threshold[k] - (beta_x mean(x))" in text
    text = str(pp.Model("label ~ 1", TABLE, "categorical").equations())
    assert "Categorical(softmax(0, mu_good_i, mu_so, so_i, mu_very good!_i))" in text


def test_two_ordered_categories_are_a_bernoulli() -> None:
    """Up to Monte Carlo error of independent draws (|z| < 5): the threshold is minus the intercept."""
    data = TABLE.assign(yes=(TABLE["number"] > 2).astype(int))
    priors = {"threshold": pp.AtMeans(pp.Normal(0, 2.5))}
    two = pp.Model("yes ~ x + (1 | rater)", data, "cumulative", priors).fit(method="laplace", seed=1)
    one = pp.Model("yes ~ x + (1 | rater)", data, "bernoulli").fit(method="laplace", seed=2)
    assert two.log_marginal_likelihood == pytest.approx(one.log_marginal_likelihood, abs=0.03)
    for ours, theirs in (("x", "x"), ("threshold", "Intercept"), ("1|rater_sigma", "1|rater_sigma")):
        a, b = two.posterior[ours].to_numpy().ravel(), one.posterior[theirs].to_numpy().ravel()
        a = -a if ours == "threshold" else a
        assert abs(a.mean() - b.mean()) < 5 * np.hypot(a.std(), b.std()) / np.sqrt(1000)


def test_labels_of_any_kind(tmp_path: Path) -> None:
    """Labels become parts of names: of coefficients, of Stan's variables, of a file's."""
    labels = np.array(["a[1]", "b]", "c|d", "e:f", "g/h", "{x}", "мu", "mu_1"])
    data = TABLE.assign(y=labels[np.arange(240) % 8])
    formula = pp.Formula("y ~ x + (1 | rater)", **{"mu_b]": "~ 1"})
    model = pp.Model(formula, data, "categorical", {"mu_c|d_x": pp.Normal(1, 1)})
    assert model.priors["mu_c|d_x"] == pp.Normal(1, 1)
    assert "mu_b]_x" not in model.priors
    program = model.to_stan()
    assert stanli.Model(stan_code=program.code, data=dict(program.data)).n_unconstrained == 7 + 6 + 6 * 13
    found = pp.Fit(model, sample_prior(model.spec, 5, seed=1))
    found.save(tmp_path / "fit.nc")
    new = {"x": [0.5], "rater": [103]}
    loaded = pp.load_fit(tmp_path / "fit.nc")
    pd.testing.assert_frame_equal(loaded.predict(new, summary=True), found.predict(new, summary=True))
    assert "log of its probability of b] by that of a[1]" in found.report(tmp_path / "a.html").read_text()


# --- what is refused ----------------------------------------------------------------------------------------


def test_labels_without_an_order_are_not_put_in_alphabetical_order() -> None:
    for data in (TABLE, TABLE.assign(label=TABLE["label"].astype("category"))):
        with pytest.raises(DataError, match="have no order: bad, good, so, so, very good!") as error:
            pp.Model("label ~ x", data, family="cumulative")
        assert "ordered=True" in str(error.value)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (np.full(240, 3), "has 1 category"),
        (np.arange(240), "has 240 categories"),
        (np.linspace(0, 1, 240), "outside the support"),
    ],
)
@pytest.mark.parametrize("family", ["cumulative", "categorical"])
def test_outcomes_that_are_no_categories(family: str, values: np.ndarray, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        pp.Model("y ~ x", TABLE.assign(y=values), family=family)


def test_other_families_say_which_ones_take_many_labels() -> None:
    with pytest.raises(DataError, match="family='categorical', or 'cumulative'"):
        pp.Model("label ~ x", TABLE, family="bernoulli")
    with pytest.raises(FamilyError, match="family='categorical', or 'cumulative'"):
        pp.Model("label ~ x", TABLE)


def test_thresholds_take_the_place_of_the_intercept() -> None:
    with pytest.raises(FamilyError, match="thresholds of the family 'cumulative' take"):
        pp.Model("rating ~ 0 + x", TABLE, family="cumulative")
    with pytest.raises(FamilyError, match=r"no parameter of the family 'cumulative' called 'threshold\[1\]'"):
        pp.Model(pp.Formula("rating ~ x", **{"threshold[1]": "~ x"}), TABLE, family="cumulative")
    with pytest.raises(FamilyError, match="no parameter of the family 'categorical' called 'mu_bad'"):
        pp.Model(pp.Formula("label ~ x", mu_bad="~ x"), TABLE, family="categorical")


def test_priors_that_thresholds_cannot_have() -> None:
    with pytest.raises(PriorError, match="takes both signs"):
        pp.Model("rating ~ x", TABLE, "cumulative", {"threshold": pp.HalfNormal(1)})
    with pytest.raises(PriorError, match=r"threshold\[4\]"):
        pp.Model("rating ~ x", TABLE, "cumulative", {"threshold[4]": pp.Normal(0, 1)})
    with pytest.raises(PriorError, match="Intercept"):
        pp.Model("rating ~ x", TABLE, "cumulative", {"Intercept": pp.Normal(0, 1)})
    priors = {"threshold[1]": pp.Normal(9, 0.1), "threshold[2]": pp.Normal(-9, 0.1)}
    with pytest.raises(PriorError, match="next to never ascend"):
        pp.Model("rating ~ 1", TABLE, "cumulative", priors).sample_prior(100)


def test_poolings_are_not_compared() -> None:
    with pytest.raises(FamilyError, match="probabilities of 4 categories"):
        pp.compare_pooling("label ~ 1 + (1 | rater)", TABLE, family="categorical")


# --- what surrounds a fit -----------------------------------------------------------------------------------


def test_checks_count_categories(ordered: pp.Fit, unordered: pp.Fit) -> None:
    check = ordered.check(seed=1)
    assert check.statistics["statistic"].tolist()[:4] == [f"share of {name}" for name in RATINGS]
    counts = TABLE["rating"].value_counts().reindex(RATINGS)
    np.testing.assert_array_equal(check.distribution["observed"], counts)
    assert check.distribution["category"].tolist() == list(RATINGS)
    means = TABLE.assign(code=TABLE["rating"].cat.codes).groupby("rater")["code"].mean()
    np.testing.assert_allclose(check.groups()["observed"], means)
    check = unordered.check(seed=1)
    shares = TABLE.assign(bad=TABLE["label"] == "bad").groupby("rater")["bad"].mean()
    np.testing.assert_allclose(check.groups()["observed"], shares)
    assert "share of bad" in str(check)


def test_quantile_residuals_are_standard_normal(ordered: pp.Fit, unordered: pp.Fit) -> None:
    """Their mean and sd over 240 rows; |z| < 5 of independent ones."""
    for found in (ordered, unordered):
        residual = found.residuals(seed=2)["residual"]
        assert abs(residual.mean()) < 5 / np.sqrt(240)
        assert abs(residual.std() - 1) < 5 / np.sqrt(480)


def test_pages_say_what_the_categories_are(ordered: pp.Fit, unordered: pp.Fit, tmp_path: Path) -> None:
    text = ordered.report(tmp_path / "a.html").read_text()
    assert "4 categories: bad (" in text
    assert "Its position between the 3 thresholds, on the log-odds scale, is a sum of" in text
    text = unordered.report(tmp_path / "b.html").read_text()
    assert "The log of its probability of good by that of bad is a sum of" in text
