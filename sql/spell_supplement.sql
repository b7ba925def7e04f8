-- spell_supplement: what is added to the price of a spell: a top-up for specialist care, and what is priced apart.
-- Grain: one row per admitted spell that has either.
-- Units: pence; rates in millionths. Source: apc_spell, price_book, top_up. A code of critical care, rehabilitation or
-- palliative care counts its days, once however often it stands; any other counts as often as it stands or says.
with digit as (
    select v.digit
    from (values (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) as v(digit)
),

position as (
    select 100 * h.digit + 10 * t.digit + u.digit + 1 as place
    from digit as h
    cross join digit as t
    cross join digit as u
),

spell as (  -- SUS joins codes by commas and double bars; one kind of separator is enough
    select
        s.delivery_id, s.source_row, s.provider_code,
        cast(date_trunc('month', s.discharge_date) as date) as activity_month,
        s.hrg_code, s.critical_care_days, s.rehabilitation_days, s.specialist_palliative_care_days,
        replace(replace(s.icd10_codes, '|', ','), '.', '') as icd10_codes,
        replace(replace(s.opcs4_codes, '|', ','), '.', '') as opcs4_codes,
        replace(s.unbundled_hrg_codes, '|', ',') as unbundled_codes
    from apc_spell as s
    cross join run_parameters as p
    where s.discharge_date between p.year_start and p.year_end
),

eligible as (
    select distinct provider_code
    from top_up
),

coded as (  -- every code of spells at eligible providers
    select s.delivery_id, s.source_row, s.provider_code, 'icd10' as code_system,
        split_part(s.icd10_codes, ',', p.place) as code
    from spell as s
    inner join eligible as e on s.provider_code = e.provider_code
    inner join position as p on p.place <= length(s.icd10_codes) - length(replace(s.icd10_codes, ',', '')) + 1
    union all
    select s.delivery_id, s.source_row, s.provider_code, 'opcs4' as code_system,
        split_part(s.opcs4_codes, ',', p.place) as code
    from spell as s
    inner join eligible as e on s.provider_code = e.provider_code
    inner join position as p on p.place <= length(s.opcs4_codes) - length(replace(s.opcs4_codes, ',', '')) + 1
    union all
    select s.delivery_id, s.source_row, s.provider_code, 'hrg' as code_system, s.hrg_code as code
    from spell as s
    inner join eligible as e on s.provider_code = e.provider_code
),

topped_up as (
    select c.delivery_id, c.source_row, max(t.rate_millionths) as top_up_millionths
    from coded as c
    inner join top_up as t
        on c.provider_code = t.provider_code and c.code_system = t.code_system
        and substr(c.code, 1, 2) = substr(t.code, 1, 2)
    where substr(c.code, 1, length(t.code)) = t.code
    group by c.delivery_id, c.source_row
),

part as (
    select
        s.delivery_id, s.source_row, s.activity_month, s.critical_care_days, s.rehabilitation_days,
        s.specialist_palliative_care_days,
        trim(split_part(s.unbundled_codes, ',', p.place)) as written
    from spell as s
    inner join position as p
        on p.place <= length(s.unbundled_codes) - length(replace(s.unbundled_codes, ',', '')) + 1
),

unbundled as (
    select
        delivery_id, source_row, activity_month, substr(written, 1, 5) as code,
        case
            when substr(written, 1, 2) in ('XA', 'XB', 'XC') then max(critical_care_days)
            when substr(written, 1, 2) = 'VC' then max(rehabilitation_days)
            when substr(written, 1, 2) = 'SD' then max(specialist_palliative_care_days)
            else sum(
                case when substr(written, 6, 1) = '*' then cast(nullif(substr(written, 7), '') as bigint) else 1 end
            )
        end as units
    from part
    where length(written) >= 5
    group by delivery_id, source_row, activity_month, substr(written, 1, 5), substr(written, 1, 2)
),

asked_month as (
    select distinct activity_month
    from unbundled
),

dated as (
    select
        m.activity_month, b.currency_code, b.unit_price,
        row_number() over (
            partition by m.activity_month, b.currency_code
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
    where b.setting = 'inpatient' and b.point_of_delivery = 'unbundled'
),

priced_apart as (
    select
        u.delivery_id, u.source_row,
        sum(u.units * d.unit_price) as unbundled_price,
        sum(case when u.units * d.unit_price is null then 1 else 0 end) as unbundled_unpriced_count
    from unbundled as u
    left join dated as d on u.activity_month = d.activity_month and u.code = d.currency_code and d.nearness = 1
    group by u.delivery_id, u.source_row
)

select
    p.financial_year,
    'apc_spell' as feed,
    coalesce(u.delivery_id, t.delivery_id) as delivery_id,
    coalesce(u.source_row, t.source_row) as source_row,
    coalesce(t.top_up_millionths, cast(0 as bigint)) as top_up_millionths,
    cast(coalesce(u.unbundled_price, 0) as decimal(18, 2)) as unbundled_price,
    cast(coalesce(u.unbundled_unpriced_count, 0) as bigint) as unbundled_unpriced_count
from priced_apart as u
full outer join topped_up as t on u.delivery_id = t.delivery_id and u.source_row = t.source_row
cross join run_parameters as p
