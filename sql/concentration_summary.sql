-- concentration_summary: inequality of cost in single figures.
-- Grain: one row per financial year and scope.
-- Units: pence. Denominator: all registered people. Source: person_year_cost, feed_completeness.
-- Method: Gini from ranks; its variance by linearisation (Davidson 2009), which is the same for people of equal cost.
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
        ) as cost_up
    from of_a_cost
),

summed as (
    select
        scope,
        sum(people) as people,
        sum(cost * people) as cost,
        -- ranks of equals add up to people x (lowest + highest) / 2
        sum(cost * people * (2 * people_up - people + 1)) as twice_ranked_cost
    from ranked
    group by scope
),

placed as (
    select
        k.scope,
        k.cost,
        k.people,
        s.people as people_in_all,
        s.cost as cost_in_all,
        k.people_up - k.people as people_below,
        s.cost - k.cost_up as cost_above,
        k.cost - cast(floor(cast(s.cost as double) / nullif(cast(s.people as double), 0)) as decimal(38, 0))
            as from_mean,
        -- hundredths of pence, so that the sum of squares does not depend on the order of rows
        cast(floor(0.5 + 100 * (
            cast(k.cost as double) * (
                cast(k.people_up - k.people as double)
                - cast(s.twice_ranked_cost as double) / 2 / nullif(cast(s.cost as double), 0)
            )
            - cast(k.cost_up - k.cost * k.people as double)
        ) / nullif(cast(s.people as double), 0)) as decimal(38, 0)) as influence
    from ranked as k
    inner join summed as s on k.scope = s.scope
),

moment as (
    select
        scope,
        sum(people * influence) as influence,
        sum(people * influence * influence) as influence_squared,
        sum(people * from_mean) as first_moment,
        sum(people * from_mean * from_mean) as second_moment,
        sum(people * from_mean * from_mean * from_mean) as third_moment,
        max(case when 2 * people_below < people_in_all then cost end) as lower_middle,
        max(case when 2 * people_below <= people_in_all then cost end) as upper_middle
    from placed
    group by scope
),

rests_on as (  -- the least complete feed of the scope; a feed that was never due has no completeness
    select s.scope, case when count(f.completeness) = count(*) then min(f.completeness) end as completeness
    from feed_completeness as f
    inner join (values ('total'), ('health'), ('social_care')) as s(scope)
        on s.scope = 'total' or (s.scope = 'social_care') = (f.setting = 'social_care')
    where f.setting is not null
    group by s.scope
),

holding as (  -- those above the equals among whom the share is reached, and as many of these as it takes
    select
        k.scope,
        t.cost_percent,
        k.people_in_all - k.people_below - k.people + cast(floor(0.5 + cast(
            t.cost_percent * k.cost_in_all - 100 * k.cost_above
            + mod(
                100 * k.cost - mod(t.cost_percent * k.cost_in_all - 100 * k.cost_above, 100 * k.cost), 100 * k.cost
            ) as double
        ) / nullif(cast(100 * k.cost as double), 0)) as decimal(38, 0)) as people
    from placed as k
    inner join (values (50), (80)) as t(cost_percent)
        on
            100 * k.cost_above < t.cost_percent * k.cost_in_all
            and 100 * (k.cost_above + k.cost * k.people) >= t.cost_percent * k.cost_in_all
),

measured as (
    select
        s.scope,
        s.people,
        s.cost,
        cast(m.lower_middle + m.upper_middle as double) / 2 as median,
        cast(s.twice_ranked_cost - (s.people + 1) * s.cost as double)
        / nullif(cast(s.people * s.cost as double), 0) as gini,
        case
            when s.cost > 0
                then sqrt(
                    cast(m.influence_squared * s.people - m.influence * m.influence as double)
                    / nullif(cast(s.people as double), 0)
                ) / 50 / nullif(cast(s.cost as double), 0)
        end as gini_standard_error,
        case
            when s.cost > 0
                then sqrt(cast(m.second_moment * s.people - m.first_moment * m.first_moment as double))
                    / nullif(cast(s.cost as double), 0)
        end as coefficient_of_variation,
        cast(m.first_moment as double) / nullif(cast(s.people as double), 0) as first_mean,
        cast(m.second_moment as double) / nullif(cast(s.people as double), 0) as second_mean,
        cast(m.third_moment as double) / nullif(cast(s.people as double), 0) as third_mean,
        m.second_moment * s.people > m.first_moment * m.first_moment as is_uneven
    from summed as s
    inner join moment as m on s.scope = m.scope
)

select
    p.financial_year,
    k.scope,
    cast(k.people as bigint) as people_count,
    cast(k.cost as double) / nullif(cast(k.people as double), 0) as mean_pence_per_person,
    k.median as median_pence_per_person,
    k.gini,
    k.gini_standard_error,
    k.gini - 1.96 * k.gini_standard_error as gini_low,
    k.gini + 1.96 * k.gini_standard_error as gini_high,
    k.coefficient_of_variation,
    case
        when k.is_uneven
            then cast(
                k.third_mean - 3 * k.first_mean * k.second_mean + 2 * k.first_mean * k.first_mean * k.first_mean
                as double
            ) / nullif(power(k.second_mean - k.first_mean * k.first_mean, 1.5), 0)
    end as skewness,
    cast(h.people as bigint) as half_of_cost_people_count,
    cast(h.people as double) / nullif(cast(k.people as double), 0) as half_of_cost_people_share,
    cast(f.people as bigint) as four_fifths_of_cost_people_count,
    cast(f.people as double) / nullif(cast(k.people as double), 0) as four_fifths_of_cost_people_share,
    r.completeness,
    p.exposure_rule
from measured as k
left join holding as h on k.scope = h.scope and h.cost_percent = 50
left join holding as f on k.scope = f.scope and f.cost_percent = 80
left join rests_on as r on k.scope = r.scope
cross join run_parameters as p
