-- linkage_bound: the cost per registered person if none or all of the unlinked care belonged to the register.
-- Grain: one row per setting and feed, with feed all for the setting and a row for the total.
-- Units: records, people, pence. Denominator: all registered people. Source: linkage_quality, activity_cost,
-- person_year, feed_completeness, identifier_use, person_identifier, identifier_exclusion, dummy_pseudonym.
with identified as (
    select
        u.feed,
        case when x.reason is null then k.person_id end as person_id,
        u.pseudonym_domain,
        u.pseudonym
    from identifier_use as u
    left join person_identifier as k on u.pseudonym_domain = k.pseudonym_domain and u.pseudonym = k.pseudonym
    left join dummy_pseudonym as d on u.pseudonym = d.pseudonym
    left join identifier_exclusion as x
        on u.feed = x.feed and u.pseudonym_domain = x.pseudonym_domain and u.pseudonym = x.pseudonym
    where d.pseudonym is null
),

placed as (  -- feeds of care, and those of codes
    select c.feed, coalesce(c.setting, 'codes') as setting, c.completeness
    from feed_completeness as c
    where c.setting is not null or c.feed in ('gp_coded_event', 'mh_diagnosis')
),

rests_on as (  -- the least complete feed, also where it sent nothing at all
    select
        case when t.scope = 'total' then 'total' else f.setting end as setting,
        case when t.scope = 'feed' then f.feed else 'all' end as feed,
        case when count(f.completeness) = count(*) then min(f.completeness) end as completeness
    from placed as f
    cross join (values ('feed'), ('setting'), ('total')) as t(scope)
    where t.scope <> 'total' or f.setting <> 'codes'
    group by
        case when t.scope = 'total' then 'total' else f.setting end,
        case when t.scope = 'feed' then f.feed else 'all' end
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
            as outside_register_pence
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
    o.completeness,
    p.exposure_rule
from scoped as s
left join counted as c on s.setting = c.setting and s.feed = c.feed
left join rests_on as o on s.setting = o.setting and s.feed = o.feed
cross join registered as r
cross join run_parameters as p
