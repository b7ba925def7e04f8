-- cost_ledger: where every record and penny went, stage by stage; each stage divides one before without remainder.
-- Grain: one row per feed, provider, month, stage, status of the stage before that it divides, and status.
-- Units: records, pence. Source: delivery_total, activity_cost.
with feed_of_care as (  -- by name: a feed that lost all its records on the way must still show at the door
    select
        v.feed,
        v.is_priced
    from (
        values ('apc_spell', true), ('op_attendance', true), ('ec_attendance', true), ('gp_appointment', false),
            ('gp_prescription', true), ('community_contact', false), ('mh_contact', false), ('mh_ward_stay', false),
            ('social_care_event', false), ('continuing_care_package', false), ('ambulance_incident', false)
    ) as v(feed, is_priced)
),

door as (
    select
        t.feed,
        t.provider_code,
        t.activity_month,
        t.status,
        sum(t.record_count) as record_count,
        case when f.is_priced then coalesce(sum(t.submitted_pence), 0) end as submitted_pence
    from delivery_total as t
    inner join feed_of_care as f on t.feed = f.feed
    cross join run_parameters as p
    where t.activity_month between p.year_start and p.year_end
    group by t.feed, t.provider_code, t.activity_month, t.status, f.is_priced
),

unit as (  -- the one pass over the units of care: what follows adds up its few rows
    select
        feed,
        provider_code,
        activity_month,
        link_status,
        match_level,
        exposure_status,
        sum(record_count) as record_count,
        sum(submitted_pence) as submitted_pence,
        sum(cost_pence) as cost_pence,
        sum(real_cost_pence) as real_cost_pence
    from activity_cost
    group by feed, provider_code, activity_month, link_status, match_level, exposure_status
),

inside as (
    select v.stage
    from (
        values ('linkage'), ('pricing'), ('exposure')
    ) as v(stage)
),

entry as (
    select
        feed, provider_code, activity_month, 'received' as stage, cast(null as string) as part_of,
        'received' as status, record_count, submitted_pence, cast(null as bigint) as cost_pence,
        cast(null as bigint) as real_cost_pence
    from door
    union all
    select
        feed, provider_code, activity_month, 'door' as stage, 'received' as part_of,
        status, record_count, submitted_pence, cast(null as bigint) as cost_pence,
        cast(null as bigint) as real_cost_pence
    from door
    where record_count <> 0 or submitted_pence <> 0
    union all
    select
        u.feed,
        u.provider_code,
        u.activity_month,
        i.stage,
        case when i.stage = 'linkage' then 'accepted' else u.link_status end as part_of,
        case i.stage
            when 'linkage' then u.link_status
            when 'pricing' then u.match_level
            else u.exposure_status
        end as status,
        u.record_count,
        case when f.is_priced then coalesce(u.submitted_pence, 0) end as submitted_pence,
        case when i.stage = 'pricing' then u.cost_pence else coalesce(u.cost_pence, 0) end as cost_pence,
        case when i.stage = 'pricing' then u.real_cost_pence else coalesce(u.real_cost_pence, 0) end as real_cost_pence
    from unit as u
    inner join feed_of_care as f on u.feed = f.feed
    cross join inside as i
    where i.stage <> 'exposure' or u.link_status = 'linked'
)

select
    p.financial_year,
    e.feed,
    e.provider_code,
    e.activity_month,
    e.stage,
    e.part_of,
    e.status,
    cast(sum(e.record_count) as bigint) as record_count,
    cast(sum(e.submitted_pence) as bigint) as submitted_pence,
    cast(sum(e.cost_pence) as bigint) as cost_pence,
    cast(sum(e.real_cost_pence) as bigint) as real_cost_pence
from entry as e
cross join run_parameters as p
group by p.financial_year, e.feed, e.provider_code, e.activity_month, e.stage, e.part_of, e.status
having e.stage <> 'received' or sum(e.record_count) <> 0 or sum(e.submitted_pence) <> 0
