"""Tables of step 6 that come of fitted models: what explains use and cost, how well, and whether the models hold."""

from schemas.caveats import CONCURRENT, REGISTERED
from schemas.columns import (
    COMPLETENESS,
    CONDITION_LIST,
    EXPOSURE_RULE,
    FINANCIAL_YEAR,
    PEOPLE_COUNT,
    SETTING,
    described,
)
from schemas.table import Column, Table

_POPULATION = Column("population", "STRING", "all, or 3plus: people with three or more conditions of delphi52.")
_MODEL = Column(
    "model",
    "STRING",
    "two_part_gamma: logit of any use, gamma with log link of cost among users; two_part_log_ols_smearing: the same "
    "logit, least squares of log cost among users, brought back by Duan's smearing; one_part_gamma: gamma with log "
    "link of the cost of everybody, zeros in.",
)
_FITTED = Column(
    "fitted_count", "BIGINT", "People the part was fitted on; users only in the parts of cost.", unit="people"
)
_DESIGN = Column(
    "design", "STRING", "How to read the figure; a concurrent one is not comparable with a prospective one."
)
_REASON = Column("reason", "STRING", "Why there is no figure; null where there is one.", nullable=True)


def _figure(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name, "DOUBLE", description, nullable=True, unit=unit)


TWO_PART_MODEL = Table(
    name="two_part_model",
    step="analysis",
    grain="One row per financial year, population, setting, part and term.",
    description="What explains whether people use a setting and what it costs if they do: age, sex, deprivation, "
    "conditions and their number.",
    columns=(
        FINANCIAL_YEAR,
        _POPULATION,
        SETTING,
        Column(
            "part",
            "STRING",
            "any_use_logit: logit of any cost; cost_gamma_log: gamma with log link of cost in pence among users; "
            "cost_log_ols: least squares of the logarithm of cost in pence among users.",
        ),
        Column(
            "term",
            "STRING",
            "intercept, age_…, sex_…, deprivation_… (fifths, 1 the most deprived), condition_…, other_condition (any "
            "without a term of its own), count_… (number of conditions) or count_each_above_7. Against a man of 40 to "
            "44, least deprived, with at most one condition (all) or three (3plus).",
        ),
        _figure("coefficient", "On the scale of the link: exp of it is an odds ratio, or a ratio of costs."),
        _figure("robust_error", "Standard error robust to unequal variances (HC1)."),
        _figure("clustered_error", "Standard error clustered by practice; null with fewer than ten practices."),
        _figure("p_value", "Two-sided, normal, by the robust error."),
        _figure("clustered_p_value", "Two-sided, by the clustered error and t with one degree fewer than practices."),
        Column("stars", "STRING", "* p below 0.05, ** below 0.01, *** below 0.001, by p_value; empty: none of them."),
        Column(
            "term_people_count",
            "BIGINT",
            "People fitted on to whom the term applies; null where it was not fitted.",
            nullable=True,
            unit="people",
        ),
        _FITTED,
        described(PEOPLE_COUNT, "Registered people of the population, with those who used nothing."),
        Column("practice_count", "BIGINT", "Practices of the people fitted on.", unit="practices"),
        _REASON,
        _DESIGN,
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator="Registered people of the population; of the cost parts, its users.",
    caveats=(
        CONCURRENT,
        "A coefficient says what goes with what, and not what would change if a condition were prevented.",
        "Not adjusted for days registered.",
    ),
    key=("population", "setting", "part", "term"),
    sources=(
        "person_year",
        "person_year_cost",
        "person_year_morbidity",
        "person_year_condition",
        "condition_list",
        "feed_completeness",
    ),
    by_year=True,
)

MODEL_FIT = Table(
    name="model_fit",
    step="analysis",
    grain="One row per financial year, population, setting, model and sample.",
    description="How near the models come to each person's cost: in sample, and on the half of people that they were "
    "not fitted on. Nobody is trimmed, nothing capped.",
    columns=(
        FINANCIAL_YEAR,
        _POPULATION,
        SETTING,
        _MODEL,
        Column(
            "sample",
            "STRING",
            "in_sample: fitted and measured on all; held_out: fitted on half, measured on the other.",
        ),
        _figure("rmse_pence", "Root of the mean squared error of prediction.", "pence per person"),
        _figure(
            "mape_pence",
            "Mean absolute prediction error, not a percentage; people without cost are in it.",
            "pence per person",
        ),
        _figure(
            "r_squared", "1 - sum of squared errors / sum of squares about the mean; below 0: worse than the mean."
        ),
        _figure(
            "cpm", "Cumming's prediction measure: 1 - sum of absolute errors / sum of absolute distances from the mean."
        ),
        _figure("predictive_ratio", "Predicted over actual cost of the people measured."),
        _figure("mean_pence", "Mean actual cost of the people measured.", "pence per person"),
        Column(
            "smearing_by",
            "STRING",
            "all, or count_band: one factor for each where Breusch and Pagan's test rejects equal variances; null for "
            "models without smearing.",
            nullable=True,
        ),
        _figure("smearing_factor", "Duan's factor over all users fitted on: the mean of exp of the residuals."),
        _figure("smearing_lowest", "Smallest of the factors used."),
        _figure("smearing_highest", "Largest of the factors used."),
        Column(
            "any_use_by",
            "STRING",
            "logit, or share: that of users, the same for everybody, where the logit could not be fitted; null for "
            "one_part_gamma.",
            nullable=True,
        ),
        _FITTED,
        Column("measured_count", "BIGINT", "People whose cost was predicted.", unit="people"),
        described(PEOPLE_COUNT, "Registered people of the population, with those who used nothing."),
        _REASON,
        _DESIGN,
        Column("truncation", "STRING", "How large costs are capped."),
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator="Registered people of the population who are measured, users or not.",
    caveats=(
        "In sample flatters: read held_out.",
        "A model that fits everybody well may be wrong for groups: see the tests.",
    ),
    key=("population", "setting", "model", "sample"),
    sources=("two_part_model",),
    by_year=True,
)

MODEL_TEST = Table(
    name="model_test",
    step="analysis",
    grain="One row per financial year, population, setting, model and test.",
    description="Whether the models are the right ones: specification tests, with what they suggest.",
    columns=(
        FINANCIAL_YEAR,
        _POPULATION,
        SETTING,
        _MODEL,
        Column(
            "test",
            "STRING",
            "park: slope of log squared residuals on log predictions among users, p that it is 2 as of a gamma; "
            "link: Pregibon's, the squared linear predictor beside it; link_any_use: the same of the logit; "
            "breusch_pagan: unequal variances of log cost (Koenker's form); deciles: F that the mean error of every "
            "tenth of predictions is 0 (Hosmer and Lemeshow style); correlation: Pearson's, of error and prediction; "
            "copas: slope of actual on predicted cost in the half not fitted on, p that it is 1.",
        ),
        _figure("statistic", "Slope, coefficient, F, chi-squared or correlation, by test."),
        _figure("standard_error", "Robust standard error of a slope or coefficient."),
        _figure("p_value", "Two-sided."),
        Column("suggests", "STRING", "What the test says.", nullable=True),
        Column("tested_count", "BIGINT", "People in the test.", unit="people"),
        _REASON,
        _DESIGN,
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator="The people that the model is fitted or measured on.",
    caveats=("With a hundred thousand people small faults are significant: read the size, not only p.",),
    key=("population", "setting", "model", "test"),
    sources=("two_part_model",),
    by_year=True,
)

VARIANCE_SPLIT = Table(
    name="variance_split",
    step="analysis",
    grain="One row per financial year, condition list, outcome, timing and predictor.",
    description="Explained variance of age and number of conditions together, divided between them (Shapley, LMG). In "
    "sample, nothing capped.",
    columns=(
        FINANCIAL_YEAR,
        CONDITION_LIST,
        Column("outcome", "STRING", "Cost of what: total or one of the settings."),
        Column("timing", "STRING", "concurrent or prospective, as in explained_variance."),
        Column("predictor", "STRING", "age_band or count_band."),
        described(PEOPLE_COUNT, "People of the figure, with those who used nothing."),
        _figure("r_squared_alone", "What the predictor explains on its own."),
        _figure("r_squared_added", "What it adds to the other."),
        _figure("r_squared_together", "What both explain, every age band with every count band."),
        _figure("r_squared_part", "Mean of alone and added: its part of what both explain; the two parts sum to it."),
        _figure("r_squared_share", "The part over the whole; the two shares sum to 1."),
        _DESIGN,
        COMPLETENESS,
        EXPOSURE_RULE,
    ),
    denominator=REGISTERED,
    caveats=(
        "The parts depend on the two predictors and their bands; a third predictor would take from both.",
        "In sample: it describes, and foretells nothing.",
    ),
    key=("condition_list", "outcome", "timing", "predictor"),
    sources=("explained_variance",),
    by_year=True,
)

TABLES = (TWO_PART_MODEL, MODEL_FIT, MODEL_TEST, VARIANCE_SPLIT)
