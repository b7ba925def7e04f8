"""The assets of step 6."""

import dagster as dg

from assets.analysis.clustering import build_clustering
from assets.analysis.models import build_beside, build_models
from assets.analysis.setting_test import build_setting_test
from assets.tables import reference_table, sql_table
from pipelines.assets import table_asset
from pipelines.home import Home
from pipelines.store import Stored
from schemas import analysis as tables
from schemas import analysis_models as models
from schemas import analysis_pairs as pairs
from schemas import analysis_profile as profile
from schemas import analysis_segments as segments
from schemas import analysis_spread as spread
from schemas.table import Table

cost_by_setting = sql_table(tables.COST_BY_SETTING)
cost_by_age_band = sql_table(tables.COST_BY_AGE_BAND)
cost_by_condition_count = sql_table(tables.COST_BY_CONDITION_COUNT)
explained_variance = sql_table(tables.EXPLAINED_VARIANCE)
variance_split = sql_table(models.VARIANCE_SPLIT)


@table_asset(models.TWO_PART_MODEL)
def two_part_model(home: Home, year: str | None) -> Stored:
    """What explains use and cost."""
    assert year
    return build_models(home.store, year)


def _beside_the_model(table: Table) -> dg.AssetsDefinition:
    @table_asset(table)
    def build(home: Home, year: str | None) -> Stored:
        assert year
        return build_beside(home.store, table, year)

    return build


model_fit = _beside_the_model(models.MODEL_FIT)
model_test = _beside_the_model(models.MODEL_TEST)

conditions_by_age_band = sql_table(profile.CONDITIONS_BY_AGE_BAND)
condition_profile = sql_table(profile.CONDITION_PROFILE)
condition_by_comorbidity = sql_table(profile.CONDITION_BY_COMORBIDITY)
cost_by_age_and_count = sql_table(profile.COST_BY_AGE_AND_COUNT)

condition_pair = sql_table(pairs.CONDITION_PAIR)
condition_triad = sql_table(pairs.CONDITION_TRIAD)
condition_combination = sql_table(pairs.CONDITION_COMBINATION)


@table_asset(profile.COST_BY_SETTING_TEST)
def cost_by_setting_test(home: Home, year: str | None) -> Stored:
    """Whether users with three or more conditions cost another mean than the other users."""
    return build_setting_test(home.store, year)


concentration = sql_table(spread.CONCENTRATION)
concentration_summary = sql_table(spread.CONCENTRATION_SUMMARY)
lorenz_point = sql_table(spread.LORENZ_POINT)
high_cost_overlap = sql_table(spread.HIGH_COST_OVERLAP)
cost_persistence = sql_table(spread.COST_PERSISTENCE)


@table_asset(pairs.MULTIMORBIDITY_CLUSTERING)
def multimorbidity_clustering(home: Home, year: str | None) -> Stored:
    """People by number of conditions beside how many would be if conditions were independent."""
    return build_clustering(home.store, year)


segment_rule = reference_table(segments.SEGMENT_RULE)
person_year_segment = sql_table(segments.PERSON_YEAR_SEGMENT)
segment_summary = sql_table(segments.SEGMENT_SUMMARY)
segmentation_fit = sql_table(segments.SEGMENTATION_FIT)
morbidity_by_look_back = sql_table(segments.MORBIDITY_BY_LOOK_BACK)
condition_by_look_back = sql_table(segments.CONDITION_BY_LOOK_BACK)
