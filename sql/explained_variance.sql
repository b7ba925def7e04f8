-- explained_variance: how much of the variance of individual cost the groups of a predictor explain.
-- Grain: one row per financial year, condition list and predictor.
-- Method: 1 - within / total sum of squares, in exact integers. Concurrent: conditions and cost of the same year.
-- Source: person_year, person_year_cost, person_year_morbidity. Denominator: all registered people.
with person as (
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
    select condition_list, 'age_band' as predictor, age_band as cell, cost from person
    union all
    select condition_list, 'sex' as predictor, sex_code as cell, cost from person
    union all
    select condition_list, 'age_band_sex' as predictor, age_band || ' ' || sex_code as cell, cost from person
    union all
    select condition_list, 'count_band' as predictor, count_band as cell, cost from person
    union all
    select condition_list, 'age_band_count_band' as predictor, age_band || ' ' || count_band as cell, cost from person
),

cell_sum as (
    select
        condition_list,
        predictor,
        cell,
        count(*) as people,
        sum(cost) as cost,
        sum(cost * cost) as cost_squared
    from grouped
    group by condition_list, predictor, cell
),

explained as (
    select
        condition_list,
        predictor,
        sum(people) as people_count,
        count(*) as cell_count,
        sum(cast(cost as double) * cast(cost as double) / nullif(cast(people as double), 0)) as between_sum,
        cast(sum(cost_squared) as double) as square_sum,
        cast(sum(cost) as double) * cast(sum(cost) as double) / nullif(cast(sum(people) as double), 0) as mean_sum
    from cell_sum
    group by condition_list, predictor
)

select
    p.financial_year,
    e.condition_list,
    e.predictor,
    cast(e.people_count as bigint) as people_count,
    cast(e.cell_count as bigint) as cell_count,
    (e.between_sum - e.mean_sum) / nullif(e.square_sum - e.mean_sum, 0) as r_squared,
    'group means, in sample, concurrent' as design,
    p.exposure_rule
from explained as e
cross join run_parameters as p
