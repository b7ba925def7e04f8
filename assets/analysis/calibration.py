"""South Somerset's published figures beside those of a release: how near the synthetic county comes.

Belongs here: the measures, computed from published tables alone.
Does not belong here: the targets, which are cited data, and how they are shown (`cli`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from assets.reference import FOLDER

# One row per registered person of the year: the costs, the age and the counts that every measure is made from.
_PERSON = """
create temporary table person as
select c.total_pence as cost, c.social_care_pence, y.age_mid_year as age,
    all52.condition_count as conditions, eight.condition_count as priority,
    row_number() over (order by c.total_pence desc, c.person_id) as place,
    count(*) over () as people, sum(c.total_pence) over () as all_cost
from restricted.person_year as y
join restricted.person_year_cost as c using (financial_year, person_id)
join restricted.person_year_morbidity as all52 on all52.financial_year = y.financial_year
    and all52.person_id = y.person_id and all52.condition_list = 'delphi52'
join restricted.person_year_morbidity as eight on eight.financial_year = y.financial_year
    and eight.person_id = y.person_id and eight.condition_list = 'priority8'
where y.financial_year = $year
"""

_SHARES = """
select
    avg((age >= 65)::int) as aged_65_plus_share,
    sum(cost) filter (place <= people * 0.01) / max(all_cost) as top_1_percent_share,
    sum(cost) filter (place <= people * 0.05) / max(all_cost) as top_5_percent_share,
    sum(cost) filter (place <= people * 0.21) / max(all_cost) as top_21_percent_share,
    sum(cost::double * (people + 1 - 2 * place::double)) / max(people) / max(all_cost) as gini,
    stddev_pop(cost) / avg(cost) as cv_total_cost,
    median(cost::double) / avg(cost) as median_over_mean,
    avg((priority = 0)::int) as priority8_0_share,
    avg((priority = 1)::int) as priority8_1_share,
    avg((priority = 2)::int) as priority8_2_share,
    avg((priority >= 3)::int) as priority8_3plus_share,
    avg((conditions > 0)::int) as any_condition_share,
    avg((conditions > 0)::int) filter (age >= 65) as any_condition_65_plus_share,
    avg((conditions > 1)::int) filter (age >= 18) as two_plus_adult_share,
    avg((social_care_pence > 0)::int) filter (age >= 75) as social_care_75_plus_share
from person
"""


@dataclass(frozen=True)
class Calibration:
    """One measure: what was aimed at and what a release shows.

    Attributes:
        grade: hard if it must be met, soft if it is a band of plausibility.
    """

    measure: str
    description: str
    target: float
    low: float
    high: float
    grade: str
    source: str
    achieved: float

    @property
    def is_met(self) -> bool:
        """Whether the release lies within the tolerance."""
        return self.low <= self.achieved <= self.high


def calibration(catalogue: Path, year: str) -> list[Calibration]:
    """Targets beside what a release shows for a year, over all people registered on any day, cost not annualised."""
    with duckdb.connect(str(catalogue), read_only=True) as release:
        achieved = _achieved(release, year)
    targets = pl.read_csv(
        FOLDER / "calibration_target.csv", schema_overrides=dict.fromkeys(("target", "low", "high"), pl.Float64)
    )
    return [Calibration(**row, achieved=achieved[row["measure"]]) for row in targets.iter_rows(named=True)]


def _achieved(release: duckdb.DuckDBPyConnection, year: str) -> dict[str, float]:
    release.execute(_PERSON, {"year": year})
    shares = release.execute(_SHARES)
    found = dict(zip([column[0] for column in shares.description], shares.fetchall()[0], strict=True))

    def ask(sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return release.execute(sql, [year, *parameters]).fetchall()

    found |= dict(
        ask(
            "select setting || '_share', cost_share from restricted.cost_by_setting"
            " where financial_year = ? and morbidity_group = 'all'"
        )
    )
    r_squared = dict(
        ask(
            "select predictor, r_squared from restricted.explained_variance"
            " where financial_year = ? and condition_list = 'delphi52' and outcome = 'total' and timing = 'concurrent'"
            " and validation = 'in_sample' and truncation = 'none'"
        )
    )
    mean = {
        band: (total, inpatient)
        for band, total, inpatient in ask(
            "select count_band, mean_total_pence, mean_inpatient_pence from restricted.cost_by_condition_count"
            " where financial_year = ? and condition_list = 'delphi52' and count_band in ('1', '7+')"
        )
    }
    many, one = mean["7+"], mean["1"]
    cohort = ask(
        "select people_share, cost_share from restricted.cohort_candidate"
        " where financial_year = ? and rule_code = 'priority8_3plus'"
    )[0]
    return found | {
        "r2_count": r_squared["count_band"],
        "r2_age": r_squared["age_band"],
        "cost_ratio_7plus_to_1": many[0] / one[0],
        "inpatient_share_of_difference": (many[1] - one[1]) / (many[0] - one[0]),
        "cohort_people_share": cohort[0],
        "cohort_cost_share": cohort[1],
    }
