-- person_condition: first and last date of each condition, and which sources know it.
-- Grain: one row per person and condition ever coded.
-- Source: condition_evidence.
select
    person_id,
    condition_code,
    min(first_date) as first_date,
    max(last_date) as last_date,
    bool_or(evidence_source = 'gp') as in_gp,
    bool_or(evidence_source = 'hospital') as in_hospital,
    bool_or(evidence_source = 'mental_health') as in_mental_health
from condition_evidence
group by person_id, condition_code
