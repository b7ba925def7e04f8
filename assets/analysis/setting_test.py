"""The test of users' cost: people with three or more conditions against the rest, setting by setting.

Belongs here: Welch's test from means, standard deviations and numbers of users.
Does not belong here: the means themselves (`sql/cost_by_setting.sql`).

Welch, Biometrika 34 (1947), 28-35. The test takes the two groups for independent samples of larger populations and
their means for normal, which holds for hundreds of users even where costs are skewed, and not for a handful.
"""

from typing import Any

import polars as pl

from pipelines.build import build_frame
from pipelines.store import Store, Stored
from schemas.analysis_profile import COST_BY_SETTING_TEST

_LEVEL = 0.95
_GROUPS = ("3plus", "rest")
_METHOD = "welch"


def build_setting_test(store: Store, year: str | None) -> Stored:
    """Build the table from `cost_by_setting` of the year."""
    return build_frame(
        store, COST_BY_SETTING_TEST, (_METHOD, _LEVEL), lambda: setting_test(store.frame("cost_by_setting", year)), year
    )


def setting_test(by_setting: pl.DataFrame) -> pl.DataFrame:
    """One row per setting of `cost_by_setting`, with the test of its two groups; one without anybody has no users."""
    rows = []
    for setting in by_setting["setting"].unique().sort():
        whole, *groups = (_group(by_setting, setting, name) for name in ("all", *_GROUPS))
        found: dict[str, Any] = {name: whole[name] for name in ("financial_year", "setting")}
        found |= {f"user_count_{name}": group.get("user_count", 0) for name, group in zip(_GROUPS, groups, strict=True)}
        found |= _welch(*groups)
        rows.append(found | {name: whole[name] for name in ("completeness", "exposure_rule")})
    return pl.DataFrame(rows, schema=COST_BY_SETTING_TEST.empty_frame().schema)


def _group(by_setting: pl.DataFrame, setting: str, name: str) -> dict[str, Any]:
    return next(by_setting.filter(setting=setting, morbidity_group=name).iter_rows(named=True), {})


def _welch(many: dict[str, Any], rest: dict[str, Any]) -> dict[str, float]:
    """The difference of two means, its interval, t, degrees of freedom and two-sided p, as far as they are defined."""
    from scipy.special import stdtr, stdtrit  # which takes a while, and most commands do without

    if not many.get("user_count") or not rest.get("user_count"):
        return {}
    difference = many["mean_pence_per_user"] - rest["mean_pence_per_user"]
    found = {"difference_pence_per_user": difference}
    spreads = [many["sd_pence_per_user"], rest["sd_pence_per_user"]]
    if None in spreads or not any(spreads):
        return found
    users = [many["user_count"], rest["user_count"]]
    of_mean = [spread**2 / count for spread, count in zip(spreads, users, strict=True)]
    error = sum(of_mean) ** 0.5
    df = sum(of_mean) ** 2 / sum(part**2 / (count - 1) for part, count in zip(of_mean, users, strict=True))
    t = difference / error
    half = stdtrit(df, (1 + _LEVEL) / 2) * error
    return found | {
        "difference_low_pence_per_user": difference - half,
        "difference_high_pence_per_user": difference + half,
        "welch_t": t,
        "welch_df": df,
        "p_value": 2 * stdtr(df, -abs(t)),
    }
