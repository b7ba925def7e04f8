-- linkage_quality: how much of each feed links, by records, people and pounds, and in whom it does not.
-- Grain: one row per feed, provider, month and subgroup, within the year.
-- Units: records, people, pence. Source: activity_cost, all feeds but the register, person_identifier,
-- identifier_exclusion, dummy_pseudonym, registration, lsoa (empty unless loaded), ethnic_group.
with stated as (  -- what a record says of its person; general practice, codes and continuing care say nothing
    select
        'apc_spell' as feed, delivery_id, source_row, age_years, sex_code as sex, ethnic_category_code as ethnicity,
        coalesce(lsoa_2021_code, lsoa_code) as lsoa_code
    from apc_spell
    union all
    select
        'op_attendance', delivery_id, source_row, age_years, sex_code, ethnic_category_code,
        coalesce(lsoa_2021_code, lsoa_code)
    from op_attendance
    union all
    select
        'ec_attendance', delivery_id, source_row, age_years, sex_code, ethnic_category_code,
        coalesce(lsoa_2021_code, lsoa_code)
    from ec_attendance
    union all
    select
        'gp_prescription', delivery_id, source_row, age_years, gender_code, cast(null as string),
        lsoa_code
    from gp_prescription
    union all
    select
        'community_contact', delivery_id, source_row, age_years, gender_code, ethnic_category_code,
        lsoa_code
    from community_contact
    union all
    select
        'mh_contact', delivery_id, source_row, age_years, gender_code, ethnic_category_code,
        coalesce(lsoa_2021_code, lsoa_code)
    from mh_contact
    union all
    select
        'mh_ward_stay', delivery_id, source_row, age_years, gender_code, ethnic_category_code,
        coalesce(lsoa_2021_code, lsoa_code)
    from mh_ward_stay
    union all
    select
        'social_care_event', delivery_id, source_row, age_years, gender, ethnicity,
        lsoa_code
    from social_care_event
    union all
    select
        'ambulance_incident', delivery_id, source_row, age_years, sex_code, cast(null as string),
        cast(null as string)
    from ambulance_incident
),

described as (
    select feed, delivery_id, source_row, age_years, sex, ethnicity, lsoa_code
    from stated
    where age_years is not null or sex is not null or ethnicity is not null or lsoa_code is not null
),

describing as (  -- feeds without any such column drop out here, before their many records are joined
    select feed
    from described
    group by feed
),

registered_area as (  -- the decile that the register last gave an area
    select
        lsoa_code,
        max_by(deprivation_decile, (registered_from, person_id)) as decile
    from registration
    where lsoa_code is not null and deprivation_decile is not null
    group by lsoa_code
),

area as (  -- as loaded by users, else as the register has it
    select coalesce(a.lsoa_code, r.lsoa_code) as lsoa_code, coalesce(a.deprivation_decile, r.decile) as decile
    from lsoa as a
    full outer join registered_area as r on a.lsoa_code = r.lsoa_code
),

identifier as (
    select 'apc_spell' as feed, delivery_id, source_row, pseudonym_domain, pseudonym
    from apc_spell
    union all
    select 'op_attendance', delivery_id, source_row, pseudonym_domain, pseudonym
    from op_attendance
    union all
    select 'ec_attendance', delivery_id, source_row, pseudonym_domain, pseudonym
    from ec_attendance
    union all
    select 'gp_appointment', delivery_id, source_row, pseudonym_domain, pseudonym
    from gp_appointment
    union all
    select 'gp_prescription', delivery_id, source_row, pseudonym_domain, pseudonym
    from gp_prescription
    union all
    select 'community_contact', delivery_id, source_row, pseudonym_domain, pseudonym
    from community_contact
    union all
    select 'mh_contact', delivery_id, source_row, pseudonym_domain, pseudonym
    from mh_contact
    union all
    select 'mh_ward_stay', delivery_id, source_row, pseudonym_domain, pseudonym
    from mh_ward_stay
    union all
    select
        'social_care_event', delivery_id, source_row,
        case when pseudonym is null then 'council_' || council_code else pseudonym_domain end,
        coalesce(pseudonym, council_person_id)
    from social_care_event
    union all
    select 'continuing_care_package', delivery_id, source_row, pseudonym_domain, pseudonym
    from continuing_care_package
    union all
    select 'ambulance_incident', delivery_id, source_row, pseudonym_domain, pseudonym
    from ambulance_incident
),

unlinked as (
    select
        a.feed, a.delivery_id, a.source_row, a.activity_month, a.provider_code, a.link_status,
        i.pseudonym_domain, i.pseudonym
    from activity_cost as a
    inner join identifier as i on a.feed = i.feed and a.delivery_id = i.delivery_id and a.source_row = i.source_row
    where a.person_id is null and a.link_status <> 'dummy'
),

code as (  -- feeds that cost nothing; a record is dated as its contract says
    select
        'gp_coded_event' as feed, practice_code as provider_code, record_date as activity_date,
        pseudonym_domain, pseudonym
    from gp_coded_event
    union all
    select 'mh_diagnosis', provider_code, diagnosis_date, pseudonym_domain, pseudonym
    from mh_diagnosis
),

coded as (
    select
        c.feed,
        c.provider_code,
        cast(date_trunc('month', c.activity_date) as date) as activity_month,
        case when x.reason is null then i.person_id end as person_id,
        c.pseudonym_domain,
        c.pseudonym,
        case
            when c.pseudonym is null or d.pseudonym is not null then 'dummy'
            when x.reason is not null then x.reason
            when i.person_id is not null then 'linked'
            else 'not_registered'
        end as link_status,
        count(*) as record_count
    from code as c
    cross join run_parameters as p
    left join person_identifier as i on c.pseudonym_domain = i.pseudonym_domain and c.pseudonym = i.pseudonym
    left join dummy_pseudonym as d on c.pseudonym = d.pseudonym
    left join identifier_exclusion as x
        on c.feed = x.feed and c.pseudonym_domain = x.pseudonym_domain and c.pseudonym = x.pseudonym
    where c.activity_date between p.year_start and p.year_end
    group by
        c.feed, c.provider_code, cast(date_trunc('month', c.activity_date) as date), i.person_id,
        c.pseudonym_domain, c.pseudonym, d.pseudonym, x.reason
),

person_of_all as (  -- a linked person counts once, whatever identifiers the records have
    select distinct
        feed, provider_code, activity_month, link_status, person_id,
        cast(null as string) as pseudonym_domain, cast(null as string) as pseudonym
    from activity_cost
    where person_id is not null
    union all
    select distinct
        feed, provider_code, activity_month, link_status, cast(null as bigint), pseudonym_domain, pseudonym
    from unlinked
    union all
    select distinct
        feed, provider_code, activity_month, link_status, person_id,
        case when person_id is null then pseudonym_domain end, case when person_id is null then pseudonym end
    from coded
    where link_status <> 'dummy'
),

profile as (  -- people by all that their records say of them, so that each subgroup is counted from far fewer rows
    select
        a.feed,
        a.provider_code,
        a.activity_month,
        a.link_status,
        a.person_id,
        u.pseudonym_domain,
        u.pseudonym,
        case
            when s.age_years < 18 then '0-17'
            when s.age_years < 40 then '18-39'
            when s.age_years < 65 then '40-64'
            when s.age_years < 75 then '65-74'
            when s.age_years < 85 then '75-84'
            when s.age_years >= 85 then '85+'
            else 'unknown'
        end as age_band,
        case
            when lower(s.sex) in ('1', 'male') then '1'
            when lower(s.sex) in ('2', 'female') then '2'
            when lower(s.sex) in ('9', 'other', 'indeterminate') then '9'
            else 'unknown'
        end as sex,
        coalesce(e.ethnic_group, 'unknown') as ethnicity,
        coalesce(cast(n.decile as string), 'unknown') as deprivation_decile,
        sum(a.record_count) as record_count,
        sum(a.submitted_pence) as submitted_pence,
        sum(a.cost_pence) as cost_pence
    from activity_cost as a
    inner join describing as f on a.feed = f.feed
    left join described as s on a.feed = s.feed and a.delivery_id = s.delivery_id and a.source_row = s.source_row
    left join unlinked as u
        on
            a.feed = u.feed
            and a.delivery_id = u.delivery_id
            and a.source_row = u.source_row
            and a.activity_month = u.activity_month
    left join ethnic_group as e on lower(s.ethnicity) = lower(e.ethnicity)
    left join area as n on s.lsoa_code = n.lsoa_code
    group by
        a.feed, a.provider_code, a.activity_month, a.link_status, a.person_id, u.pseudonym_domain, u.pseudonym,
        s.age_years, s.sex, e.ethnic_group, n.decile
),

subgrouped as (
    select
        c.feed,
        c.provider_code,
        c.activity_month,
        c.link_status,
        t.subgroup_type,
        case t.subgroup_type
            when 'age_band' then c.age_band
            when 'sex' then c.sex
            when 'ethnicity' then c.ethnicity
            else c.deprivation_decile
        end as subgroup,
        c.person_id,
        c.pseudonym_domain,
        c.pseudonym,
        sum(c.record_count) as record_count,
        sum(c.submitted_pence) as submitted_pence,
        sum(c.cost_pence) as cost_pence
    from profile as c
    cross join (values ('age_band'), ('sex'), ('ethnicity'), ('deprivation_decile')) as t(subgroup_type)
    group by
        c.feed, c.provider_code, c.activity_month, c.link_status, t.subgroup_type,
        case t.subgroup_type
            when 'age_band' then c.age_band
            when 'sex' then c.sex
            when 'ethnicity' then c.ethnicity
            else c.deprivation_decile
        end,
        c.person_id, c.pseudonym_domain, c.pseudonym
),

measured as (
    select
        feed, provider_code, activity_month, link_status, 'all' as subgroup_type, 'all' as subgroup,
        sum(record_count) as record_count, cast(0 as bigint) as people_count,
        sum(submitted_pence) as submitted_pence, coalesce(sum(cost_pence), 0) as cost_pence
    from activity_cost
    group by feed, provider_code, activity_month, link_status
    union all
    select
        feed, provider_code, activity_month, link_status, 'all' as subgroup_type, 'all' as subgroup,
        sum(record_count) as record_count, cast(0 as bigint) as people_count,
        cast(null as bigint) as submitted_pence, cast(null as bigint) as cost_pence
    from coded
    group by feed, provider_code, activity_month, link_status
    union all
    select
        feed, provider_code, activity_month, link_status, 'all' as subgroup_type, 'all' as subgroup,
        cast(0 as bigint) as record_count, count(*) as people_count,
        cast(null as bigint) as submitted_pence, cast(null as bigint) as cost_pence
    from person_of_all
    group by feed, provider_code, activity_month, link_status
    union all
    select
        feed, provider_code, activity_month, link_status, subgroup_type, subgroup,
        sum(record_count) as record_count,
        sum(case when link_status = 'dummy' then 0 else 1 end) as people_count,
        sum(submitted_pence) as submitted_pence, coalesce(sum(cost_pence), 0) as cost_pence
    from subgrouped
    group by feed, provider_code, activity_month, link_status, subgroup_type, subgroup
),

grouped as (
    select
        feed,
        provider_code,
        activity_month,
        subgroup_type,
        subgroup,
        case
            when link_status in ('linked', 'dummy') then link_status
            when link_status in ('one_time', 'not_registered') then 'unregistered'
            else 'unreliable'
        end as link_group,
        record_count,
        people_count,
        submitted_pence,
        cost_pence
    from measured
),

summed as (
    select
        feed,
        provider_code,
        activity_month,
        subgroup_type,
        subgroup,
        sum(record_count) as record_count,
        sum(case when link_group = 'linked' then record_count else 0 end) as linked_count,
        sum(case when link_group = 'dummy' then record_count else 0 end) as dummy_count,
        sum(case when link_group = 'unreliable' then record_count else 0 end) as unreliable_count,
        sum(case when link_group = 'unregistered' then record_count else 0 end) as unregistered_count,
        sum(people_count) as people_count,
        sum(case when link_group = 'linked' then people_count else 0 end) as linked_people_count,
        sum(case when link_group = 'unreliable' then people_count else 0 end) as unreliable_people_count,
        sum(case when link_group = 'unregistered' then people_count else 0 end) as unregistered_people_count,
        sum(submitted_pence) as submitted_pence,
        sum(case when link_group = 'linked' then submitted_pence when submitted_pence is not null then 0 end)
            as linked_submitted_pence,
        sum(cost_pence) as cost_pence,
        sum(case when link_group = 'linked' then cost_pence when cost_pence is not null then 0 end) as linked_pence,
        sum(case when link_group = 'dummy' then cost_pence when cost_pence is not null then 0 end) as dummy_pence,
        sum(case when link_group = 'unreliable' then cost_pence when cost_pence is not null then 0 end)
            as unreliable_pence,
        sum(case when link_group = 'unregistered' then cost_pence when cost_pence is not null then 0 end)
            as unregistered_pence,
        max(max(case when subgroup <> 'unknown' then 1 else 0 end)) over (partition by feed, subgroup_type) as is_known
    from grouped
    group by feed, provider_code, activity_month, subgroup_type, subgroup
)

select
    p.financial_year,
    s.feed,
    s.provider_code,
    s.activity_month,
    s.subgroup_type,
    s.subgroup,
    cast(s.record_count as bigint) as record_count,
    cast(s.linked_count as bigint) as linked_count,
    cast(s.dummy_count as bigint) as dummy_count,
    cast(s.unreliable_count as bigint) as unreliable_count,
    cast(s.unregistered_count as bigint) as unregistered_count,
    cast(s.linked_count as double) / nullif(s.record_count, 0) as record_match_rate,
    cast(s.people_count as bigint) as people_count,
    cast(s.linked_people_count as bigint) as linked_people_count,
    cast(s.unreliable_people_count as bigint) as unreliable_people_count,
    cast(s.unregistered_people_count as bigint) as unregistered_people_count,
    cast(s.linked_people_count as double) / nullif(s.people_count, 0) as people_match_rate,
    cast(s.submitted_pence as bigint) as submitted_pence,
    cast(s.linked_submitted_pence as bigint) as linked_submitted_pence,
    cast(s.linked_submitted_pence as double) / nullif(s.submitted_pence, 0) as submitted_match_rate,
    cast(s.cost_pence as bigint) as cost_pence,
    cast(s.linked_pence as bigint) as linked_pence,
    cast(s.dummy_pence as bigint) as dummy_pence,
    cast(s.unreliable_pence as bigint) as unreliable_pence,
    cast(s.unregistered_pence as bigint) as unregistered_pence,
    cast(s.linked_pence as double) / nullif(s.cost_pence, 0) as cost_match_rate
from summed as s
cross join run_parameters as p
where s.is_known = 1
