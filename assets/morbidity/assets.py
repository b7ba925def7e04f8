"""The assets of step 5, in the order in which they build on each other."""

from assets.tables import reference_table, sql_table
from schemas import morbidity as tables
from schemas.overlap import IDENTIFIER_OVERLAP

condition = reference_table(tables.CONDITION)
condition_icd10 = reference_table(tables.CONDITION_ICD10)
condition_snomed = reference_table(tables.CONDITION_SNOMED)
condition_list = reference_table(tables.CONDITION_LIST_MEMBER)
condition_hierarchy = reference_table(tables.CONDITION_HIERARCHY)
condition_evidence = sql_table(tables.CONDITION_EVIDENCE, IDENTIFIER_OVERLAP.name)
person_condition = sql_table(tables.PERSON_CONDITION)
person_year_morbidity = sql_table(tables.PERSON_YEAR_MORBIDITY)
