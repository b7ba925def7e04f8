"""The assets of step 7."""

from assets.tables import reference_table, sql_table
from schemas.cohorts import COHORT_CANDIDATE, COHORT_RULE

cohort_rule = reference_table(COHORT_RULE)
cohort_candidate = sql_table(COHORT_CANDIDATE)
