-- lorenz_point: the Lorenz curve of cost.
-- Grain: one row per financial year, scope and percentile of people, 0 to 100.
-- Units: shares. Denominator: all registered people. Source: person_year_cost, feed_completeness.
with spent as (
    select
        s.scope,
        case s.scope
            when 'total' then c.total_pence
            when 'social_care' then c.social_care_pence
            else c.total_pence - c.social_care_pence
        end as cost
    from person_year_cost as c
    cross join (values ('total'), ('health'), ('social_care')) as s(scope)
    where c.is_registered
),

of_a_cost as (  -- people of equal cost together: no rank among them can matter
    select scope, cast(cost as decimal(38, 0)) as cost, cast(count(*) as decimal(38, 0)) as people
    from spent
    group by scope, cost
),

ranked as (
    select
        scope,
        cost,
        people,
        sum(people) over (
            partition by scope order by cost asc nulls last rows between unbounded preceding and current row
        ) as people_up,
        sum(cost * people) over (
            partition by scope order by cost asc nulls last rows between unbounded preceding and current row
        ) as cost_up,
        sum(people) over (partition by scope) as people_in_all,
        sum(cost * people) over (partition by scope) as cost_in_all
    from of_a_cost
),

percentile_point as (
    select 10 * a.ten + b.one as percentile
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)) as a(ten)
    cross join (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as b(one)
    where 10 * a.ten + b.one <= 100
),

rests_on as (  -- the least complete feed of the scope; a feed that was never due has no completeness
    select s.scope, case when count(f.completeness) = count(*) then min(f.completeness) end as completeness
    from feed_completeness as f
    inner join (values ('total'), ('health'), ('social_care')) as s(scope)
        on s.scope = 'total' or (s.scope = 'social_care') = (f.setting = 'social_care')
    where f.setting is not null
    group by s.scope
)

select
    p.financial_year,
    k.scope,
    t.percentile,
    cast(floor(cast(k.people_in_all * t.percentile as double) / 100) as bigint) as people_count,
    cast(100 * k.cost_up - k.cost * (100 * k.people_up - t.percentile * k.people_in_all) as double)
    / nullif(cast(100 * k.cost_in_all as double), 0) as cost_share,
    r.completeness,
    p.exposure_rule
from ranked as k
inner join percentile_point as t
    on
        -- no people are the first of the least costly ones
        (100 * (k.people_up - k.people) < t.percentile * k.people_in_all or k.people_up - k.people + t.percentile = 0)
        and 100 * k.people_up >= t.percentile * k.people_in_all
left join rests_on as r on k.scope = r.scope
cross join run_parameters as p
