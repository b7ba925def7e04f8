"""The assets of step 6."""

from assets.analysis.setting_test import build_setting_test
from assets.tables import reference_table, sql_table
from pipelines.assets import table_asset
from pipelines.home import Home
from pipelines.store import Stored
from schemas import analysis as tables
from schemas import analysis_profile as profile
from schemas import analysis_segments as segments

cost_by_setting = sql_table(tables.COST_BY_SETTING)
cost_by_age_band = sql_table(tables.COST_BY_AGE_BAND)
cost_by_condition_count = sql_table(tables.COST_BY_CONDITION_COUNT)
explained_variance = sql_table(tables.EXPLAINED_VARIANCE)

conditions_by_age_band = sql_table(profile.CONDITIONS_BY_AGE_BAND)
condition_profile = sql_table(profile.CONDITION_PROFILE)
condition_by_comorbidity = sql_table(profile.CONDITION_BY_COMORBIDITY)
cost_by_age_and_count = sql_table(profile.COST_BY_AGE_AND_COUNT)


@table_asset(profile.COST_BY_SETTING_TEST)
def cost_by_setting_test(home: Home, year: str | None) -> Stored:
    """Whether users with three or more conditions cost another mean than the other users."""
    return build_setting_test(home.store, year)


segment_rule = reference_table(segments.SEGMENT_RULE)
person_year_segment = sql_table(segments.PERSON_YEAR_SEGMENT)
segment_summary = sql_table(segments.SEGMENT_SUMMARY)
segmentation_fit = sql_table(segments.SEGMENTATION_FIT)
morbidity_by_look_back = sql_table(segments.MORBIDITY_BY_LOOK_BACK)
condition_by_look_back = sql_table(segments.CONDITION_BY_LOOK_BACK)
