-- explained_variance: how much of the variance of individual cost the groups of a predictor explain.
-- Grain: one row per financial year, condition list, predictor, outcome, timing, validation and truncation.
-- Method: 1 - squares of errors / squares about the mean, summed exactly. A prediction is a fraction: what the people
-- trained on cost, over how many they are; of a line, millionths. In sample, the people trained on are those tested.
-- Source: person_year, person_year_cost, person_year_morbidity of the year, and the first and last of the year before;
-- feed_completeness. Denominator: all registered people; of a prospective row, those registered in both years.
with practice_place as (
    select
        practice_code,
        row_number() over (partition by financial_year order by practice_code asc nulls last) as practice
    from (select distinct financial_year, practice_code from person_year) as practice
),

registered as (
    select
        y.person_id,
        h.practice,
        mod(abs(y.person_id), 2) as people_half,
        c.primary_pence,
        c.inpatient_pence,
        c.outpatient_pence,
        c.emergency_pence,
        c.community_pence,
        c.mental_health_pence,
        c.social_care_pence,
        c.continuing_care_pence,
        c.total_pence
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
    inner join practice_place as h on y.practice_code = h.practice_code
),

of_a_cost as (
    select 'total' as outcome, total_pence as cost, count(*) as people
    from registered
    group by total_pence
),

ranked as (
    select
        cost,
        sum(people) over (
            partition by outcome order by cost asc nulls last rows between unbounded preceding and current row
        ) as people_up,
        sum(people) over (partition by outcome) as people_in_all
    from of_a_cost
),

cap as (select min(cost) as cost from ranked where 100 * people_up >= 99 * people_in_all),

measure as (  -- 1 and 2 are the whole
    select m.measure, m.outcome, m.truncation
    from (
        values (1, 'total', 'none'), (2, 'total', 'p99'), (3, 'primary', 'none'), (4, 'inpatient', 'none'),
        (5, 'outpatient', 'none'), (6, 'emergency', 'none'), (7, 'community', 'none'), (8, 'mental_health', 'none'),
        (9, 'social_care', 'none'), (10, 'continuing_care', 'none')
    ) as m(measure, outcome, truncation)
),

paid as (
    select
        r.person_id,
        r.practice,
        r.people_half,
        o.measure,
        case
            when o.outcome = 'total' and o.truncation = 'p99' then least(r.total_pence, cap.cost)
            when o.outcome = 'total' then r.total_pence
            when o.outcome = 'primary' then r.primary_pence
            when o.outcome = 'inpatient' then r.inpatient_pence
            when o.outcome = 'outpatient' then r.outpatient_pence
            when o.outcome = 'emergency' then r.emergency_pence
            when o.outcome = 'community' then r.community_pence
            when o.outcome = 'mental_health' then r.mental_health_pence
            when o.outcome = 'social_care' then r.social_care_pence
            else r.continuing_care_pence
        end as cost
    from registered as r
    cross join cap
    cross join measure as o
),

described as (
    select
        'concurrent' as timing,
        y.person_id,
        m.condition_list,
        y.age_band,
        coalesce(y.sex_code, 'X') as sex_code,
        m.count_band,
        m.condition_count
    from person_year as y
    inner join person_year_morbidity as m on y.person_id = m.person_id
    union all
    select
        'prospective' as timing,
        y.person_id,
        m.condition_list,
        y.age_band,
        coalesce(y.sex_code, 'X') as sex_code,
        m.count_band,
        m.condition_count
    from person_year_before as y
    inner join person_year_morbidity_before as m on y.person_id = m.person_id
),

profile as (  -- numbered, since numbers are joined faster than names
    select
        2 * row_number() over (
            partition by timing
            order by
                condition_list asc nulls last, age_band asc nulls last, sex_code asc nulls last,
                count_band asc nulls last, condition_count asc nulls last
        ) + case timing when 'concurrent' then 0 else 1 end as profile,
        timing,
        condition_list,
        age_band,
        sex_code,
        count_band,
        condition_count
    from (
        select distinct timing, condition_list, age_band, sex_code, count_band, condition_count
        from described
    ) as distinct_profile
),

drawn as (  -- people who are alike in everything, cost with it, are added up first: most cost nothing in a setting
    select f.profile, p.practice, p.people_half, p.measure, p.cost, count(*) as people
    from described as d
    inner join profile as f
        on
            d.timing = f.timing
            and d.condition_list = f.condition_list
            and d.age_band = f.age_band
            and d.sex_code = f.sex_code
            and d.count_band = f.count_band
            and d.condition_count = f.condition_count
    inner join paid as p on d.person_id = p.person_id
    where d.timing = 'concurrent' or p.measure <= 2
    group by f.profile, p.practice, p.people_half, p.measure, p.cost
),

alike as (
    select
        profile,
        practice,
        people_half,
        measure,
        cast(sum(people) as decimal(38, 0)) as people,
        sum(cast(people as decimal(38, 0)) * cost) as cost,
        sum(cast(people as decimal(38, 0)) * cost * cost) as cost_squared
    from drawn
    group by profile, practice, people_half, measure
),

trial_of as (
    select 10 * v.place + g.place as trial, v.validation, g.predictor
    from (values (1, 'in_sample'), (2, 'held_out_people'), (3, 'held_out_practices')) as v(place, validation)
    cross join (
        values (1, 'age_band'), (2, 'sex'), (3, 'age_band_sex'), (4, 'count_band'), (5, 'age_band_count_band'),
        (6, 'condition_count')
    ) as g(place, predictor)
),

first_list as (select timing, min(condition_list) as condition_list from profile group by timing),

cell_of as (  -- what knows of no list is told once, of the same people
    select
        f.profile,
        t.trial,
        m.measure,
        f.timing,
        f.condition_list,
        m.outcome,
        m.truncation,
        t.validation,
        t.predictor,
        case t.predictor
            when 'age_band' then f.age_band
            when 'sex' then f.sex_code
            when 'age_band_sex' then f.age_band || ' ' || f.sex_code
            when 'count_band' then f.count_band
            when 'age_band_count_band' then f.age_band || ' ' || f.count_band
            else cast(f.condition_count as string)
        end as cell,
        case when t.predictor = 'condition_count' then f.condition_count else 0 end as steps
    from profile as f
    cross join trial_of as t
    cross join measure as m
    inner join first_list as l on f.timing = l.timing
    where
        (m.measure <= 2 or (t.validation = 'in_sample' and f.timing = 'concurrent'))
        and (t.predictor not in ('age_band', 'sex', 'age_band_sex') or f.condition_list = l.condition_list)
),

tried as (  -- the second half of people, or of practices, is tested on what is learnt of the first
    select
        c.timing,
        c.condition_list,
        c.outcome,
        c.truncation,
        c.validation,
        c.predictor,
        c.cell,
        c.steps,
        a.practice,
        case c.validation
            when 'held_out_people' then 1 - a.people_half
            when 'held_out_practices' then 1 - mod(a.practice, 2)
            else 1
        end as is_trained,
        case c.validation
            when 'held_out_people' then a.people_half
            when 'held_out_practices' then mod(a.practice, 2)
            else 1
        end as is_tested,
        a.people,
        a.cost,
        a.cost_squared
    from alike as a
    inner join cell_of as c on a.profile = c.profile and a.measure = c.measure
),

cell_practice as (
    select
        timing,
        condition_list,
        outcome,
        truncation,
        validation,
        predictor,
        cell,
        steps,
        practice,
        sum(case when is_trained = 1 then people else 0 end) as trained_people,
        sum(case when is_trained = 1 then cost else 0 end) as trained_cost,
        sum(case when is_tested = 1 then people else 0 end) as people,
        sum(case when is_tested = 1 then cost else 0 end) as cost,
        sum(case when is_tested = 1 then cost_squared else 0 end) as cost_squared
    from tried
    group by timing, condition_list, outcome, truncation, validation, predictor, cell, steps, practice
),

cell_sum as (
    select
        timing,
        condition_list,
        outcome,
        truncation,
        validation,
        predictor,
        cell,
        cast(steps as decimal(38, 0)) as steps,
        sum(trained_people) as trained_people,
        sum(trained_cost) as trained_cost,
        sum(people) as people,
        sum(cost) as cost,
        sum(cost_squared) as cost_squared
    from cell_practice
    group by timing, condition_list, outcome, truncation, validation, predictor, cell, steps
),

trial as (
    select
        timing,
        condition_list,
        outcome,
        truncation,
        validation,
        predictor,
        case when predictor = 'condition_count' then 2 else count(*) end as cell_count,
        sum(trained_people) as trained_people,
        sum(trained_cost) as trained_cost,
        sum(trained_people * steps) as trained_steps,
        sum(trained_people) * sum(trained_people * steps * steps)
        - sum(trained_people * steps) * sum(trained_people * steps) as scaled_steps_squares,
        sum(trained_people) * sum(trained_cost * steps)
        - sum(trained_people * steps) * sum(trained_cost) as scaled_products,
        sum(people) as people,
        sum(cost) as cost,
        -- people times sum of squares about the mean: a whole number, so that large costs cancel exactly
        sum(people) * sum(cost_squared) - sum(cost) * sum(cost) as scaled_squares
    from cell_sum
    group by timing, condition_list, outcome, truncation, validation, predictor
),

predicted as (  -- a group of which nobody was trained on is given the mean of all
    select
        c.timing,
        c.condition_list,
        c.outcome,
        c.truncation,
        c.validation,
        c.predictor,
        c.cell,
        c.people,
        c.cost,
        c.cost_squared,
        case
            when c.predictor = 'condition_count' and t.scaled_steps_squares > 0
                then cast(floor(0.5 + 1000000 * (
                    cast(t.trained_cost as double)
                    + cast(t.scaled_products as double) / nullif(cast(t.scaled_steps_squares as double), 0)
                    * cast(t.trained_people * c.steps - t.trained_steps as double)
                ) / nullif(cast(t.trained_people as double), 0)) as decimal(38, 0))
            when c.predictor <> 'condition_count' and c.trained_people > 0 then c.trained_cost
            else t.trained_cost
        end as numerator,
        case
            when c.predictor = 'condition_count' and t.scaled_steps_squares > 0 then cast(1000000 as decimal(38, 0))
            when c.predictor <> 'condition_count' and c.trained_people > 0 then c.trained_people
            else t.trained_people
        end as denominator
    from cell_sum as c
    inner join trial as t
        on
            c.timing = t.timing
            and c.condition_list = t.condition_list
            and c.outcome = t.outcome
            and c.truncation = t.truncation
            and c.validation = t.validation
            and c.predictor = t.predictor
),

squared_error as (
    select
        timing,
        condition_list,
        outcome,
        truncation,
        validation,
        predictor,
        -- a sum of doubles would depend on the order of rows: a sum of ten-thousandths does not
        sum(cast(
            cast(
                denominator * denominator * cost_squared - 2 * denominator * numerator * cost
                + numerator * numerator * people as double
            ) / nullif(cast(denominator * denominator as double), 0) as decimal(38, 4)
        )) as squares_within
    from predicted
    group by timing, condition_list, outcome, truncation, validation, predictor
),

practice_sum as (
    select
        c.timing,
        c.condition_list,
        c.outcome,
        c.truncation,
        c.validation,
        c.predictor,
        c.practice,
        sum(c.people) as people,
        sum(c.cost) as cost,
        sum(cast(
            cast(c.people * k.numerator as double) / nullif(cast(k.denominator as double), 0) as decimal(38, 4)
        )) as predicted_cost
    from cell_practice as c
    inner join predicted as k
        on
            c.timing = k.timing
            and c.condition_list = k.condition_list
            and c.outcome = k.outcome
            and c.truncation = k.truncation
            and c.validation = k.validation
            and c.predictor = k.predictor
            and c.cell = k.cell
    where c.people > 0
    group by
        c.timing,
        c.condition_list,
        c.outcome,
        c.truncation,
        c.validation,
        c.predictor,
        c.practice
),

practice_error as (
    select
        s.timing,
        s.condition_list,
        s.outcome,
        s.truncation,
        s.validation,
        s.predictor,
        sum(cast(
            power(cast(s.cost - s.predicted_cost as double), 2) / nullif(cast(s.people as double), 0)
            as decimal(38, 4)
        )) as squares_within,
        sum(cast(
            power(
                cast(s.cost as double)
                - cast(s.people as double) * cast(t.cost as double) / nullif(cast(t.people as double), 0), 2
            ) / nullif(cast(s.people as double), 0) as decimal(38, 4)
        )) as squares
    from practice_sum as s
    inner join trial as t
        on
            s.timing = t.timing
            and s.condition_list = t.condition_list
            and s.outcome = t.outcome
            and s.truncation = t.truncation
            and s.validation = t.validation
            and s.predictor = t.predictor
    group by
        s.timing,
        s.condition_list,
        s.outcome,
        s.truncation,
        s.validation,
        s.predictor
),

profile_prediction as (
    select
        c.profile, c.measure, c.trial, c.timing, c.condition_list, c.outcome, c.truncation, c.validation, c.predictor,
        k.numerator, k.denominator
    from cell_of as c
    inner join predicted as k
        on
            c.timing = k.timing
            and c.condition_list = k.condition_list
            and c.outcome = k.outcome
            and c.truncation = k.truncation
            and c.validation = k.validation
            and c.predictor = k.predictor
            and c.cell = k.cell
),

profile_error as (
    select
        a.profile,
        a.measure,
        k.trial,
        sum(cast(a.people * abs(k.denominator * a.cost - k.numerator) as decimal(38, 0))) as scaled_error
    from drawn as a
    inner join profile_prediction as k on a.profile = k.profile and a.measure = k.measure
    where
        k.validation = 'in_sample'
        or (k.validation = 'held_out_people' and a.people_half = 1)
        or (k.validation = 'held_out_practices' and mod(a.practice, 2) = 1)
    group by a.profile, a.measure, k.trial
),

absolute_error as (
    select
        k.timing,
        k.condition_list,
        k.outcome,
        k.truncation,
        k.validation,
        k.predictor,
        sum(cast(
            cast(e.scaled_error as double) / nullif(cast(k.denominator as double), 0) as decimal(38, 4)
        )) as error
    from profile_error as e
    inner join profile_prediction as k on e.profile = k.profile and e.measure = k.measure and e.trial = k.trial
    group by k.timing, k.condition_list, k.outcome, k.truncation, k.validation, k.predictor
),

spread as (  -- about the mean, which is the same for every list and predictor
    select
        t.timing,
        t.outcome,
        t.truncation,
        t.validation,
        cast(sum(cast(a.people * abs(t.people * a.cost - t.cost) as decimal(38, 0))) as double)
        / nullif(cast(max(t.people) as double), 0) as error
    from drawn as a
    inner join cell_of as c on a.profile = c.profile and a.measure = c.measure
    inner join trial as t
        on
            c.timing = t.timing
            and c.condition_list = t.condition_list
            and c.outcome = t.outcome
            and c.truncation = t.truncation
            and c.validation = t.validation
            and c.predictor = t.predictor
    where
        c.predictor = 'sex'
        and (
            c.validation = 'in_sample'
            or (c.validation = 'held_out_people' and a.people_half = 1)
            or (c.validation = 'held_out_practices' and mod(a.practice, 2) = 1)
        )
    group by t.timing, t.outcome, t.truncation, t.validation
),

explained as (
    select
        t.timing,
        t.condition_list,
        t.outcome,
        t.truncation,
        t.validation,
        t.predictor,
        t.people,
        t.cell_count,
        1 - cast(t.people * e.squares_within as double) / nullif(cast(t.scaled_squares as double), 0) as r_squared,
        1 - cast(b.squares_within as double) / nullif(cast(b.squares as double), 0) as r_squared_practice,
        1 - cast(d.error as double) / nullif(m.error, 0) as cpm,
        cast(d.error as double) / nullif(cast(t.people as double), 0) as mean_error
    from trial as t
    inner join squared_error as e
        on
            t.timing = e.timing
            and t.condition_list = e.condition_list
            and t.outcome = e.outcome
            and t.truncation = e.truncation
            and t.validation = e.validation
            and t.predictor = e.predictor
    inner join practice_error as b
        on
            t.timing = b.timing
            and t.condition_list = b.condition_list
            and t.outcome = b.outcome
            and t.truncation = b.truncation
            and t.validation = b.validation
            and t.predictor = b.predictor
    inner join absolute_error as d
        on
            t.timing = d.timing
            and t.condition_list = d.condition_list
            and t.outcome = d.outcome
            and t.truncation = d.truncation
            and t.validation = d.validation
            and t.predictor = d.predictor
    inner join spread as m
        on
            t.timing = m.timing
            and t.outcome = m.outcome
            and t.truncation = m.truncation
            and t.validation = m.validation
),

rests_on as (  -- the least complete feed of care, or of the setting; a feed never due has no completeness
    select o.outcome, case when count(f.completeness) = count(*) then min(f.completeness) end as completeness
    from feed_completeness as f
    inner join (select distinct outcome from trial) as o on o.outcome in ('total', f.setting)
    where f.setting is not null
    group by o.outcome
)

select
    p.financial_year,
    l.condition_list,
    e.predictor,
    e.outcome,
    e.timing,
    e.validation,
    e.truncation,
    cast(e.people as bigint) as people_count,
    cast(e.cell_count as bigint) as cell_count,
    e.r_squared,
    case
        when e.validation = 'in_sample'
            then 1 - (1 - e.r_squared) * cast(e.people - 1 as double)
                / nullif(cast(greatest(e.people - e.cell_count, 0) as double), 0)
    end as adjusted_r_squared,
    e.r_squared_practice,
    e.cpm,
    e.mean_error as mape_pence_per_person,
    case when e.predictor = 'condition_count' then 'line' else 'group means' end
    || case e.validation
        when 'in_sample' then ', in sample, '
        when 'held_out_people' then ', held-out half of people, '
        else ', held-out half of practices, '
    end
    || e.timing
    || case e.truncation when 'p99' then ', cost cut at the 99th percentile' else '' end as design,
    r.completeness,
    p.exposure_rule
from explained as e
inner join (select distinct timing, condition_list from profile) as l
    on
        e.timing = l.timing
        and (e.predictor in ('age_band', 'sex', 'age_band_sex') or e.condition_list = l.condition_list)
left join rests_on as r on e.outcome = r.outcome
cross join run_parameters as p
