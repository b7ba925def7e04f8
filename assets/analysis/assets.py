"""The assets of step 6."""

from assets.tables import sql_table
from schemas import analysis as tables

cost_by_setting = sql_table(tables.COST_BY_SETTING)
cost_by_age_band = sql_table(tables.COST_BY_AGE_BAND)
cost_by_condition_count = sql_table(tables.COST_BY_CONDITION_COUNT)
explained_variance = sql_table(tables.EXPLAINED_VARIANCE)
