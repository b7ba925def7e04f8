-- identifier_use: what each feed says of an identifier in the year; here all feeds of care and codes meet.
-- Grain: one row per feed, provider, pseudonym domain and pseudonym.
-- Units: records; years. Source: thirteen feeds of care and codes.
with record as (  -- sexes 1 and 2 alone are known; the year of birth is that of the day on which the age was told
    select
        'apc_spell' as feed, provider_code, pseudonym_domain, pseudonym, discharge_date as activity_date,
        sex_code, year(discharge_date) - age_years as birth_year, ethnic_category_code
    from apc_spell
    union all
    select
        'op_attendance', provider_code, pseudonym_domain, pseudonym, appointment_date,
        sex_code, year(appointment_date) - age_years, ethnic_category_code
    from op_attendance
    union all
    select
        'ec_attendance', provider_code, pseudonym_domain, pseudonym, arrival_date,
        sex_code, year(arrival_date) - age_years, ethnic_category_code
    from ec_attendance
    union all
    select
        'gp_appointment', practice_code, pseudonym_domain, pseudonym, appointment_date,
        cast(null as string), cast(null as int), cast(null as string)
    from gp_appointment
    union all
    select
        'gp_coded_event', practice_code, pseudonym_domain, pseudonym, record_date,
        cast(null as string), cast(null as int), cast(null as string)
    from gp_coded_event
    union all
    select
        'gp_prescription', practice_code, pseudonym_domain, pseudonym, processing_month,
        gender_code, year(processing_month) - age_years, cast(null as string)
    from gp_prescription
    union all
    select
        'community_contact', provider_code, pseudonym_domain, pseudonym, contact_date,
        gender_code, year(contact_date) - age_years, ethnic_category_code
    from community_contact
    union all
    select
        'mh_contact', provider_code, pseudonym_domain, pseudonym, contact_date,
        gender_code, year(contact_date) - age_years, ethnic_category_code
    from mh_contact
    union all
    select
        'mh_ward_stay', provider_code, pseudonym_domain, pseudonym, coalesce(end_date, period_end),
        gender_code, year(coalesce(end_date, period_end)) - age_years, ethnic_category_code
    from mh_ward_stay
    union all
    select
        'mh_diagnosis', provider_code, pseudonym_domain, pseudonym, diagnosis_date,
        cast(null as string), cast(null as int), cast(null as string)
    from mh_diagnosis
    union all
    select
        'social_care_event', council_code,
        case when pseudonym is null then 'council_' || council_code else pseudonym_domain end,
        coalesce(pseudonym, council_person_id), least(coalesce(end_date, period_end), period_end),
        case gender when 'Male' then '1' when 'Female' then '2' end,
        coalesce(cast(substr(birth_month, 1, 4) as int), year(period_start) - age_years), cast(null as string)
    from social_care_event
    union all
    select
        'continuing_care_package', commissioner_code, pseudonym_domain, pseudonym,
        least(coalesce(end_date, period_end), period_end), cast(null as string), cast(null as int), cast(null as string)
    from continuing_care_package
    union all
    select
        'ambulance_incident', provider_code, pseudonym_domain, pseudonym, call_date,
        sex_code, year(call_date) - age_years, cast(null as string)
    from ambulance_incident
),

used as (
    select
        r.feed,
        r.provider_code,
        r.pseudonym_domain,
        r.pseudonym,
        count(*) as record_count,
        min(r.activity_date) as first_date,
        max(r.activity_date) as last_date,
        min(case when r.sex_code in ('1', '2') then r.sex_code end) as least_sex_code,
        max(case when r.sex_code in ('1', '2') then r.sex_code end) as greatest_sex_code,
        min(r.birth_year) as earliest_birth_year,
        max(r.birth_year) as latest_birth_year,
        max(
            case
                when r.ethnic_category_code not in ('Z', '99')
                    then cast(r.activity_date as string) || r.ethnic_category_code
            end
        ) as dated_ethnic_code
    from record as r
    cross join run_parameters as p
    where r.pseudonym is not null and r.activity_date between p.year_start and p.year_end
    group by r.feed, r.provider_code, r.pseudonym_domain, r.pseudonym
)

select
    p.financial_year,
    u.feed,
    u.provider_code,
    u.pseudonym_domain,
    u.pseudonym,
    cast(u.record_count as bigint) as record_count,
    cast(date_trunc('month', u.first_date) as date) as first_month,
    cast(date_trunc('month', u.last_date) as date) as last_month,
    case when u.least_sex_code = u.greatest_sex_code then u.least_sex_code end as sex_code,
    coalesce(u.least_sex_code <> u.greatest_sex_code, false) as has_both_sexes,
    cast(u.earliest_birth_year as int) as earliest_birth_year,
    cast(u.latest_birth_year as int) as latest_birth_year,
    substr(u.dated_ethnic_code, 11) as ethnic_category_code,
    cast(substr(u.dated_ethnic_code, 1, 8) || '01' as date) as ethnic_month
from used as u
cross join run_parameters as p
