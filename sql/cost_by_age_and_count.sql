-- cost_by_age_and_count: cost by age within a number of conditions, and by number of conditions within an age.
-- Grain: one row per financial year, condition list, age band and count band with at least one person.
-- Units: pence. Denominator: all registered people of the group. Source: person_year, person_year_morbidity,
-- person_year_cost, feed_completeness.
with registered as (
    select m.condition_list, y.age_band, m.count_band, cast(c.total_pence as decimal(38, 0)) as cost
    from person_year as y
    inner join person_year_morbidity as m on y.person_id = m.person_id
    inner join person_year_cost as c on y.person_id = c.person_id
),

cell as (
    select
        condition_list,
        age_band,
        count_band,
        cast(count(*) as decimal(38, 0)) as people_count,
        sum(cost) as cost,
        sum(cost * cost) as cost_squared
    from registered
    group by condition_list, age_band, count_band
),

age as (
    select
        condition_list,
        age_band,
        cast(sum(cost) as double) / nullif(cast(sum(people_count) as double), 0) as mean_total
    from cell
    group by condition_list, age_band
),

band as (
    select
        condition_list,
        count_band,
        cast(sum(cost) as double) / nullif(cast(sum(people_count) as double), 0) as mean_total
    from cell
    group by condition_list, count_band
),

spread as (  -- from whole numbers, so that large costs cancel exactly
    select
        condition_list,
        age_band,
        count_band,
        cost,
        cast(people_count as double) as people,
        cast(cost as double) / nullif(cast(people_count as double), 0) as mean_total,
        cast(people_count * cost_squared - cost * cost as double)
        / nullif(cast(people_count * (people_count - 1) as double), 0) as variance
    from cell
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
)

select
    p.financial_year,
    s.condition_list,
    s.age_band,
    s.count_band,
    cast(s.people as bigint) as people_count,
    cast(s.cost as bigint) as total_pence,
    s.mean_total as mean_total_pence,
    case when s.variance >= 0 then sqrt(s.variance) end as sd_total_pence,
    s.mean_total
    - case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_low_pence,
    s.mean_total
    + case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_high_pence,
    cast(s.mean_total as double) / nullif(a.mean_total, 0) as ratio_to_age_band,
    cast(s.mean_total as double) / nullif(b.mean_total, 0) as ratio_to_count_band,
    r.completeness,
    p.exposure_rule
from spread as s
inner join age as a on s.condition_list = a.condition_list and s.age_band = a.age_band
inner join band as b on s.condition_list = b.condition_list and s.count_band = b.count_band
cross join rests_on as r
cross join run_parameters as p
