"""The assets of step 5, in the order in which they build on each other."""

import dagster as dg

from assets.morbidity.codes import build_with_own
from assets.tables import reference_table, sql_table
from pipelines.assets import table_asset
from pipelines.home import Home
from pipelines.store import Stored
from schemas import morbidity as tables
from schemas import scores
from schemas.overlap import IDENTIFIER_OVERLAP
from schemas.table import Table


def table_with_own_codes(table: Table) -> dg.AssetsDefinition:
    """The asset of a reference table to which a home may have loaded rows of its own."""

    @table_asset(table)
    def build(home: Home, year: str | None) -> Stored:
        return build_with_own(home.store, home.root, table)

    return build


condition = table_with_own_codes(tables.CONDITION)
condition_icd10 = table_with_own_codes(tables.CONDITION_ICD10)
condition_snomed = table_with_own_codes(tables.CONDITION_SNOMED)
condition_list = table_with_own_codes(tables.CONDITION_LIST_MEMBER)
condition_list_band = reference_table(tables.CONDITION_LIST_BAND)
condition_hierarchy = reference_table(tables.CONDITION_HIERARCHY)
condition_evidence = sql_table(tables.CONDITION_EVIDENCE, IDENTIFIER_OVERLAP.name)
person_condition = sql_table(tables.PERSON_CONDITION)
person_year_condition = sql_table(tables.PERSON_YEAR_CONDITION)
person_year_morbidity = sql_table(tables.PERSON_YEAR_MORBIDITY)

score = reference_table(scores.SCORE)
score_code = reference_table(scores.SCORE_CODE)
score_condition = reference_table(scores.SCORE_CONDITION)
score_weight = reference_table(scores.SCORE_WEIGHT)
score_hierarchy = reference_table(scores.SCORE_HIERARCHY)
score_rule = reference_table(scores.SCORE_RULE)
score_age_point = reference_table(scores.SCORE_AGE_POINT)
score_band = reference_table(scores.SCORE_BAND)
score_evidence = sql_table(scores.SCORE_EVIDENCE, IDENTIFIER_OVERLAP.name)
person_year_score = sql_table(scores.PERSON_YEAR_SCORE)
