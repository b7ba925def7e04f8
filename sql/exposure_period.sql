-- exposure_period: on which days a person is registered, and which days are after death.
-- Grain: one row per person and first day; the periods of a person share no day.
-- Source: person, registration.
with spell as (  -- each registration as far as the end of the month of death; open ones end in 2999
    select
        r.person_id,
        r.registered_from as first_day,
        least(
            coalesce(r.registered_to, date '2999-12-31'), coalesce(last_day(n.death_month), date '2999-12-31')
        ) as final_day,
        last_day(n.death_month) as death_day
    from registration as r
    inner join person as n on r.person_id = n.person_id
),

reached as (
    select
        person_id,
        first_day,
        final_day,
        death_day,
        max(final_day) over (
            partition by person_id
            order by first_day asc nulls last, final_day asc nulls last
            rows between unbounded preceding and 1 preceding
        ) as reached_day
    from spell
    where first_day <= final_day
),

numbered as (  -- a registration that starts after the day following all earlier ones opens a period
    select
        person_id,
        first_day,
        final_day,
        death_day,
        sum(case when reached_day is null or cast(first_day - reached_day as bigint) > 1 then 1 else 0 end) over (
            partition by person_id
            order by first_day asc nulls last, final_day asc nulls last
            rows between unbounded preceding and current row
        ) as period
    from reached
),

registered as (
    select
        person_id,
        min(first_day) as first_day,
        max(final_day) as final_day,
        max(death_day) as death_day
    from numbered
    group by person_id, period
)

select
    person_id,
    first_day,
    case when final_day < date '2999-12-31' then final_day end as final_day,
    coalesce(final_day = death_day, false) as is_ended_by_death,
    'registered' as exposure_status
from registered
union all
select
    person_id,
    cast(last_day(death_month) + interval '1' day as date) as first_day,
    cast(null as date) as final_day,
    false as is_ended_by_death,
    'after_death' as exposure_status
from person
where death_month is not null
