"""The assets of step 6."""

from assets.tables import sql_table
from schemas import analysis as tables
from schemas import analysis_spread as spread

cost_by_setting = sql_table(tables.COST_BY_SETTING)
cost_by_age_band = sql_table(tables.COST_BY_AGE_BAND)
cost_by_condition_count = sql_table(tables.COST_BY_CONDITION_COUNT)
explained_variance = sql_table(tables.EXPLAINED_VARIANCE)
concentration = sql_table(spread.CONCENTRATION)
concentration_summary = sql_table(spread.CONCENTRATION_SUMMARY)
lorenz_point = sql_table(spread.LORENZ_POINT)
high_cost_overlap = sql_table(spread.HIGH_COST_OVERLAP)
cost_persistence = sql_table(spread.COST_PERSISTENCE)
