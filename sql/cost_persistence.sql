-- cost_persistence: whether people cost as much as the year before.
-- Grain: one row per financial year, way of grouping, group of the year before and group of the year.
-- Units: pence. Denominator: people registered in both years. Source: person_year_cost and feed_completeness of both.
with both_years as (
    select a.person_id, b.financial_year as year_before, b.total_pence as cost_before, a.total_pence as cost_now
    from person_year_cost as a
    inner join person_year_cost_before as b on a.person_id = b.person_id
    where a.is_registered and b.is_registered
),

of_a_cost as (  -- people of equal cost together: no rank among them can matter
    select t.timing, case t.timing when 'before' then b.cost_before else b.cost_now end as cost, count(*) as people
    from both_years as b
    cross join (values ('before'), ('now')) as t(timing)
    group by t.timing, case t.timing when 'before' then b.cost_before else b.cost_now end
),

ranked as (
    select
        timing,
        cost,
        people,
        sum(people) over (
            partition by timing order by cost asc nulls last rows between unbounded preceding and current row
        ) as people_up,
        sum(people) over (partition by timing) as people_in_all
    from of_a_cost
),

placed as (  -- by twice the middle rank of the equals, so that it is whole
    select
        timing,
        cost,
        cast(1 + floor(10 * (2 * people_up - people) / nullif(2 * people_in_all, 0)) as int) as decile,
        case when 20 * (2 * people_up - people) >= 19 * 2 * people_in_all then 'top' else 'rest' end as top_group
    from ranked
),

grouped as (
    select
        b.year_before,
        g.grouped_by,
        case g.grouped_by when 'decile' then cast(x.decile as string) else x.top_group end as group_before,
        case g.grouped_by when 'decile' then cast(y.decile as string) else y.top_group end as group_now,
        count(*) as people,
        sum(b.cost_before) as cost_before,
        sum(b.cost_now) as cost_now
    from both_years as b
    inner join placed as x on b.cost_before = x.cost and x.timing = 'before'
    inner join placed as y on b.cost_now = y.cost and y.timing = 'now'
    cross join (values ('decile'), ('top_5_percent')) as g(grouped_by)
    group by
        b.year_before,
        g.grouped_by,
        case g.grouped_by when 'decile' then cast(x.decile as string) else x.top_group end,
        case g.grouped_by when 'decile' then cast(y.decile as string) else y.top_group end
),

group_total as (
    select grouped_by, group_before, sum(people) as people
    from grouped
    group by grouped_by, group_before
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
),

rested_on as (
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness_before
    where setting is not null
)

select
    p.financial_year,
    g.year_before,
    g.grouped_by,
    g.group_before,
    g.group_now,
    cast(g.people as bigint) as people_count,
    cast(g.people as double) / nullif(cast(t.people as double), 0) as share_of_group_before,
    cast(g.cost_before as double) / nullif(cast(g.people as double), 0) as mean_before_pence,
    cast(g.cost_now as double) / nullif(cast(g.people as double), 0) as mean_now_pence,
    r.completeness,
    b.completeness as completeness_before,
    p.exposure_rule
from grouped as g
inner join group_total as t on g.grouped_by = t.grouped_by and g.group_before = t.group_before
cross join rests_on as r
cross join rested_on as b
cross join run_parameters as p
