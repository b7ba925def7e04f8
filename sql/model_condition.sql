-- model_condition: which conditions of the list delphi52 each registered person is counted with.
-- Grain: one row per financial year, person and unit that the list counts.
-- Source: person_year, condition_evidence within the look-back of run_parameters, condition_list, condition_hierarchy:
-- the rows that condition_count of person_year_morbidity counts.
with coded as (
    select distinct e.person_id, e.condition_code
    from condition_evidence as e
    cross join run_parameters as p
    where e.financial_year between p.look_back_first_year and p.financial_year
),

suppressed as (  -- the milder condition beside a graver one
    select c.person_id, h.suppresses_condition_code as condition_code
    from coded as c
    inner join condition_hierarchy as h on c.condition_code = h.condition_code
)

select distinct y.financial_year, y.person_id, l.counted_as
from person_year as y
inner join coded as c on y.person_id = c.person_id
inner join condition_list as l on c.condition_code = l.condition_code
where
    l.condition_list = 'delphi52'
    and not exists (
        select 1 from suppressed as s where s.person_id = c.person_id and s.condition_code = c.condition_code
    )
