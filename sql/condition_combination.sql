-- condition_combination: everything that people have of a list, and nothing else.
-- Grain: one row per financial year, condition list and exact combination of at least ten people; one row for others.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_morbidity, person_year_cost,
-- feed_completeness.
with registered as (
    select y.person_id, cast(c.total_pence as decimal(38, 0)) as cost
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
),

exact as (
    select
        m.condition_list,
        m.combination,
        max(m.condition_count) as condition_count,
        cast(count(*) as decimal(38, 0)) as people,
        sum(r.cost) as cost,
        sum(r.cost * r.cost) as cost_squared
    from registered as r
    inner join person_year_morbidity as m on r.person_id = m.person_id
    group by m.condition_list, m.combination
),

shown as (
    select
        condition_list,
        case when people < 10 then 'other' else combination end as combination,
        case when people >= 10 then condition_count end as condition_count,
        people,
        cost,
        cost_squared
    from exact
),

summed as (
    select
        condition_list,
        combination,
        max(condition_count) as condition_count,
        count(*) as combination_count,
        sum(people) as people,
        sum(cost) as cost,
        sum(cost_squared) as cost_squared
    from shown
    group by condition_list, combination
),

population as (select count(*) as people, sum(cost) as cost from registered),

measured as (
    select
        s.condition_list,
        s.combination,
        s.condition_count,
        s.combination_count,
        s.people,
        cast(s.people as double) as divisor,
        cast(s.people as double) / nullif(cast(n.people as double), 0) as people_share,
        s.cost,
        cast(s.cost as double) / nullif(cast(n.cost as double), 0) as cost_share,
        cast(s.cost as double) / nullif(cast(s.people as double), 0) as mean_total,
        cast(s.people * s.cost_squared - s.cost * s.cost as double)
        / nullif(cast(s.people * (s.people - 1) as double), 0) as variance
    from summed as s
    cross join population as n
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    m.condition_list,
    m.combination,
    cast(m.condition_count as int) as condition_count,
    cast(m.combination_count as bigint) as combination_count,
    cast(m.people as bigint) as people_count,
    m.people_share,
    cast(m.cost as bigint) as total_pence,
    m.cost_share,
    m.mean_total as mean_total_pence,
    case when m.variance >= 0 then sqrt(m.variance) end as sd_total_pence,
    m.mean_total
    - case when m.variance >= 0 then 1.96 * sqrt(cast(m.variance as double) / nullif(m.divisor, 0)) end
        as mean_total_low_pence,
    m.mean_total
    + case when m.variance >= 0 then 1.96 * sqrt(cast(m.variance as double) / nullif(m.divisor, 0)) end
        as mean_total_high_pence,
    r.completeness,
    p.exposure_rule
from measured as m
cross join rests_on as r
cross join run_parameters as p
