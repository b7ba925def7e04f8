-- condition_pair: which conditions come together, and what people with both cost.
-- Grain: one row per financial year, condition list and unordered pair of conditions that at least one person has.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_condition, person_year_cost,
-- condition_list, feed_completeness.
-- Method: Mantel and Haenszel, Journal of the National Cancer Institute 22 (1959), 719-748, over age band and sex.
with registered as (
    select
        y.person_id,
        y.age_band,
        coalesce(y.sex_code, 'X') as sex_code,
        cast(c.total_pence as decimal(38, 0)) as cost
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
),

held as (  -- once, whichever of the codes that count as one a person has
    select distinct l.condition_list, l.counted_as, c.person_id
    from person_year_condition as c
    inner join condition_list as l on c.condition_code = l.condition_code
),

cell as (
    select age_band, sex_code, cast(count(*) as decimal(38, 0)) as people, sum(cost) as cost
    from registered
    group by age_band, sex_code
),

single as (
    select
        h.condition_list,
        h.counted_as,
        r.age_band,
        r.sex_code,
        cast(count(*) as decimal(38, 0)) as people,
        sum(r.cost) as cost
    from held as h
    inner join registered as r on h.person_id = r.person_id
    group by h.condition_list, h.counted_as, r.age_band, r.sex_code
),

together as (
    select
        a.condition_list,
        a.counted_as as first_condition,
        b.counted_as as second_condition,
        r.age_band,
        r.sex_code,
        cast(count(*) as decimal(38, 0)) as people,
        sum(r.cost) as cost,
        sum(r.cost * r.cost) as cost_squared
    from held as a
    inner join held as b
        on a.person_id = b.person_id and a.condition_list = b.condition_list and a.counted_as < b.counted_as
    inner join registered as r on a.person_id = r.person_id
    group by a.condition_list, a.counted_as, b.counted_as, r.age_band, r.sex_code
),

pair as (
    select condition_list, first_condition, second_condition, sum(cost_squared) as cost_squared
    from together
    group by condition_list, first_condition, second_condition
),

fourfold as (  -- both, only the first, only the second, neither: also in cells where nobody has both
    select
        p.condition_list,
        p.first_condition,
        p.second_condition,
        c.people,
        coalesce(t.people, 0) as both_people,
        coalesce(f.people, 0) as first_people,
        coalesce(s.people, 0) as second_people,
        coalesce(f.people, 0) - coalesce(t.people, 0) as first_only,
        coalesce(s.people, 0) - coalesce(t.people, 0) as second_only,
        c.people - coalesce(f.people, 0) - coalesce(s.people, 0) + coalesce(t.people, 0) as neither,
        coalesce(t.cost, 0) as both_cost,
        coalesce(f.cost, 0) - coalesce(t.cost, 0) as first_only_cost,
        coalesce(s.cost, 0) - coalesce(t.cost, 0) as second_only_cost,
        c.cost - coalesce(f.cost, 0) - coalesce(s.cost, 0) + coalesce(t.cost, 0) as neither_cost
    from pair as p
    cross join cell as c
    left join single as f
        on
            p.condition_list = f.condition_list
            and p.first_condition = f.counted_as
            and c.age_band = f.age_band
            and c.sex_code = f.sex_code
    left join single as s
        on
            p.condition_list = s.condition_list
            and p.second_condition = s.counted_as
            and c.age_band = s.age_band
            and c.sex_code = s.sex_code
    left join together as t
        on
            p.condition_list = t.condition_list
            and p.first_condition = t.first_condition
            and p.second_condition = t.second_condition
            and c.age_band = t.age_band
            and c.sex_code = t.sex_code
),

within_cell as (
    select
        condition_list,
        first_condition,
        second_condition,
        people,
        both_people,
        first_people,
        second_people,
        first_only,
        second_only,
        neither,
        both_cost,
        first_only_cost,
        second_only_cost,
        neither_cost,
        cast(first_people * second_people as double) / nullif(cast(people as double), 0) as expected,
        cast(both_people * neither as double) / nullif(cast(people as double), 0) as concordant,
        cast(first_only * second_only as double) / nullif(cast(people as double), 0) as discordant,
        case when both_people > 0 and first_only > 0 and second_only > 0 and neither > 0 then both_people end
            as compared_people,
        case
            when both_people > 0 and first_only > 0 and second_only > 0 and neither > 0
                then
                    cast(both_cost as double)
                    - cast(both_people * first_only_cost as double) / nullif(cast(first_only as double), 0)
                    - cast(both_people * second_only_cost as double) / nullif(cast(second_only as double), 0)
                    + cast(both_people * neither_cost as double) / nullif(cast(neither as double), 0)
        end as excess_cost
    from fourfold
),

summed as (  -- a sum of doubles would depend on the order of rows: sums of small fixed parts do not
    select
        condition_list,
        first_condition,
        second_condition,
        sum(people) as people,
        sum(both_people) as both_people,
        sum(first_people) as first_people,
        sum(second_people) as second_people,
        sum(first_only) as first_only,
        sum(second_only) as second_only,
        sum(neither) as neither,
        sum(both_cost) as both_cost,
        sum(first_only_cost) as first_only_cost,
        sum(second_only_cost) as second_only_cost,
        sum(neither_cost) as neither_cost,
        cast(sum(cast(expected as decimal(38, 12))) as double) as age_sex_expected,
        cast(sum(cast(concordant as decimal(38, 12))) as double) as concordant,
        cast(sum(cast(discordant as decimal(38, 12))) as double) as discordant,
        coalesce(sum(compared_people), 0) as compared_people,
        cast(sum(cast(excess_cost as decimal(38, 4))) as double) as excess_cost
    from within_cell
    group by condition_list, first_condition, second_condition
),

measured as (
    select
        s.condition_list,
        s.first_condition,
        s.second_condition,
        s.people,
        s.both_people,
        s.first_people,
        s.second_people,
        s.age_sex_expected,
        cast(s.concordant as double) / nullif(s.discordant, 0) as odds_ratio,
        cast(s.both_people * s.people - s.first_people * s.second_people as double) as covariance,
        cast(
            s.first_people * (s.people - s.first_people) * s.second_people * (s.people - s.second_people) as double
        ) as variances,
        s.both_cost,
        cast(s.both_people as double) as both_divisor,
        cast(s.both_people * p.cost_squared - s.both_cost * s.both_cost as double)
        / nullif(cast(s.both_people * (s.both_people - 1) as double), 0) as variance,
        cast(s.both_cost as double) / nullif(cast(s.both_people as double), 0) as mean_both,
        cast(s.first_only_cost as double) / nullif(cast(s.first_only as double), 0) as mean_first_only,
        cast(s.second_only_cost as double) / nullif(cast(s.second_only as double), 0) as mean_second_only,
        cast(s.neither_cost as double) / nullif(cast(s.neither as double), 0) as mean_neither,
        s.compared_people,
        cast(s.excess_cost as double) / nullif(cast(s.compared_people as double), 0) as age_sex_interaction
    from summed as s
    inner join pair as p
        on
            s.condition_list = p.condition_list
            and s.first_condition = p.first_condition
            and s.second_condition = p.second_condition
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    m.condition_list,
    m.first_condition,
    m.second_condition,
    cast(m.both_people as bigint) as people_count,
    cast(m.people as bigint) as registered_count,
    cast(m.both_divisor as double) / nullif(cast(m.people as double), 0) as prevalence,
    cast(m.first_people as bigint) as first_people_count,
    cast(m.second_people as bigint) as second_people_count,
    cast(m.first_people * m.second_people as double) / nullif(cast(m.people as double), 0) as expected_count,
    cast(m.both_people * m.people as double)
    / nullif(cast(m.first_people * m.second_people as double), 0) as observed_over_expected,
    m.age_sex_expected as age_sex_expected_count,
    cast(m.both_divisor as double) / nullif(m.age_sex_expected, 0) as observed_over_age_sex_expected,
    case when m.variances > 0 then cast(m.covariance as double) / nullif(sqrt(m.variances), 0) end as phi,
    m.odds_ratio as age_sex_odds_ratio,
    cast(m.both_cost as bigint) as total_pence,
    m.mean_both as mean_total_pence,
    case when m.variance >= 0 then sqrt(m.variance) end as sd_total_pence,
    m.mean_both
    - case when m.variance >= 0 then 1.96 * sqrt(cast(m.variance as double) / nullif(m.both_divisor, 0)) end
        as mean_total_low_pence,
    m.mean_both
    + case when m.variance >= 0 then 1.96 * sqrt(cast(m.variance as double) / nullif(m.both_divisor, 0)) end
        as mean_total_high_pence,
    m.mean_first_only as mean_first_only_pence,
    m.mean_second_only as mean_second_only_pence,
    m.mean_neither as mean_neither_pence,
    m.mean_first_only + m.mean_second_only - m.mean_neither as additive_pence,
    m.mean_both - (m.mean_first_only + m.mean_second_only - m.mean_neither) as interaction_pence,
    m.age_sex_interaction as age_sex_interaction_pence,
    cast(m.compared_people as bigint) as age_sex_interaction_people_count,
    r.completeness,
    p.exposure_rule
from measured as m
cross join rests_on as r
cross join run_parameters as p
