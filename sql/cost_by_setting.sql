-- cost_by_setting: use and cost of each setting: everybody, people with three or more conditions, the rest.
-- Grain: one row per financial year, group and setting, with a row for the total.
-- Units: pence. Denominator: all registered people. Source: person_year_cost, person_year_morbidity (list delphi52),
-- feed_completeness.
with registered as (
    select
        case when m.condition_count >= 3 then '3plus' else 'rest' end as morbidity_group,
        c.primary_pence,
        c.inpatient_pence,
        c.outpatient_pence,
        c.emergency_pence,
        c.community_pence,
        c.mental_health_pence,
        c.social_care_pence,
        c.continuing_care_pence,
        c.primary_count,
        c.inpatient_count,
        c.outpatient_count,
        c.emergency_count,
        c.community_count,
        c.mental_health_count,
        c.social_care_count,
        c.continuing_care_count,
        c.total_pence
    from person_year_cost as c
    inner join person_year_morbidity as m on c.person_id = m.person_id
    where m.condition_list = 'delphi52'
),

used as (
    select morbidity_group, 'primary' as setting, primary_pence as cost_pence, primary_count as record_count
    from registered
    union all
    select morbidity_group, 'inpatient' as setting, inpatient_pence as cost_pence, inpatient_count as record_count
    from registered
    union all
    select morbidity_group, 'outpatient' as setting, outpatient_pence as cost_pence, outpatient_count as record_count
    from registered
    union all
    select morbidity_group, 'emergency' as setting, emergency_pence as cost_pence, emergency_count as record_count
    from registered
    union all
    select morbidity_group, 'community' as setting, community_pence as cost_pence, community_count as record_count
    from registered
    union all
    select
        morbidity_group, 'mental_health' as setting, mental_health_pence as cost_pence,
        mental_health_count as record_count
    from registered
    union all
    select morbidity_group, 'social_care' as setting, social_care_pence as cost_pence, social_care_count as record_count
    from registered
    union all
    select
        morbidity_group, 'continuing_care' as setting, continuing_care_pence as cost_pence,
        continuing_care_count as record_count
    from registered
    union all
    select
        morbidity_group,
        'total' as setting,
        total_pence as cost_pence,
        primary_count + inpatient_count + outpatient_count + emergency_count
        + community_count + mental_health_count + social_care_count + continuing_care_count as record_count
    from registered
),

summed as (
    select
        morbidity_group,
        setting,
        count(*) as people_count,
        sum(case when cost_pence > 0 then 1 else 0 end) as user_count,
        sum(record_count) as record_count,
        sum(cost_pence) as cost_pence,
        sum(cast(cost_pence as decimal(38, 0)) * cast(cost_pence as decimal(38, 0))) as cost_squared
    from used
    group by morbidity_group, setting
),

with_all as (
    select morbidity_group, setting, people_count, user_count, record_count, cost_pence, cost_squared from summed
    union all
    select
        'all' as morbidity_group,
        setting,
        sum(people_count) as people_count,
        sum(user_count) as user_count,
        sum(record_count) as record_count,
        sum(cost_pence) as cost_pence,
        sum(cost_squared) as cost_squared
    from summed
    group by setting
),

exact as (  -- whole numbers, so that large costs cancel exactly
    select
        morbidity_group,
        setting,
        record_count,
        cast(people_count as decimal(38, 0)) as people_count,
        cast(user_count as decimal(38, 0)) as user_count,
        cast(cost_pence as decimal(38, 0)) as cost_pence,
        cost_squared
    from with_all
),

measured as (
    select
        morbidity_group,
        setting,
        people_count,
        user_count,
        record_count,
        cost_pence,
        cast(cost_pence as double) / nullif(cast(people_count as double), 0) as mean_per_person,
        cast(people_count * cost_squared - cost_pence * cost_pence as double)
        / nullif(cast(people_count * (people_count - 1) as double), 0) as variance_per_person,
        cast(people_count * cost_squared - cost_pence * cost_pence as double)
        / nullif(cast(people_count * people_count * (people_count - 1) as double), 0) as variance_of_mean,
        cast(user_count * cost_squared - cost_pence * cost_pence as double)
        / nullif(cast(user_count * (user_count - 1) as double), 0) as variance_per_user
    from exact
),

group_total as (
    select morbidity_group, cost_pence from with_all where setting = 'total'
),

by_setting as (  -- of the least complete feed of the setting; a feed that was never due has no completeness
    select setting, case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
    group by setting
),

rests_on as (
    select setting, completeness from by_setting
    union all
    select
        'total' as setting,
        case when count(completeness) = count(*) then min(completeness) end as completeness
    from by_setting
)

select
    p.financial_year,
    w.morbidity_group,
    w.setting,
    cast(w.people_count as bigint) as people_count,
    cast(w.user_count as bigint) as user_count,
    cast(w.user_count as double) / nullif(cast(w.people_count as double), 0) as user_share,
    cast(w.record_count as double) / nullif(cast(w.people_count as double), 0) as records_per_person,
    cast(w.cost_pence as double) / nullif(cast(w.user_count as double), 0) as mean_pence_per_user,
    case when w.variance_per_user >= 0 then sqrt(w.variance_per_user) end as sd_pence_per_user,
    w.mean_per_person as mean_pence_per_person,
    case when w.variance_per_person >= 0 then sqrt(w.variance_per_person) end as sd_pence_per_person,
    w.mean_per_person
    - case when w.variance_of_mean >= 0 then 1.96 * sqrt(w.variance_of_mean) end as mean_low_pence_per_person,
    w.mean_per_person
    + case when w.variance_of_mean >= 0 then 1.96 * sqrt(w.variance_of_mean) end as mean_high_pence_per_person,
    cast(w.cost_pence as bigint) as total_pence,
    cast(w.cost_pence as double) / nullif(cast(t.cost_pence as double), 0) as cost_share,
    r.completeness,
    p.exposure_rule
from measured as w
inner join group_total as t on w.morbidity_group = t.morbidity_group
left join rests_on as r on w.setting = r.setting
cross join run_parameters as p
