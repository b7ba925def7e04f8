-- activity_cost: what each unit costs: as submitted, else the council's package, else the price book.
-- Grain: one row per payable unit, as in activity.
-- Units: pence, nominal, rounded half up once. Source: activity, price_book.
with priced as (
    select
        a.financial_year, a.feed, a.delivery_id, a.source_row, a.activity_month, a.person_id, a.link_status,
        a.exposure_status, a.provider_code, a.setting, a.point_of_delivery, a.quantity, a.record_count,
        a.submitted_pence, a.package_pence,
        a.is_proxy_currency,
        e.unit_price as exact_price, e.price_year as exact_year, e.price_basis as exact_basis,
        e.is_proxy as exact_is_proxy,
        m.unit_price as mean_price, m.price_year as mean_year, m.price_basis as mean_basis,
        case
            when not a.is_payable then 'not_payable'
            when a.submitted_pence is not null then 'submitted'
            when a.package_pence is not null then 'package'
            when e.unit_price is not null then 'exact'
            when m.unit_price is not null then 'point_of_delivery'
            else 'unpriced'
        end as match_level
    from activity as a
    left join price_book as e
        on a.setting = e.setting and a.point_of_delivery = e.point_of_delivery and a.currency_code = e.currency_code
    left join price_book as m
        on a.setting = m.setting and a.point_of_delivery = m.point_of_delivery and m.currency_code = 'ALL'
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
    quantity,
    record_count,
    submitted_pence,
    case match_level
        when 'not_payable' then cast(0 as bigint)
        when 'submitted' then submitted_pence
        when 'package' then package_pence
        when 'exact' then cast(floor(quantity * exact_price + cast(0.5 as decimal(18, 2))) as bigint)
        when 'point_of_delivery' then cast(floor(quantity * mean_price + cast(0.5 as decimal(18, 2))) as bigint)
    end as cost_pence,
    match_level,
    case match_level
        when 'submitted' then 'tariff'
        when 'package' then 'package'
        when 'exact' then exact_basis
        when 'point_of_delivery' then mean_basis
    end as price_basis,
    case match_level
        when 'submitted' then financial_year
        when 'package' then financial_year
        when 'exact' then exact_year
        when 'point_of_delivery' then mean_year
    end as price_year,
    case match_level
        when 'exact' then is_proxy_currency or exact_is_proxy
        when 'point_of_delivery' then true
        else false
    end as is_proxy
from priced
