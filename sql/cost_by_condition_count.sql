-- cost_by_condition_count: cost by number of conditions, in all and by setting.
-- Grain: one row per financial year, condition list and count band.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_cost, person_year_morbidity,
-- feed_completeness.
with registered as (
    select
        m.condition_list,
        m.count_band,
        y.age_mid_year,
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
    inner join person_year_morbidity as m on y.person_id = m.person_id
),

band as (
    select
        condition_list,
        count_band,
        count(*) as people_count,
        sum(age_mid_year) as years_of_age,
        sum(primary_pence) as primary_pence,
        sum(inpatient_pence) as inpatient_pence,
        sum(outpatient_pence) as outpatient_pence,
        sum(emergency_pence) as emergency_pence,
        sum(community_pence) as community_pence,
        sum(mental_health_pence) as mental_health_pence,
        sum(social_care_pence) as social_care_pence,
        sum(continuing_care_pence) as continuing_care_pence,
        sum(case when primary_pence > 0 then 1 else 0 end) as primary_user_count,
        sum(case when inpatient_pence > 0 then 1 else 0 end) as inpatient_user_count,
        sum(case when outpatient_pence > 0 then 1 else 0 end) as outpatient_user_count,
        sum(case when emergency_pence > 0 then 1 else 0 end) as emergency_user_count,
        sum(case when community_pence > 0 then 1 else 0 end) as community_user_count,
        sum(case when mental_health_pence > 0 then 1 else 0 end) as mental_health_user_count,
        sum(case when social_care_pence > 0 then 1 else 0 end) as social_care_user_count,
        sum(case when continuing_care_pence > 0 then 1 else 0 end) as continuing_care_user_count,
        sum(total_pence) as total_pence,
        sum(cast(total_pence as decimal(38, 0)) * cast(total_pence as decimal(38, 0))) as total_squared
    from registered
    group by condition_list, count_band
),

list_total as (
    select condition_list, sum(people_count) as people_count, sum(total_pence) as total_pence
    from band
    group by condition_list
),

spread as (  -- from whole numbers, so that large costs cancel exactly
    select
        condition_list,
        count_band,
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
    b.condition_list,
    b.count_band,
    cast(b.people_count as bigint) as people_count,
    cast(b.people_count as double) / nullif(cast(t.people_count as double), 0) as people_share,
    cast(b.years_of_age as double) / nullif(b.people_count, 0) as mean_age,
    cast(b.total_pence as bigint) as total_pence,
    cast(b.total_pence as double) / nullif(cast(t.total_pence as double), 0) as cost_share,
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
    cast(b.primary_user_count as double) / nullif(b.people_count, 0) as primary_user_share,
    cast(b.inpatient_user_count as double) / nullif(b.people_count, 0) as inpatient_user_share,
    cast(b.outpatient_user_count as double) / nullif(b.people_count, 0) as outpatient_user_share,
    cast(b.emergency_user_count as double) / nullif(b.people_count, 0) as emergency_user_share,
    cast(b.community_user_count as double) / nullif(b.people_count, 0) as community_user_share,
    cast(b.mental_health_user_count as double) / nullif(b.people_count, 0) as mental_health_user_share,
    cast(b.social_care_user_count as double) / nullif(b.people_count, 0) as social_care_user_share,
    cast(b.continuing_care_user_count as double) / nullif(b.people_count, 0) as continuing_care_user_share,
    r.completeness,
    p.exposure_rule
from band as b
inner join spread as s on b.condition_list = s.condition_list and b.count_band = s.count_band
inner join list_total as t on b.condition_list = t.condition_list
cross join rests_on as r
cross join run_parameters as p
