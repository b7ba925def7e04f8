-- person_year_condition: the long-term conditions in force in a year, with the sources that know them.
-- Grain: one row per registered person, financial year and condition coded within the look-back, less what a graver
-- condition suppresses.
-- Source: condition_evidence within the look-back of run_parameters, person_year, condition_hierarchy.
with coded as (
    select
        y.financial_year,
        e.person_id,
        e.condition_code,
        bool_or(e.evidence_source = 'gp') as in_gp,
        bool_or(e.evidence_source = 'hospital') as in_hospital,
        bool_or(e.evidence_source = 'mental_health') as in_mental_health
    from condition_evidence as e
    inner join person_year as y on e.person_id = y.person_id
    cross join run_parameters as p
    where e.financial_year between p.look_back_first_year and p.financial_year
    group by y.financial_year, e.person_id, e.condition_code
),

suppressed as (  -- the milder condition beside a graver one
    select c.person_id, h.suppresses_condition_code as condition_code
    from coded as c
    inner join condition_hierarchy as h on c.condition_code = h.condition_code
)

select
    c.financial_year,
    c.person_id,
    c.condition_code,
    c.in_gp,
    c.in_hospital,
    c.in_mental_health
from coded as c
where
    not exists (
        select 1 from suppressed as s where s.person_id = c.person_id and s.condition_code = c.condition_code
    )
