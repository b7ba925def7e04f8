-- segment_summary: who is in each segment, what they live with and what their care costs.
-- Grain: one row per financial year, segmentation and segment, also if nobody is in it.
-- Units: pence. Denominator: all registered people. Source: segment_rule, person_year_segment, person_year,
-- person_year_morbidity, person_year_cost, feed_completeness.
with member as (
    select
        s.segmentation,
        s.segment,
        count(*) as people_count,
        sum(y.age_mid_year) as years_of_age,
        sum(case when y.sex_code = '1' then 1 else 0 end) as male_count,
        sum(case when y.sex_code in ('1', '2') then 1 else 0 end) as sex_known_count,
        sum(y.deprivation_decile) as deciles,
        count(y.deprivation_decile) as decile_known_count,
        sum(coalesce(m.condition_count, 0)) as condition_count,
        sum(c.primary_pence) as primary_pence,
        sum(c.inpatient_pence) as inpatient_pence,
        sum(c.outpatient_pence) as outpatient_pence,
        sum(c.emergency_pence) as emergency_pence,
        sum(c.community_pence) as community_pence,
        sum(c.mental_health_pence) as mental_health_pence,
        sum(c.social_care_pence) as social_care_pence,
        sum(c.continuing_care_pence) as continuing_care_pence,
        sum(c.total_pence) as total_pence,
        sum(cast(c.total_pence as decimal(38, 0)) * cast(c.total_pence as decimal(38, 0))) as total_squared
    from person_year_segment as s
    inner join person_year as y on s.person_id = y.person_id
    inner join person_year_cost as c on s.person_id = c.person_id
    left join person_year_morbidity as m on s.person_id = m.person_id and m.condition_list = 'delphi52'
    group by s.segmentation, s.segment
),

whole as (
    select segmentation, sum(people_count) as people_count, sum(total_pence) as total_pence
    from member
    group by segmentation
),

named as (select distinct segmentation, segment, precedence from segment_rule),

listed as (  -- from whole numbers, so that large costs cancel exactly
    select
        n.segmentation,
        n.segment,
        n.precedence,
        cast(coalesce(b.people_count, 0) as bigint) as people_count,
        cast(coalesce(b.total_pence, 0) as bigint) as total_pence,
        cast(b.people_count as double) as people,
        cast(b.total_pence as double) / nullif(cast(b.people_count as double), 0) as mean_total,
        cast(
            cast(b.people_count as decimal(38, 0)) * b.total_squared
            - cast(b.total_pence as decimal(38, 0)) * cast(b.total_pence as decimal(38, 0)) as double
        ) / nullif(cast(b.people_count as double) * (cast(b.people_count as double) - 1), 0) as variance,
        b.years_of_age,
        b.male_count,
        b.sex_known_count,
        b.deciles,
        b.decile_known_count,
        b.condition_count,
        b.primary_pence,
        b.inpatient_pence,
        b.outpatient_pence,
        b.emergency_pence,
        b.community_pence,
        b.mental_health_pence,
        b.social_care_pence,
        b.continuing_care_pence
    from named as n
    left join member as b on n.segmentation = b.segmentation and n.segment = b.segment
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    l.segmentation,
    l.segment,
    l.precedence,
    l.people_count,
    cast(l.people_count as double) / nullif(cast(w.people_count as double), 0) as people_share,
    l.total_pence,
    cast(l.total_pence as double) / nullif(cast(w.total_pence as double), 0) as cost_share,
    l.mean_total as mean_total_pence,
    case when l.variance >= 0 then sqrt(l.variance) end as sd_total_pence,
    l.mean_total
    - case when l.variance >= 0 then 1.96 * sqrt(cast(l.variance as double) / nullif(l.people, 0)) end
        as mean_total_low_pence,
    l.mean_total
    + case when l.variance >= 0 then 1.96 * sqrt(cast(l.variance as double) / nullif(l.people, 0)) end
        as mean_total_high_pence,
    case when l.variance >= 0 then cast(sqrt(l.variance) as double) / nullif(l.mean_total, 0) end as cv_total,
    cast(l.years_of_age as double) / nullif(l.people, 0) as mean_age,
    cast(l.male_count as double) / nullif(cast(l.sex_known_count as double), 0) as male_share,
    cast(l.deciles as double) / nullif(cast(l.decile_known_count as double), 0) as mean_deprivation_decile,
    cast(coalesce(l.decile_known_count, 0) as bigint) as decile_known_count,
    cast(l.condition_count as double) / nullif(l.people, 0) as mean_condition_count,
    cast(l.primary_pence as double) / nullif(l.people, 0) as mean_primary_pence,
    cast(l.inpatient_pence as double) / nullif(l.people, 0) as mean_inpatient_pence,
    cast(l.outpatient_pence as double) / nullif(l.people, 0) as mean_outpatient_pence,
    cast(l.emergency_pence as double) / nullif(l.people, 0) as mean_emergency_pence,
    cast(l.community_pence as double) / nullif(l.people, 0) as mean_community_pence,
    cast(l.mental_health_pence as double) / nullif(l.people, 0) as mean_mental_health_pence,
    cast(l.social_care_pence as double) / nullif(l.people, 0) as mean_social_care_pence,
    cast(l.continuing_care_pence as double) / nullif(l.people, 0) as mean_continuing_care_pence,
    r.completeness,
    p.exposure_rule
from listed as l
left join whole as w on l.segmentation = w.segmentation
cross join rests_on as r
cross join run_parameters as p
