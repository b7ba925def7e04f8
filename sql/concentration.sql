-- concentration: what the costliest people cost.
-- Grain: one row per financial year, scope and share of people.
-- Units: pence. Denominator: all registered people. Source: person_year_cost, feed_completeness.
-- Method: the costliest n x percent / 100 people, with part of the last one's cost where that is no whole number.
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
            partition by scope order by cost desc nulls last rows between unbounded preceding and current row
        ) as people_down,
        sum(cost * people) over (
            partition by scope order by cost desc nulls last rows between unbounded preceding and current row
        ) as cost_down,
        sum(people) over (partition by scope) as people_in_all,
        sum(cost * people) over (partition by scope) as cost_in_all
    from of_a_cost
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
    t.top_percent,
    cast(ceil(cast(k.people_in_all * t.top_percent as double) / 100) as bigint) as people_count,
    cast(k.cost as bigint) as threshold_pence_per_person,
    -- what they hold with all of their equals, less what those hold who are one too many
    cast(100 * k.cost_down - k.cost * (100 * k.people_down - t.top_percent * k.people_in_all) as double)
    / nullif(cast(100 * k.cost_in_all as double), 0) as cost_share,
    r.completeness,
    p.exposure_rule
from ranked as k
inner join (values (1), (2), (4), (5), (6), (10), (20), (50)) as t(top_percent)
    on
        100 * (k.people_down - k.people) < t.top_percent * k.people_in_all
        and 100 * k.people_down >= t.top_percent * k.people_in_all
left join rests_on as r on k.scope = r.scope
cross join run_parameters as p
