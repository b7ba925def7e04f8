-- person_year_score: weighted scores of morbidity and frailty at the end of the year.
-- Grain: one row per registered person in the scope of the score, financial year, score and weighting.
-- Units: points. Source: score_evidence up to the year by the rules of score_rule, person_year; look-back of
-- run_parameters where a rule says run. A category counts once, however often it was coded.
with score_category as (select distinct score, category from score_weight),

clause as (  -- ALL stands for every category of the score, by its own codes
    select
        c.score,
        c.category,
        r.alternative,
        case when r.evidence_category = 'ALL' then c.category else r.evidence_category end as evidence_category,
        r.evidence_source,
        r.minimum_record_count,
        r.is_first,
        r.is_absent,
        case
            when r.look_back = 'run' then p.look_back_years
            when r.look_back = 'years' then r.look_back_years
        end as look_back_years,
        case
            when r.look_back = 'run' then year(p.year_start) - p.look_back_years + 1
            when r.look_back = 'years' then year(p.year_start) - r.look_back_years + 1
            else 0
        end as earliest_year
    from score_rule as r
    inner join score_category as c on r.score = c.score and r.category in ('ALL', c.category)
    cross join run_parameters as p
),

alternative as (
    select
        score,
        category,
        alternative,
        sum(case when is_absent then 0 else 1 end) as clause_count
    from clause
    group by score, category, alternative
),

evidence as (
    select
        e.person_id,
        e.score,
        e.category,
        e.evidence_source,
        e.record_count,
        cast(substr(e.financial_year, 1, 4) as int) as first_year
    from score_evidence as e
    cross join run_parameters as p
    where e.financial_year <= p.financial_year
),

seen as (
    select
        e.person_id,
        c.score,
        c.category,
        c.alternative,
        c.is_first,
        c.is_absent,
        c.minimum_record_count,
        c.earliest_year,
        min(e.first_year) as first_year,
        sum(case when e.first_year >= c.earliest_year then e.record_count else 0 end) as record_count
    from evidence as e
    inner join clause as c
        on e.score = c.score and e.category = c.evidence_category and e.evidence_source = c.evidence_source
    group by
        e.person_id, c.score, c.category, c.alternative, c.is_first, c.is_absent, c.minimum_record_count,
        c.earliest_year, c.evidence_category, c.evidence_source
),

held as (
    select
        person_id,
        score,
        category,
        alternative,
        sum(case when is_absent then 0 else 1 end) as clause_count,
        sum(case when is_absent then 1 else 0 end) as contrary_count
    from seen
    where record_count >= minimum_record_count and (first_year >= earliest_year or not is_first)
    group by person_id, score, category, alternative
),

present as (
    select distinct h.person_id, h.score, h.category
    from held as h
    inner join alternative as a
        on h.score = a.score and h.category = a.category and h.alternative = a.alternative
    where h.clause_count = a.clause_count and h.contrary_count = 0
),

suppressed as (  -- the milder category beside a graver one
    select c.person_id, c.score, h.suppresses_category as category
    from present as c
    inner join score_hierarchy as h on c.score = h.score and c.category = h.category
),

scored as (
    select c.person_id, c.score, w.weighting, sum(w.weight) as score_value, count(*) as category_count
    from present as c
    inner join score_weight as w on c.score = w.score and c.category = w.category
    where not exists (
        select 1
        from suppressed as s
        where s.person_id = c.person_id and s.score = c.score and s.category = c.category
    )
    group by c.person_id, c.score, w.weighting
),

age as (select distinct age_mid_year from person_year),

age_point as (  -- a score with points for age has a row for each age
    select
        g.age_mid_year,
        a.score,
        max(case when g.age_mid_year >= a.from_age then a.age_points else 0 end) as age_points
    from age as g
    cross join score_age_point as a
    group by g.age_mid_year, a.score
),

band_range as (
    select
        score,
        weighting,
        band,
        lowest_value,
        lead(lowest_value) over (
            partition by score, weighting order by lowest_value asc nulls last, band asc nulls last
        ) as next_value
    from score_band
),

look_back as (
    select
        score,
        case when count(look_back_years) = count(*) then max(look_back_years) end as look_back_years
    from clause
    group by score
),

weighting as (select distinct score, weighting from score_weight),

person_score as (
    select
        y.financial_year,
        y.person_id,
        w.score,
        w.weighting,
        y.age_mid_year,
        n.scope,
        cast(coalesce(c.score_value, 0) as decimal(18, 2)) as score_value,
        cast(coalesce(c.category_count, 0) as int) as category_count
    from person_year as y
    cross join weighting as w
    inner join score as n on w.score = n.score
    left join scored as c on y.person_id = c.person_id and w.score = c.score and w.weighting = c.weighting
    where y.age_mid_year >= n.minimum_age
)

select
    s.financial_year,
    s.person_id,
    s.score,
    s.weighting,
    s.score_value,
    s.category_count,
    cast(a.age_points as int) as age_points,
    b.band,
    s.scope,
    cast(l.look_back_years as int) as look_back_years
from person_score as s
inner join look_back as l on s.score = l.score
left join age_point as a on s.age_mid_year = a.age_mid_year and s.score = a.score
left join band_range as b
    on
        s.score = b.score
        and s.weighting = b.weighting
        and s.score_value >= b.lowest_value
        and (s.score_value < b.next_value or b.next_value is null)
