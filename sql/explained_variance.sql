-- explained_variance: how much of the variance of individual cost the groups of a predictor explain.
-- Grain: one row per financial year, condition list and predictor.
-- Method: 1 - within / total sum of squares, summed exactly. Concurrent: conditions and cost of the same year.
-- Source: person_year, person_year_cost, person_year_morbidity, feed_completeness. Denominator: all registered people.
with registered as (
    select
        m.condition_list,
        y.age_band,
        coalesce(y.sex_code, 'X') as sex_code,
        m.count_band,
        cast(c.total_pence as decimal(38, 0)) as cost
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
    inner join person_year_morbidity as m on y.person_id = m.person_id
),

grouped as (
    select condition_list, 'age_band' as predictor, age_band as cell, cost from registered
    union all
    select condition_list, 'sex' as predictor, sex_code as cell, cost from registered
    union all
    select condition_list, 'age_band_sex' as predictor, age_band || ' ' || sex_code as cell, cost from registered
    union all
    select condition_list, 'count_band' as predictor, count_band as cell, cost from registered
    union all
    select condition_list, 'age_band_count_band' as predictor, age_band || ' ' || count_band as cell, cost
    from registered
),

cell_sum as (
    select
        condition_list,
        predictor,
        cell,
        cast(count(*) as decimal(38, 0)) as people,
        sum(cost) as cost,
        sum(cost * cost) as cost_squared
    from grouped
    group by condition_list, predictor, cell
),

spread as (  -- people times sum of squares about the mean: a whole number, so that large costs cancel exactly
    select condition_list, predictor, people, cost, cost_squared, people * cost_squared - cost * cost as scaled_squares
    from cell_sum
),

explained as (
    select
        condition_list,
        predictor,
        count(*) as cell_count,
        sum(people) as people,
        sum(people) * sum(cost_squared) - sum(cost) * sum(cost) as scaled_squares,
        -- a sum of doubles would depend on the order of rows: a sum of ten-thousandths does not
        sum(cast(cast(scaled_squares as double) / nullif(people, 0) as decimal(38, 4))) as squares_within
    from spread
    group by condition_list, predictor
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
)

select
    p.financial_year,
    e.condition_list,
    e.predictor,
    cast(e.people as bigint) as people_count,
    cast(e.cell_count as bigint) as cell_count,
    1 - cast(e.people * e.squares_within as double) / nullif(cast(e.scaled_squares as double), 0) as r_squared,
    'group means, in sample, concurrent' as design,
    r.completeness,
    p.exposure_rule
from explained as e
cross join rests_on as r
cross join run_parameters as p
