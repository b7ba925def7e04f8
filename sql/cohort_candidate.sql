-- cohort_candidate: how many people each named rule selects and what their care costs.
-- Grain: one row per financial year and rule.
-- Units: pence. Denominator: all registered people. Source: cohort_rule, person_year_morbidity, person_year_cost,
-- feed_completeness.
with selected as (
    select
        r.rule_code,
        case when m.condition_count >= r.minimum_condition_count then 1 else 0 end as is_member,
        c.total_pence
    from cohort_rule as r
    inner join person_year_morbidity as m on r.condition_list = m.condition_list
    inner join person_year_cost as c on m.person_id = c.person_id
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
)

select
    p.financial_year,
    s.rule_code,
    cast(sum(s.is_member) as bigint) as people_count,
    cast(sum(s.is_member) as double) / nullif(count(*), 0) as people_share,
    cast(sum(s.is_member * s.total_pence) as bigint) as total_pence,
    cast(sum(s.is_member * s.total_pence) as double) / nullif(cast(sum(s.total_pence) as double), 0) as cost_share,
    cast(sum(s.is_member * s.total_pence) as double)
    / nullif(cast(sum(s.is_member) as double), 0) as mean_pence_per_person,
    r.completeness,
    p.exposure_rule
from selected as s
cross join rests_on as r
cross join run_parameters as p
group by p.financial_year, s.rule_code, r.completeness, p.exposure_rule
