-- conditions_by_age_band: how many conditions people of each age live with.
-- Grain: one row per financial year, condition list, age band and count band with at least one person.
-- Denominator: all registered people of the age band. Source: person_year, person_year_morbidity, feed_completeness.
with cell as (
    select m.condition_list, y.age_band, m.count_band, count(*) as people_count
    from person_year as y
    inner join person_year_morbidity as m on y.person_id = m.person_id
    group by m.condition_list, y.age_band, m.count_band
),

age as (
    select condition_list, age_band, sum(people_count) as people_count
    from cell
    group by condition_list, age_band
),

rests_on as (  -- the least complete feed that codes conditions; one that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where feed in ('gp_coded_event', 'apc_spell', 'mh_diagnosis')
)

select
    p.financial_year,
    c.condition_list,
    c.age_band,
    c.count_band,
    cast(c.people_count as bigint) as people_count,
    cast(c.people_count as double) / nullif(cast(a.people_count as double), 0) as people_share,
    r.completeness,
    p.exposure_rule
from cell as c
inner join age as a on c.condition_list = a.condition_list and c.age_band = a.age_band
cross join rests_on as r
cross join run_parameters as p
