-- high_cost_overlap: whether high cost in health and in social care meet in the same people.
-- Grain: one row per financial year and group, of four.
-- Units: pence. Denominator: all registered people. Source: person_year_cost, feed_completeness.
-- Method: high cost is the fewest people who hold half of the cost, by person_id among people of equal cost.
with registered as (
    select
        c.person_id,
        c.financial_year,
        c.total_pence - c.social_care_pence as health_cost,
        c.social_care_pence as social_care_cost
    from person_year_cost as c
    where c.is_registered
),

spent as (
    select
        r.person_id,
        s.scope,
        cast(case s.scope when 'health' then r.health_cost else r.social_care_cost end as decimal(38, 0)) as cost
    from registered as r
    cross join (values ('health'), ('social_care')) as s(scope)
),

of_a_cost as (
    select scope, cost, cast(count(*) as decimal(38, 0)) as people
    from spent
    group by scope, cost
),

ranked as (
    select
        scope,
        cost,
        sum(cost * people) over (
            partition by scope order by cost desc nulls last rows between unbounded preceding and current row
        ) - cost * people as cost_above,
        sum(cost * people) over (partition by scope) as cost_in_all
    from of_a_cost
),

needed as (  -- a cost that belongs to the half, wholly or in part
    select scope, cost, cost_above, cost_in_all
    from ranked
    where 2 * cost_above < cost_in_all
),

among_equals as (
    select
        s.person_id,
        s.scope,
        n.cost,
        n.cost_above,
        n.cost_in_all,
        row_number() over (partition by s.scope, s.cost order by s.person_id asc nulls last) as place
    from spent as s
    inner join needed as n on s.scope = n.scope and s.cost = n.cost
),

high as (
    select person_id, scope
    from among_equals
    where 2 * (cost_above + (place - 1) * cost) < cost_in_all
),

grouped as (
    select
        case
            when h.person_id is not null and s.person_id is not null then 'both'
            when h.person_id is not null then 'health'
            when s.person_id is not null then 'social_care'
            else 'neither'
        end as high_cost_in,
        r.health_cost,
        r.social_care_cost
    from registered as r
    left join high as h on r.person_id = h.person_id and h.scope = 'health'
    left join high as s on r.person_id = s.person_id and s.scope = 'social_care'
),

summed as (
    select
        v.high_cost_in,
        count(g.high_cost_in) as people,
        coalesce(sum(g.health_cost), 0) as health_cost,
        coalesce(sum(g.social_care_cost), 0) as social_care_cost
    from (values ('both'), ('health'), ('social_care'), ('neither')) as v(high_cost_in)
    left join grouped as g on v.high_cost_in = g.high_cost_in
    group by v.high_cost_in
),

whole as (
    select
        sum(people) as people,
        sum(case when high_cost_in in ('both', 'health') then people else 0 end) as health_people,
        sum(case when high_cost_in in ('both', 'social_care') then people else 0 end) as social_care_people,
        sum(health_cost) as health_cost,
        sum(social_care_cost) as social_care_cost
    from summed
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
)

select
    p.financial_year,
    s.high_cost_in,
    cast(s.people as bigint) as people_count,
    cast(s.people as double) / nullif(cast(w.people as double), 0) as people_share,
    cast(
        case when s.high_cost_in in ('both', 'health') then w.health_people else w.people - w.health_people end
        as double
    ) * cast(
        case
            when s.high_cost_in in ('both', 'social_care') then w.social_care_people
            else w.people - w.social_care_people
        end as double
    ) / nullif(cast(w.people as double), 0) as expected_people_count,
    cast(s.health_cost as double) / nullif(cast(s.people as double), 0) as mean_health_pence,
    cast(s.social_care_cost as double) / nullif(cast(s.people as double), 0) as mean_social_care_pence,
    cast(s.health_cost as double) / nullif(cast(w.health_cost as double), 0) as health_cost_share,
    cast(s.social_care_cost as double) / nullif(cast(w.social_care_cost as double), 0) as social_care_cost_share,
    cast(s.health_cost + s.social_care_cost as double)
    / nullif(cast(w.health_cost + w.social_care_cost as double), 0) as cost_share,
    r.completeness,
    p.exposure_rule
from summed as s
cross join whole as w
cross join rests_on as r
cross join run_parameters as p
