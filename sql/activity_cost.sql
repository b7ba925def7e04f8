-- activity_cost: what each unit costs: as submitted, else the council's package, else the price book.
-- Grain: one row per payable unit, as in activity.
-- Units: pence, in money of the year and in that of the real year of the book; each rounded half up once.
-- Source: activity, price_used, spell_supplement, price_policy.
with unit as (
    select
        a.financial_year, a.feed, a.delivery_id, a.source_row, a.activity_month, a.person_id, a.link_status,
        a.exposure_status, a.provider_code, a.setting, a.point_of_delivery, a.currency_code, a.quantity,
        a.record_count, a.submitted_pence, a.net_ingredient_pence, a.client_contribution_pence,
        case
            when not a.is_payable then cast(0 as bigint)
            when p.uses_submitted and p.uses_net_ingredient
                then coalesce(a.net_ingredient_pence, a.submitted_pence, a.package_pence)
            when p.uses_submitted then coalesce(a.submitted_pence, a.package_pence)
            else a.package_pence
        end as known_pence,
        case
            when not a.is_payable then 'not_payable'
            when p.uses_submitted and a.submitted_pence is not null then 'submitted'
            when p.uses_submitted and p.uses_net_ingredient and a.net_ingredient_pence is not null then 'submitted'
            when a.package_pence is not null then 'package'
            else coalesce(u.book_level, 'unpriced')
        end as match_level,
        u.unit_price, u.price_basis, u.price_year, u.price_source, u.is_proxy, u.factor_millionths,
        u.nominal_numerator, u.nominal_denominator, u.real_numerator, u.real_denominator,
        u.submitted_real_numerator, u.submitted_real_denominator, u.price_index, u.submitted_price_index,
        u.excess_day_price,
        case when a.point_of_delivery <> 'community_bed_day' then s.unbundled_price end as unbundled_price,  -- all-in
        case when u.price_basis = 'tariff' then coalesce(s.top_up_millionths, 0) else 0 end as top_up_millionths,
        case
            when a.payable_days is not null and u.trim_point_days is not null
                then greatest(0, a.payable_days - u.trim_point_days)
        end as excess_days
    from activity as a
    cross join price_policy as p
    left join price_used as u
        on a.activity_month = u.activity_month and a.setting = u.setting
        and a.point_of_delivery = u.point_of_delivery and a.price_point = u.price_point
        and coalesce(a.currency_code, '') = coalesce(u.currency_code, '') and a.provider_code = u.provider_code
        and a.is_proxy_currency = u.is_proxy_currency
    left join spell_supplement as s
        on a.feed = s.feed and a.delivery_id = s.delivery_id and a.source_row = s.source_row
),

charge as (  -- what is divided by `scale`: what the book says in parts of a penny, or known pence of another year
    select
        financial_year, feed, delivery_id, source_row, activity_month, person_id, link_status, exposure_status,
        provider_code, setting, point_of_delivery, currency_code, quantity, record_count, submitted_pence,
        net_ingredient_pence, client_contribution_pence, known_pence, match_level, unit_price, excess_days,
        price_basis, price_year, price_source, is_proxy, price_index, submitted_price_index,
        known_pence is null as is_from_book,
        case
            when known_pence is null then
                cast(factor_millionths as decimal(38, 0)) * (
                    cast(quantity * unit_price * 100 as decimal(38, 0)) * (1000000 + top_up_millionths)
                    + cast(
                        100 * (coalesce(excess_days * excess_day_price, 0) + coalesce(unbundled_price, 0))
                        as decimal(38, 0)
                    ) * 1000000
                )
            when submitted_real_numerator <> submitted_real_denominator then cast(known_pence as decimal(38, 0))
        end as amount,
        case
            when known_pence is not null then cast(1 as decimal(38, 0))
            else cast(100000000000000 as decimal(38, 0))
        end as scale,
        case when known_pence is null then nominal_numerator end as nominal_numerator,
        nominal_denominator,
        case when known_pence is null then real_numerator else submitted_real_numerator end as real_numerator,
        case when known_pence is null then real_denominator else submitted_real_denominator end as real_denominator
    from unit
),

ratio as (  -- twice the charge and once its divisor: dividing by twice the divisor, without a remainder, rounds half up
    select
        financial_year, feed, delivery_id, source_row, activity_month, person_id, link_status, exposure_status,
        provider_code, setting, point_of_delivery, currency_code, quantity, record_count, submitted_pence,
        net_ingredient_pence, client_contribution_pence, known_pence, match_level, unit_price, excess_days,
        price_basis, price_year, price_source, is_proxy, price_index, submitted_price_index, is_from_book,
        match_level = 'not_payable' or (not is_from_book and real_numerator = real_denominator) as is_same_when_real,
        2 * amount * nominal_numerator + scale * nominal_denominator as nominal,
        2 * scale * nominal_denominator as nominal_divisor,
        2 * amount * real_numerator + scale * real_denominator as real,
        2 * scale * real_denominator as real_divisor
    from charge
)

select
    financial_year,
    feed,
    delivery_id,
    source_row,
    activity_month,
    person_id,
    link_status,
    exposure_status,
    provider_code,
    setting,
    point_of_delivery,
    currency_code,
    quantity,
    record_count,
    submitted_pence,
    net_ingredient_pence,
    case
        when not is_from_book then known_pence
        else
            cast(
                floor(
                    cast(nominal - nominal % nominal_divisor as double)
                    / nullif(cast(nominal_divisor as double), 0) + 0.5
                ) as bigint
            )
    end as cost_pence,
    case
        when is_same_when_real then known_pence
        else
            cast(
                floor(
                    cast(real - real % real_divisor as double) / nullif(cast(real_divisor as double), 0) + 0.5
                ) as bigint
            )
    end as real_cost_pence,
    client_contribution_pence,
    match_level,
    case when is_from_book then unit_price end as unit_price,
    case when is_from_book then excess_days end as excess_days,
    case
        when match_level = 'submitted' then 'tariff'
        when match_level = 'package' then 'package'
        when is_from_book then price_basis
    end as price_basis,
    case
        when match_level in ('submitted', 'package') then financial_year
        when is_from_book then price_year
    end as price_year,
    case when is_from_book then price_source end as price_source,
    case
        when match_level in ('submitted', 'package') then submitted_price_index
        when is_from_book then price_index
    end as price_index,
    is_from_book and coalesce(is_proxy, false) as is_proxy
from ratio
