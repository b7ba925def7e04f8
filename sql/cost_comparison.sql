-- cost_comparison: the same activity under two price books, and why each unit costs something else under the second.
-- Grain: one row per setting, point of delivery, currency, match levels, price years and bases of both, and reason.
-- Units: pence. Source: activity_cost, activity_recost, price_used, price_recost. The order of reasons is the table's.
with first_rule as (  -- what multiplies a price follows from month, provider, setting, basis and year of the price
    select
        activity_month, provider_code, setting, price_basis, price_year,
        max(factor_millionths) as factor_millionths,
        max(nominal_numerator) as nominal_numerator,
        max(nominal_denominator) as nominal_denominator
    from price_used
    where unit_price is not null
    group by activity_month, provider_code, setting, price_basis, price_year
),

second_rule as (
    select
        activity_month, provider_code, setting, price_basis, price_year,
        max(factor_millionths) as factor_millionths,
        max(nominal_numerator) as nominal_numerator,
        max(nominal_denominator) as nominal_denominator
    from price_recost
    where unit_price is not null
    group by activity_month, provider_code, setting, price_basis, price_year
),

pair as (
    select
        f.setting, f.point_of_delivery, f.currency_code, f.quantity,
        f.match_level as first_match_level,
        s.match_level as second_match_level,
        f.price_year as first_price_year,
        s.price_year as second_price_year,
        f.price_basis as first_price_basis,
        s.price_basis as second_price_basis,
        f.cost_pence as first_pence,
        s.cost_pence as second_pence,
        f.unit_price as first_unit_price,
        s.unit_price as second_unit_price,
        case
            when f.cost_pence = s.cost_pence or (f.cost_pence is null and s.cost_pence is null) then 'same'
            when f.cost_pence is null then 'newly_priced'
            when s.cost_pence is null then 'no_longer_priced'
            when f.match_level = 'submitted' and s.match_level <> 'submitted' then 'submitted_ignored'
            when f.match_level <> 'submitted' and s.match_level = 'submitted' then 'submitted_used'
            when f.match_level = 'submitted' then 'prescribing_rule'
            when f.match_level <> s.match_level then 'match_level'
            when f.price_year <> s.price_year then 'price_year_or_index'
            when
                x.nominal_numerator * y.nominal_denominator <> y.nominal_numerator * x.nominal_denominator
                then 'price_year_or_index'
            when f.unit_price <> s.unit_price then 'price'
            when x.factor_millionths <> y.factor_millionths then 'market_forces'
            else 'excess_days_or_top_up'
        end as reason
    from activity_cost as f
    inner join activity_recost as s
        on
            f.feed = s.feed and f.delivery_id = s.delivery_id and f.source_row = s.source_row
            and f.activity_month = s.activity_month
    left join first_rule as x
        on
            f.activity_month = x.activity_month and f.provider_code = x.provider_code and f.setting = x.setting
            and f.price_basis = x.price_basis and f.price_year = x.price_year
    left join second_rule as y
        on
            s.activity_month = y.activity_month and s.provider_code = y.provider_code and s.setting = y.setting
            and s.price_basis = y.price_basis and s.price_year = y.price_year
)

select
    p.financial_year,
    u.setting,
    u.point_of_delivery,
    u.currency_code,
    u.first_match_level,
    u.second_match_level,
    u.first_price_year,
    u.second_price_year,
    u.first_price_basis,
    u.second_price_basis,
    u.reason,
    count(*) as unit_count,
    cast(sum(u.quantity) as bigint) as quantity,
    cast(sum(u.first_pence) as bigint) as first_pence,
    cast(sum(u.second_pence) as bigint) as second_pence,
    cast(coalesce(sum(u.second_pence), 0) - coalesce(sum(u.first_pence), 0) as bigint) as difference_pence,
    case when min(u.first_unit_price) = max(u.first_unit_price) then min(u.first_unit_price) end as first_unit_price,
    case when min(u.second_unit_price) = max(u.second_unit_price) then min(u.second_unit_price) end
        as second_unit_price
from pair as u
cross join run_parameters as p
group by
    p.financial_year, u.setting, u.point_of_delivery, u.currency_code, u.first_match_level, u.second_match_level,
    u.first_price_year, u.second_price_year, u.first_price_basis, u.second_price_basis, u.reason
