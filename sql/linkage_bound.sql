-- linkage_bound: the cost per registered person if none or all of the unlinked care belonged to the register.
-- Grain: one row per setting and feed, with feed all for the setting and a row for the total.
-- Units: records, people, pence. Denominator: all registered people. Source: linkage_quality, activity_cost,
-- person_year, feed_completeness, all feeds but the register, person_identifier, dummy_pseudonym.
with record as (
    select 'apc_spell' as feed, pseudonym_domain, pseudonym, discharge_date as activity_date
    from apc_spell
    union all
    select 'op_attendance', pseudonym_domain, pseudonym, appointment_date
    from op_attendance
    union all
    select 'ec_attendance', pseudonym_domain, pseudonym, arrival_date
    from ec_attendance
    union all
    select 'gp_appointment', pseudonym_domain, pseudonym, appointment_date
    from gp_appointment
    union all
    select 'gp_prescription', pseudonym_domain, pseudonym, processing_month
    from gp_prescription
    union all
    select 'gp_coded_event', pseudonym_domain, pseudonym, record_date
    from gp_coded_event
    union all
    select 'community_contact', pseudonym_domain, pseudonym, contact_date
    from community_contact
    union all
    select 'mh_contact', pseudonym_domain, pseudonym, contact_date
    from mh_contact
    union all
    select 'mh_ward_stay', pseudonym_domain, pseudonym, coalesce(end_date, period_end)
    from mh_ward_stay
    union all
    select 'mh_diagnosis', pseudonym_domain, pseudonym, diagnosis_date
    from mh_diagnosis
    union all
    select
        'social_care_event',
        case when pseudonym is null then 'council_' || council_code else pseudonym_domain end,
        coalesce(pseudonym, council_person_id),
        least(coalesce(end_date, period_end), period_end)
    from social_care_event
),

identifier as (
    select distinct r.feed, r.pseudonym_domain, r.pseudonym
    from record as r
    cross join run_parameters as p
    where r.activity_date between p.year_start and p.year_end and r.pseudonym is not null
),

identified as (
    select i.feed, k.person_id, i.pseudonym_domain, i.pseudonym
    from identifier as i
    left join person_identifier as k on i.pseudonym_domain = k.pseudonym_domain and i.pseudonym = k.pseudonym
    left join dummy_pseudonym as d on i.pseudonym = d.pseudonym
    where k.person_id is not null or d.pseudonym is null
),

placed as (
    select feed, coalesce(setting, 'codes') as setting, completeness
    from feed_completeness
),

anybody as (  -- once in its feed, its setting and the total, whatever identifiers the records have
    select distinct
        case when t.scope = 'total' then 'total' else f.setting end as setting,
        case when t.scope = 'feed' then i.feed else 'all' end as feed,
        i.person_id,
        case when i.person_id is null then i.pseudonym_domain end as pseudonym_domain,
        case when i.person_id is null then i.pseudonym end as pseudonym
    from identified as i
    inner join placed as f on i.feed = f.feed
    cross join (values ('feed'), ('setting'), ('total')) as t(scope)
    where t.scope <> 'total' or f.setting <> 'codes'
),

counted as (
    select setting, feed, count(*) as identified_count, count(person_id) as linked_people_count
    from anybody
    group by setting, feed
),

elsewhere as (  -- links to a person who is registered on no day of the year
    select a.feed, sum(a.cost_pence) as outside_register_pence
    from activity_cost as a
    left join person_year as y on a.person_id = y.person_id
    where a.person_id is not null and y.person_id is null
    group by a.feed
),

by_feed as (
    select
        feed,
        sum(record_count) as record_count,
        sum(linked_count) as linked_count,
        sum(cost_pence) as cost_pence,
        sum(linked_pence) as linked_pence
    from linkage_quality
    where subgroup_type = 'all'
    group by feed
),

scoped as (
    select
        case when t.scope = 'total' then 'total' else f.setting end as setting,
        case when t.scope = 'feed' then b.feed else 'all' end as feed,
        sum(b.record_count) as record_count,
        sum(b.linked_count) as linked_count,
        sum(b.cost_pence) as cost_pence,
        sum(b.linked_pence) as linked_pence,
        sum(case when b.cost_pence is not null then coalesce(e.outside_register_pence, 0) end)
            as outside_register_pence,
        case when count(f.completeness) = count(*) then min(f.completeness) end as completeness
    from by_feed as b
    inner join placed as f on b.feed = f.feed
    left join elsewhere as e on b.feed = e.feed
    cross join (values ('feed'), ('setting'), ('total')) as t(scope)
    where t.scope <> 'total' or f.setting <> 'codes'
    group by
        case when t.scope = 'total' then 'total' else f.setting end,
        case when t.scope = 'feed' then b.feed else 'all' end
),

registered as (
    select count(*) as people_count
    from person_year
)

select
    p.financial_year,
    s.setting,
    s.feed,
    cast(s.record_count as bigint) as record_count,
    cast(s.linked_count as bigint) as linked_count,
    cast(s.linked_count as double) / nullif(s.record_count, 0) as record_match_rate,
    coalesce(c.identified_count, 0) as identified_count,
    coalesce(c.linked_people_count, 0) as linked_people_count,
    cast(c.linked_people_count as double) / nullif(c.identified_count, 0) as people_match_rate,
    cast(s.cost_pence as bigint) as cost_pence,
    cast(s.linked_pence as bigint) as linked_pence,
    cast(s.cost_pence - s.linked_pence as bigint) as unlinked_pence,
    cast(s.linked_pence as double) / nullif(s.cost_pence, 0) as cost_match_rate,
    cast(s.outside_register_pence as bigint) as outside_register_pence,
    r.people_count,
    cast(s.linked_pence - s.outside_register_pence as double) / nullif(r.people_count, 0) as lower_pence_per_person,
    cast(s.cost_pence - s.outside_register_pence as double) / nullif(r.people_count, 0) as upper_pence_per_person,
    s.completeness,
    p.exposure_rule
from scoped as s
left join counted as c on s.setting = c.setting and s.feed = c.feed
cross join registered as r
cross join run_parameters as p
