-- cost_ledger: where every record and penny went: at the door, then after linkage and pricing.
-- Grain: one row per feed, provider, month and status.
-- Units: records, pence. Source: delivery_total, activity_cost.
with feed_of_care as (  -- by name: a feed that lost all its records on the way must still show at the door
    select v.feed
    from (
        values ('apc_spell'), ('op_attendance'), ('ec_attendance'), ('gp_appointment'), ('gp_prescription'),
            ('community_contact'), ('mh_contact'), ('mh_ward_stay'), ('social_care_event')
    ) as v(feed)
),

at_the_door as (
    select
        t.feed,
        t.provider_code,
        t.activity_month,
        t.status,
        sum(t.record_count) as record_count,
        sum(t.submitted_pence) as submitted_pence
    from delivery_total as t
    inner join feed_of_care as f on t.feed = f.feed
    cross join run_parameters as p
    where t.activity_month between p.year_start and p.year_end
    group by t.feed, t.provider_code, t.activity_month, t.status
),

after_linkage as (
    select
        feed,
        provider_code,
        activity_month,
        link_status as status,
        sum(record_count) as record_count,
        sum(submitted_pence) as submitted_pence,
        sum(cost_pence) as cost_pence,
        sum(case when match_level = 'unpriced' then 1 else 0 end) as unpriced_count
    from activity_cost
    group by feed, provider_code, activity_month, link_status
)

select
    p.financial_year,
    d.feed,
    d.provider_code,
    d.activity_month,
    d.status,
    cast(d.record_count as bigint) as record_count,
    cast(d.submitted_pence as bigint) as submitted_pence,
    cast(null as bigint) as cost_pence,
    cast(0 as bigint) as unpriced_count
from at_the_door as d
cross join run_parameters as p
where d.record_count > 0
union all
select
    p.financial_year,
    a.feed,
    a.provider_code,
    a.activity_month,
    a.status,
    cast(a.record_count as bigint) as record_count,
    cast(a.submitted_pence as bigint) as submitted_pence,
    cast(coalesce(a.cost_pence, 0) as bigint) as cost_pence,
    cast(a.unpriced_count as bigint) as unpriced_count
from after_linkage as a
cross join run_parameters as p
