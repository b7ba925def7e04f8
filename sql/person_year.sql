-- person_year: everybody registered on at least one day of the year, with the days registered.
-- Grain: one row per person and financial year.
-- Units: days, years of age. Source: person, registration.
with spell as (  -- each registration within the year; a month of death ends it
    select
        r.person_id,
        r.practice_code,
        r.lsoa_code,
        r.deprivation_decile,
        greatest(r.registered_from, p.year_start) as first_day,
        least(
            coalesce(r.registered_to, p.year_end), p.year_end, coalesce(last_day(n.death_month), p.year_end)
        ) as final_day
    from registration as r
    inner join person as n on r.person_id = n.person_id
    cross join run_parameters as p
),

ordered as (
    select
        person_id,
        practice_code,
        lsoa_code,
        deprivation_decile,
        first_day,
        final_day,
        cast(
            max(final_day) over (
                partition by person_id
                order by first_day asc nulls last, final_day asc nulls last, practice_code asc nulls last
                rows between unbounded preceding and 1 preceding
            ) + interval '1' day as date
        ) as day_after_reached
    from spell
    where first_day <= final_day
),

exposure as (  -- days that two overlapping registrations share count once; area and decile are the last known
    select
        person_id,
        cast(
            sum(
                greatest(0, cast(final_day - greatest(first_day, coalesce(day_after_reached, first_day)) as bigint) + 1)
            ) as int
        ) as registered_days,
        min(first_day) as first_day,
        max(final_day) as final_day,
        max_by(practice_code, (practice_code is not null, final_day, first_day, practice_code)) as practice_code,
        max_by(lsoa_code, (lsoa_code is not null, final_day, first_day, practice_code)) as lsoa_code,
        max_by(deprivation_decile, (deprivation_decile is not null, final_day, first_day, practice_code))
            as deprivation_decile
    from ordered
    group by person_id
),

aged as (
    select
        p.financial_year,
        e.person_id,
        e.registered_days,
        greatest(
            0, year(p.year_start) - n.birth_year - case when n.birth_month >= 4 then 1 else 0 end
        ) as age_start_of_year,
        greatest(
            0, year(p.year_start) - n.birth_year - case when n.birth_month >= 10 then 1 else 0 end
        ) as age_mid_year,
        n.sex_code,
        e.practice_code,
        e.lsoa_code,
        e.deprivation_decile,
        e.first_day > p.year_start as is_joiner,
        e.final_day < p.year_end as is_leaver,
        coalesce(n.death_month between p.year_start and p.year_end, false) as died_in_year
    from exposure as e
    inner join person as n on e.person_id = n.person_id
    cross join run_parameters as p
)

select
    financial_year,
    person_id,
    registered_days,
    cast(age_start_of_year as int) as age_start_of_year,
    cast(age_mid_year as int) as age_mid_year,
    case
        when age_mid_year >= 90 then '90+'
        else
            cast(cast(floor(age_mid_year / 5) * 5 as int) as string)
            || '-'
            || cast(cast(floor(age_mid_year / 5) * 5 + 4 as int) as string)
    end as age_band,
    sex_code,
    practice_code,
    lsoa_code,
    deprivation_decile,
    is_joiner,
    is_leaver,
    died_in_year
from aged
