-- cost_reconciliation: costed care by setting, beside the totals that users bring, and on which prices it rests.
-- Grain: one row per setting, and one more per control total supplied for the year, whether or not it has any care.
-- Units: pence, records. Source: activity_cost, cost_control_total, feed_completeness.
with unit as (  -- the one pass over the units of care: what follows adds up its few rows
    select
        setting,
        point_of_delivery,
        provider_code,
        case
            when match_level in ('all_points', 'hrg_root', 'subchapter', 'point_of_delivery') then 'fallback'
            else match_level
        end as level_group,
        sum(record_count) as record_count,
        sum(case when link_status = 'linked' then record_count else 0 end) as linked_count,
        sum(submitted_pence) as submitted_pence,
        sum(cost_pence) as cost_pence,
        sum(real_cost_pence) as real_cost_pence,
        sum(case when match_level = 'unpriced' then 1 else 0 end) as unpriced_count
    from activity_cost
    group by
        setting,
        point_of_delivery,
        provider_code,
        case
            when match_level in ('all_points', 'hrg_root', 'subchapter', 'point_of_delivery') then 'fallback'
            else match_level
        end
),

row_of_table as (
    select
        v.setting,
        cast(null as string) as point_of_delivery,
        cast(null as string) as provider_code,
        cast(null as string) as source,
        cast(null as string) as basis_of_comparison,
        cast(null as bigint) as control_pence,
        cast(null as decimal(18, 2)) as limit_percent,
        cast(null as string) as note
    from (
        values ('primary'), ('inpatient'), ('outpatient'), ('emergency'), ('community'), ('mental_health'),
            ('social_care'), ('continuing_care')
    ) as v(setting)
    union all
    select
        c.setting,
        c.point_of_delivery,
        c.provider_code,
        c.source,
        c.basis_of_comparison,
        c.control_pence,
        c.limit_percent,
        c.note
    from cost_control_total as c
    inner join run_parameters as p on c.financial_year = p.financial_year
),

summed as (
    select
        r.setting,
        r.point_of_delivery,
        r.provider_code,
        r.source,
        r.basis_of_comparison,
        r.control_pence,
        r.limit_percent,
        r.note,
        coalesce(sum(u.record_count), 0) as record_count,
        coalesce(sum(u.linked_count), 0) as linked_count,
        sum(u.submitted_pence) as submitted_pence,
        coalesce(sum(u.cost_pence), 0) as cost_pence,
        sum(u.real_cost_pence) as real_cost_pence,
        coalesce(sum(case when u.level_group = 'submitted' then u.cost_pence end), 0) as submitted_level_pence,
        coalesce(sum(case when u.level_group = 'package' then u.cost_pence end), 0) as package_level_pence,
        coalesce(sum(case when u.level_group = 'exact' then u.cost_pence end), 0) as exact_level_pence,
        coalesce(sum(case when u.level_group = 'fallback' then u.cost_pence end), 0) as fallback_level_pence,
        coalesce(sum(case when u.level_group = 'proxy' then u.cost_pence end), 0) as proxy_level_pence,
        coalesce(sum(u.unpriced_count), 0) as unpriced_count,
        case r.basis_of_comparison
            when 'submitted' then coalesce(sum(u.submitted_pence), 0)
            when 'cost' then coalesce(sum(u.cost_pence), 0)
        end as compared_pence
    from row_of_table as r
    left join unit as u
        on
            r.setting = u.setting
            and coalesce(r.point_of_delivery, u.point_of_delivery) = u.point_of_delivery
            and coalesce(r.provider_code, u.provider_code) = u.provider_code
    group by
        r.setting, r.point_of_delivery, r.provider_code, r.source, r.basis_of_comparison, r.control_pence,
        r.limit_percent, r.note
),

rests_on as (  -- the least complete feed of the setting, also where it sent nothing at all
    select
        setting,
        case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
    group by setting
)

select
    p.financial_year,
    c.setting,
    c.point_of_delivery,
    c.provider_code,
    c.source,
    c.basis_of_comparison,
    cast(c.record_count as bigint) as record_count,
    cast(c.linked_count as bigint) as linked_count,
    cast(c.submitted_pence as bigint) as submitted_pence,
    cast(c.cost_pence as bigint) as cost_pence,
    cast(c.real_cost_pence as bigint) as real_cost_pence,
    cast(c.submitted_level_pence as bigint) as submitted_level_pence,
    cast(c.package_level_pence as bigint) as package_level_pence,
    cast(c.exact_level_pence as bigint) as exact_level_pence,
    cast(c.fallback_level_pence as bigint) as fallback_level_pence,
    cast(c.proxy_level_pence as bigint) as proxy_level_pence,
    cast(c.unpriced_count as bigint) as unpriced_count,
    cast(c.submitted_level_pence + c.package_level_pence + c.exact_level_pence as double)
        / nullif(c.cost_pence, 0) as own_price_share,
    cast(c.compared_pence as bigint) as compared_pence,
    c.control_pence,
    cast(c.compared_pence - c.control_pence as bigint) as difference_pence,
    cast(100 * (c.compared_pence - c.control_pence) as double) / nullif(c.control_pence, 0) as difference_percent,
    c.limit_percent,
    case
        when c.control_pence is null then 'not_supplied'
        -- in whole numbers, so that exactly at the limit is within it; against a total of nothing only nothing is
        when
            10000 * abs(c.compared_pence - c.control_pence)
            <= cast(floor(100 * c.limit_percent) as bigint) * c.control_pence
            then 'within'
        else 'outside'
    end as verdict,
    c.note,
    f.completeness
from summed as c
left join rests_on as f on c.setting = f.setting
cross join run_parameters as p
