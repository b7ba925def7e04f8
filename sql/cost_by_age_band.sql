-- cost_by_age_band: mean cost by age, in all and by setting.
-- Grain: one row per financial year and five-year age band.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_cost, person_year_morbidity,
-- feed_completeness.
with band as (
    select
        y.age_band,
        count(*) as people_count,
        sum(c.primary_pence) as primary_pence,
        sum(c.inpatient_pence) as inpatient_pence,
        sum(c.outpatient_pence) as outpatient_pence,
        sum(c.emergency_pence) as emergency_pence,
        sum(c.community_pence) as community_pence,
        sum(c.mental_health_pence) as mental_health_pence,
        sum(c.social_care_pence) as social_care_pence,
        sum(c.continuing_care_pence) as continuing_care_pence,
        sum(c.total_pence) as total_pence,
        sum(cast(c.total_pence as decimal(38, 0)) * cast(c.total_pence as decimal(38, 0))) as total_squared,
        sum(m.condition_count) as condition_count
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
    inner join person_year_morbidity as m on y.person_id = m.person_id
    where m.condition_list = 'delphi52'
    group by y.age_band
),

spread as (  -- from whole numbers, so that large costs cancel exactly
    select
        age_band,
        cast(people_count as double) as people,
        cast(total_pence as double) / nullif(cast(people_count as double), 0) as mean_total,
        cast(
            cast(people_count as decimal(38, 0)) * total_squared
            - cast(total_pence as decimal(38, 0)) * cast(total_pence as decimal(38, 0)) as double
        ) / nullif(cast(people_count as double) * (cast(people_count as double) - 1), 0) as variance
    from band
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
)

select
    p.financial_year,
    b.age_band,
    cast(b.people_count as bigint) as people_count,
    cast(b.total_pence as bigint) as total_pence,
    s.mean_total as mean_total_pence,
    case when s.variance >= 0 then sqrt(s.variance) end as sd_total_pence,
    s.mean_total
    - case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_low_pence,
    s.mean_total
    + case when s.variance >= 0 then 1.96 * sqrt(cast(s.variance as double) / nullif(s.people, 0)) end
        as mean_total_high_pence,
    cast(b.primary_pence as double) / nullif(b.people_count, 0) as mean_primary_pence,
    cast(b.inpatient_pence as double) / nullif(b.people_count, 0) as mean_inpatient_pence,
    cast(b.outpatient_pence as double) / nullif(b.people_count, 0) as mean_outpatient_pence,
    cast(b.emergency_pence as double) / nullif(b.people_count, 0) as mean_emergency_pence,
    cast(b.community_pence as double) / nullif(b.people_count, 0) as mean_community_pence,
    cast(b.mental_health_pence as double) / nullif(b.people_count, 0) as mean_mental_health_pence,
    cast(b.social_care_pence as double) / nullif(b.people_count, 0) as mean_social_care_pence,
    cast(b.continuing_care_pence as double) / nullif(b.people_count, 0) as mean_continuing_care_pence,
    cast(b.condition_count as double) / nullif(b.people_count, 0) as mean_condition_count,
    r.completeness,
    p.exposure_rule
from band as b
inner join spread as s on b.age_band = s.age_band
cross join rests_on as r
cross join run_parameters as p
