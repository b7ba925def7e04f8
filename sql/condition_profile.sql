-- condition_profile: how common each condition is, what people who have it cost, and what they have beside it.
-- Grain: one row per financial year, condition list and condition as the list counts it.
-- Units: pence. Denominator: all registered people. Source: person_year, person_year_condition, person_year_morbidity,
-- person_year_cost, condition_list, feed_completeness.
with held as (  -- once, whichever of the codes that count as one a person has
    select distinct l.condition_list, l.counted_as, c.person_id
    from person_year_condition as c
    inner join condition_list as l on c.condition_code = l.condition_code
),

profile as (
    select
        h.condition_list,
        h.counted_as,
        count(*) as people_count,
        sum(m.condition_count - 1) as other_count,
        sum(case when m.condition_count = 1 then 1 else 0 end) as alone_count,
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
    from held as h
    inner join person_year_morbidity as m on h.person_id = m.person_id and h.condition_list = m.condition_list
    inner join person_year_cost as c on h.person_id = c.person_id
    group by h.condition_list, h.counted_as
),

registered as (
    select count(*) as people_count, sum(c.total_pence) as total_pence
    from person_year as y
    inner join person_year_cost as c on y.person_id = c.person_id
),

unit as (select distinct condition_list, counted_as from condition_list),

listed as (  -- a condition that nobody has is of no people and no pence
    select
        u.condition_list,
        u.counted_as,
        cast(coalesce(f.people_count, 0) as bigint) as people_count,
        cast(coalesce(f.total_pence, 0) as bigint) as total_pence,
        cast(f.people_count as double) as people,
        cast(f.total_pence as double) / nullif(cast(f.people_count as double), 0) as mean_total,
        cast(
            cast(f.people_count as decimal(38, 0)) * f.total_squared
            - cast(f.total_pence as decimal(38, 0)) * cast(f.total_pence as decimal(38, 0)) as double
        ) / nullif(cast(f.people_count as double) * (cast(f.people_count as double) - 1), 0) as variance,
        f.other_count,
        f.alone_count,
        f.primary_pence,
        f.inpatient_pence,
        f.outpatient_pence,
        f.emergency_pence,
        f.community_pence,
        f.mental_health_pence,
        f.social_care_pence,
        f.continuing_care_pence
    from unit as u
    left join profile as f on u.condition_list = f.condition_list and u.counted_as = f.counted_as
),

rests_on as (  -- the least complete feed of care or of codes; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null or feed in ('gp_coded_event', 'mh_diagnosis')
)

select
    p.financial_year,
    l.condition_list,
    l.counted_as,
    l.people_count,
    cast(l.people_count as double) / nullif(cast(g.people_count as double), 0) as prevalence,
    l.total_pence,
    cast(rank() over (partition by l.condition_list order by l.total_pence desc nulls last) as int) as cost_rank,
    l.mean_total as mean_total_pence,
    case when l.variance >= 0 then sqrt(l.variance) end as sd_total_pence,
    l.mean_total
    - case when l.variance >= 0 then 1.96 * sqrt(cast(l.variance as double) / nullif(l.people, 0)) end
        as mean_total_low_pence,
    l.mean_total
    + case when l.variance >= 0 then 1.96 * sqrt(cast(l.variance as double) / nullif(l.people, 0)) end
        as mean_total_high_pence,
    cast(g.total_pence - l.total_pence as double)
    / nullif(cast(g.people_count - l.people_count as double), 0) as mean_total_without_pence,
    cast(l.other_count as double) / nullif(l.people, 0) as mean_other_conditions,
    cast(l.alone_count as double) / nullif(l.people, 0) as alone_share,
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
cross join registered as g
cross join rests_on as r
cross join run_parameters as p
