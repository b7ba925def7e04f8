-- condition_by_comorbidity: what people with a condition cost by how many others they have beside it.
-- Grain: one row per financial year, condition list, condition as the list counts it, and number of others with at
-- least one person.
-- Units: pence. Denominator: registered people with the condition, users or not. Source: person_year_condition,
-- person_year_morbidity, person_year_cost, condition_list, feed_completeness.
with held as (  -- once, whichever of the codes that count as one a person has
    select distinct l.condition_list, l.counted_as, c.person_id
    from person_year_condition as c
    inner join condition_list as l on c.condition_code = l.condition_code
),

beside as (
    select
        h.condition_list,
        h.counted_as,
        case
            when m.condition_count - 1 >= 3 then '3+'
            else cast(m.condition_count - 1 as string)
        end as other_band,
        cast(c.total_pence as decimal(38, 0)) as cost
    from held as h
    inner join person_year_morbidity as m on h.person_id = m.person_id and h.condition_list = m.condition_list
    inner join person_year_cost as c on h.person_id = c.person_id
),

ring as (
    select
        condition_list,
        counted_as,
        other_band,
        cast(count(*) as decimal(38, 0)) as people_count,
        sum(cost) as cost,
        sum(cost * cost) as cost_squared
    from beside
    group by condition_list, counted_as, other_band
),

spoke as (
    select condition_list, counted_as, sum(people_count) as people_count
    from ring
    group by condition_list, counted_as
),

spread as (  -- from whole numbers, so that large costs cancel exactly
    select
        g.condition_list,
        g.counted_as,
        g.other_band,
        cast(g.people_count as double) as people,
        cast(g.people_count as double) / nullif(cast(s.people_count as double), 0) as people_share,
        cast(g.cost as double) / nullif(cast(g.people_count as double), 0) as mean_total,
        cast(g.people_count * g.cost_squared - g.cost * g.cost as double)
        / nullif(cast(g.people_count * (g.people_count - 1) as double), 0) as variance
    from ring as g
    inner join spoke as s on g.condition_list = s.condition_list and g.counted_as = s.counted_as
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    s.condition_list,
    s.counted_as,
    s.other_band,
    cast(s.people as bigint) as people_count,
    s.people_share,
    s.mean_total as mean_total_pence,
    case when s.variance >= 0 then sqrt(s.variance) end as sd_total_pence,
    s.mean_total
    - case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_low_pence,
    s.mean_total
    + case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_high_pence,
    r.completeness,
    p.exposure_rule
from spread as s
cross join rests_on as r
cross join run_parameters as p
