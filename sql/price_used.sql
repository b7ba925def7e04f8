-- price_used: the price that the book has for each kind of activity, searched for once, down a ladder.
-- Grain: one row per month, setting, point of delivery, price point, currency, provider and borrowed currency.
-- Units: pence per unit; index ratios in ten-thousandths. Source: activity, the tables of the price book, price_index.
with kind as (  -- without a code: null, and what the grouper could not group
    select distinct
        activity_month, setting, point_of_delivery, price_point, currency_code, provider_code, is_proxy_currency,
        case
            when currency_code is null then ''
            when setting in ('inpatient', 'outpatient', 'emergency') and substr(currency_code, 1, 1) = 'U' then ''
            else currency_code
        end as code
    from activity
),

need as (
    select distinct
        activity_month, setting, point_of_delivery, price_point, code,
        length(code) = 5 and (
            setting = 'inpatient' or point_of_delivery in ('procedure', 'emergency_attendance')
        ) as is_grouped
    from kind
),

point_need as (
    select distinct activity_month, setting, point_of_delivery, price_point
    from need
),

point as (  -- the points of the book at which each need may be met, best first
    select n.activity_month, n.setting, n.point_of_delivery, n.price_point, p.rank as place, p.book_point
    from point_need as n
    inner join price_point as p
        on n.setting = p.setting and n.point_of_delivery = p.point_of_delivery and n.price_point = p.price_point
    union all
    select n.activity_month, n.setting, n.point_of_delivery, n.price_point, v.place,
        case when v.place = 1 then n.price_point else n.point_of_delivery end as book_point
    from point_need as n
    cross join (values (cast(1 as bigint)), (cast(2 as bigint))) as v(place)
    left join price_point as p
        on n.setting = p.setting and n.point_of_delivery = p.point_of_delivery and n.price_point = p.price_point
    where p.rank is null and (v.place = 1 or n.price_point <> n.point_of_delivery)
),

asked_month as (
    select distinct activity_month
    from kind
),

dated as (  -- how many months away a row is in force, the earlier of two as near going first
    select
        m.activity_month, b.setting, b.point_of_delivery, b.currency_code, b.unit_price, b.trim_point_days,
        b.excess_day_price, b.price_year, b.price_basis, b.source, b.is_proxy, b.national_activity,
        row_number() over (
            partition by m.activity_month, b.setting, b.point_of_delivery, b.currency_code
            order by
                greatest(
                    0,
                    12 * (year(b.effective_from) - year(m.activity_month))
                    + month(b.effective_from) - month(m.activity_month),
                    12 * (year(m.activity_month) - year(b.effective_to))
                    + month(m.activity_month) - month(b.effective_to)
                ) asc nulls last,
                b.effective_from asc nulls first
        ) as nearness
    from price_book as b
    cross join asked_month as m
),

offer as (
    select
        activity_month, setting, point_of_delivery, currency_code, unit_price, trim_point_days, excess_day_price,
        price_year, price_basis, source, is_proxy, national_activity,
        cast(unit_price * 100 as bigint) as hundredths
    from dated
    where nearness = 1
),

grouped as (  -- rows of which means are made: never of different years or bases
    select
        activity_month, setting, cast(null as string) as book_point, currency_code as code, 'all_points' as book_level,
        price_year, price_basis, source, hundredths, national_activity
    from offer
    where  -- what is paid beside a spell, or for some spells only, says nothing of what others cost
        currency_code <> 'ALL'
        and point_of_delivery not in ('unbundled', 'short_stay_emergency')
        and substr(point_of_delivery, 1, 13) <> 'best_practice'
    union all
    select
        o.activity_month, o.setting, o.point_of_delivery as book_point, substr(o.currency_code, 1, 4) as code,
        'hrg_root' as book_level, o.price_year, o.price_basis, o.source, o.hundredths, o.national_activity
    from offer as o
    where length(o.currency_code) = 5 and o.setting in ('inpatient', 'outpatient', 'emergency')
    union all
    select
        o.activity_month, o.setting, o.point_of_delivery as book_point, substr(o.currency_code, 1, 2) as code,
        'subchapter' as book_level, o.price_year, o.price_basis, o.source, o.hundredths, o.national_activity
    from offer as o
    where length(o.currency_code) = 5 and o.setting in ('inpatient', 'outpatient', 'emergency')
),

weighed as (  -- by national activity where all of them have it
    select
        activity_month, setting, book_point, code, book_level, price_year, price_basis,
        case when min(source) = max(source) then min(source) else 'several sources of the price book' end as source,
        case
            when count(national_activity) = count(hundredths) and sum(national_activity) > 0
                then cast(sum(cast(hundredths as decimal(38, 0)) * national_activity) as decimal(38, 0))
            else cast(sum(hundredths) as decimal(38, 0))
        end as dividend,
        case
            when count(national_activity) = count(hundredths) and sum(national_activity) > 0
                then cast(sum(national_activity) as decimal(38, 0))
            else cast(count(hundredths) as decimal(38, 0))
        end as divisor
    from grouped
    group by activity_month, setting, book_point, code, book_level, price_year, price_basis
),

mean as (  -- half up: what the remainder leaves divides without one
    select
        activity_month, setting, book_point, code, book_level, price_year, price_basis, source,
        cast(
            cast(
                floor(
                    cast(2 * dividend + divisor - (2 * dividend + divisor) % (2 * divisor) as double)
                    / nullif(cast(2 * divisor as double), 0) + 0.5
                ) as bigint
            ) * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
        ) as unit_price
    from weighed
),

found as (
    select
        n.activity_month, n.setting, n.point_of_delivery, n.price_point, n.code, 1 as step, p.place,
        'exact' as book_level, p.book_point, o.currency_code as matched_code, o.unit_price, o.trim_point_days,
        o.excess_day_price, o.price_basis, o.price_year, o.source, o.is_proxy
    from need as n
    inner join point as p
        on n.activity_month = p.activity_month and n.setting = p.setting
        and n.point_of_delivery = p.point_of_delivery and n.price_point = p.price_point
    inner join offer as o
        on n.activity_month = o.activity_month and n.setting = o.setting and p.book_point = o.point_of_delivery
        and n.code = o.currency_code
    union all
    select
        n.activity_month, n.setting, n.point_of_delivery, n.price_point, n.code, 2 as step, cast(1 as bigint) as place,
        m.book_level, m.book_point, m.code as matched_code, m.unit_price, cast(null as bigint) as trim_point_days,
        cast(null as decimal(18, 2)) as excess_day_price, m.price_basis, m.price_year, m.source, true as is_proxy
    from need as n
    inner join mean as m on n.activity_month = m.activity_month and n.setting = m.setting and n.code = m.code
    where m.book_level = 'all_points'
    union all
    select
        n.activity_month, n.setting, n.point_of_delivery, n.price_point, n.code, v.step, p.place, m.book_level,
        p.book_point, m.code as matched_code, m.unit_price, cast(null as bigint) as trim_point_days,
        cast(null as decimal(18, 2)) as excess_day_price, m.price_basis, m.price_year, m.source, true as is_proxy
    from need as n
    cross join (values (3, 'hrg_root'), (4, 'subchapter')) as v(step, book_level)
    inner join point as p
        on n.activity_month = p.activity_month and n.setting = p.setting
        and n.point_of_delivery = p.point_of_delivery and n.price_point = p.price_point
    inner join mean as m
        on n.activity_month = m.activity_month and n.setting = m.setting and p.book_point = m.book_point
        and v.book_level = m.book_level
        and case when v.step = 3 then substr(n.code, 1, 4) else substr(n.code, 1, 2) end = m.code
    where n.is_grouped
    union all
    select
        n.activity_month, n.setting, n.point_of_delivery, n.price_point, n.code, 5 as step, p.place,
        'point_of_delivery' as book_level, p.book_point, o.currency_code as matched_code, o.unit_price,
        o.trim_point_days, o.excess_day_price, o.price_basis, o.price_year, o.source, true as is_proxy
    from need as n
    inner join point as p
        on n.activity_month = p.activity_month and n.setting = p.setting
        and n.point_of_delivery = p.point_of_delivery and n.price_point = p.price_point
    inner join offer as o
        on n.activity_month = o.activity_month and n.setting = o.setting and p.book_point = o.point_of_delivery
    where o.currency_code = 'ALL'
),

placed as (
    select
        activity_month, setting, point_of_delivery, price_point, code, book_level, book_point, matched_code,
        unit_price, trim_point_days, excess_day_price, price_basis, price_year, source, is_proxy,
        row_number() over (
            partition by activity_month, setting, point_of_delivery, price_point, code
            order by
                step asc nulls last, place asc nulls last, price_year desc nulls last, price_basis asc nulls last
        ) as choice
    from found
),

factor_month as (
    select
        m.activity_month, f.provider_code, f.factor_millionths,
        row_number() over (
            partition by m.activity_month, f.provider_code
            order by
                greatest(
                    0,
                    12 * (year(f.effective_from) - year(m.activity_month))
                    + month(f.effective_from) - month(m.activity_month),
                    12 * (year(m.activity_month) - year(f.effective_to))
                    + month(m.activity_month) - month(f.effective_to)
                ) asc nulls last,
                f.effective_from asc nulls first
        ) as nearness
    from market_forces_factor as f
    cross join asked_month as m
),

priced as (
    select
        k.activity_month, k.setting, k.point_of_delivery, k.price_point, k.currency_code, k.provider_code,
        k.is_proxy_currency,
        case
            when b.book_level is null then 'unpriced'
            when b.book_level = 'exact' and (k.is_proxy_currency or b.is_proxy) then 'proxy'
            else b.book_level
        end as book_level,
        b.book_point, b.matched_code, b.unit_price, b.trim_point_days, b.excess_day_price, b.price_basis,
        b.price_year, b.source,
        case
            when b.price_basis = 'tariff' then coalesce(f.factor_millionths, cast(1000000 as bigint))
            else cast(1000000 as bigint)
        end as factor_millionths,
        i.index_name,
        r.financial_year,
        p.real_year
    from kind as k
    cross join run_parameters as r
    cross join price_policy as p
    left join placed as b
        on k.activity_month = b.activity_month and k.setting = b.setting
        and k.point_of_delivery = b.point_of_delivery and k.price_point = b.price_point and k.code = b.code
        and b.choice = 1
    left join factor_month as f
        on k.activity_month = f.activity_month and k.provider_code = f.provider_code and f.nearness = 1
    left join setting_index as i on k.setting = i.setting
),

carried as (  -- the index of the three years that matter
    select
        d.activity_month, d.setting, d.point_of_delivery, d.price_point, d.currency_code, d.provider_code,
        d.is_proxy_currency, d.book_level, d.book_point, d.matched_code, d.unit_price, d.trim_point_days,
        d.excess_day_price, d.price_basis, d.price_year, d.source, d.factor_millionths, d.financial_year, d.real_year,
        b.index_ten_thousandths as book_index,
        a.index_ten_thousandths as activity_index,
        r.index_ten_thousandths as real_index,
        coalesce(b.index_name, a.index_name) || ' (' || coalesce(b.vintage, a.vintage) || ')' as index_label
    from priced as d
    left join price_index as b on d.index_name = b.index_name and d.price_year = b.price_year
    left join price_index as a on d.index_name = a.index_name and d.financial_year = a.price_year
    left join price_index as r on d.index_name = r.index_name and d.real_year = r.price_year
)

select
    financial_year,
    activity_month,
    setting,
    point_of_delivery,
    price_point,
    currency_code,
    provider_code,
    is_proxy_currency,
    book_level,
    book_point as matched_point,
    matched_code,
    unit_price,
    trim_point_days,
    excess_day_price,
    price_basis,
    price_year,
    source as price_source,
    book_level not in ('exact', 'unpriced') as is_proxy,
    factor_millionths,
    case
        when price_year <> financial_year and book_index is not null and activity_index is not null then activity_index
        when price_year is not null then cast(1 as bigint)
    end as nominal_numerator,
    case
        when price_year <> financial_year and book_index is not null and activity_index is not null then book_index
        when price_year is not null then cast(1 as bigint)
    end as nominal_denominator,
    case when price_year = real_year then cast(1 as bigint) when book_index is not null then real_index end
        as real_numerator,
    case when price_year = real_year then cast(1 as bigint) when real_index is not null then book_index end
        as real_denominator,
    case when financial_year = real_year then cast(1 as bigint) when activity_index is not null then real_index end
        as submitted_real_numerator,
    case when financial_year = real_year then cast(1 as bigint) when real_index is not null then activity_index end
        as submitted_real_denominator,
    case
        when
            (price_year <> financial_year and book_index is not null and activity_index is not null)
            or (price_year <> real_year and book_index is not null and real_index is not null)
            then index_label
    end as price_index,
    case
        when financial_year <> real_year and activity_index is not null and real_index is not null then index_label
    end as submitted_price_index
from carried
