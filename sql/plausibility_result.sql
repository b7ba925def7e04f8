-- plausibility_result: records that contradict what the register says of their person or practice.
-- Grain: one row per feed and check, within the year.
-- Units: records; people for the check no_record. Source: all feeds but the register, person, person_year,
-- registration, identifier_exclusion.
with record as (
    select
        'apc_spell' as feed, pseudonym_domain, pseudonym, practice_code, sex_code,
        admission_date as start_date, discharge_date as activity_date
    from apc_spell
    union all
    select
        'op_attendance', pseudonym_domain, pseudonym, practice_code, sex_code,
        appointment_date, appointment_date
    from op_attendance
    union all
    select
        'ec_attendance', pseudonym_domain, pseudonym, practice_code, sex_code,
        arrival_date, arrival_date
    from ec_attendance
    union all
    select
        'gp_appointment', pseudonym_domain, pseudonym, practice_code, cast(null as string),
        appointment_date, appointment_date
    from gp_appointment
    union all
    select
        'gp_coded_event', pseudonym_domain, pseudonym, practice_code, cast(null as string),
        event_date, record_date
    from gp_coded_event
    union all
    select
        'gp_prescription', pseudonym_domain, pseudonym, practice_code, cast(null as string),
        processing_month, processing_month
    from gp_prescription
    union all
    select
        'community_contact', pseudonym_domain, pseudonym, cast(null as string), gender_code,
        contact_date, contact_date
    from community_contact
    union all
    select
        'mh_contact', pseudonym_domain, pseudonym, cast(null as string), gender_code,
        contact_date, contact_date
    from mh_contact
    union all
    select
        'mh_ward_stay', pseudonym_domain, pseudonym, cast(null as string), gender_code,
        start_date, coalesce(end_date, period_end)
    from mh_ward_stay
    union all
    select
        'mh_diagnosis', pseudonym_domain, pseudonym, cast(null as string), cast(null as string),
        diagnosis_date, diagnosis_date
    from mh_diagnosis
    union all
    select
        'social_care_event',
        case when pseudonym is null then 'council_' || council_code else pseudonym_domain end,
        coalesce(pseudonym, council_person_id), cast(null as string),
        case gender when 'Male' then '1' when 'Female' then '2' end,
        start_date, least(coalesce(end_date, period_end), period_end)
    from social_care_event
    union all
    select
        'continuing_care_package', pseudonym_domain, pseudonym, cast(null as string), cast(null as string),
        start_date, least(coalesce(end_date, period_end), period_end)
    from continuing_care_package
    union all
    select
        'ambulance_incident', pseudonym_domain, pseudonym, cast(null as string), sex_code,
        call_date, call_date
    from ambulance_incident
),

identity as (  -- what the register says of the person behind a pseudonym
    select
        i.pseudonym_domain,
        i.pseudonym,
        i.person_id,
        n.birth_year * 12 + n.birth_month as birth_month_number,
        last_day(n.death_month) as death_day,
        case when n.sex_code in ('1', '2') then n.sex_code end as sex_code
    from person_identifier as i
    inner join person as n on i.person_id = n.person_id
),

known_practice as (
    select distinct practice_code
    from registration
),

by_person as (  -- records of a feed whose pseudonym nobody has are one group, without a person
    select
        r.feed,
        i.person_id,
        count(i.person_id) as linked_count,
        sum(case when year(r.start_date) * 12 + month(r.start_date) < i.birth_month_number then 1 else 0 end)
            as before_birth_count,
        count(i.death_day) as of_deceased_count,
        sum(case when cast(r.activity_date - i.death_day as bigint) > p.death_tolerance_days then 1 else 0 end)
            as after_death_count,
        sum(case when r.sex_code in ('1', '2') and i.sex_code is not null then 1 else 0 end) as both_sexes_count,
        sum(case when r.sex_code in ('1', '2') and r.sex_code <> i.sex_code then 1 else 0 end) as other_sex_count,
        count(r.practice_code) as practice_count,
        sum(case when r.practice_code is not null and t.practice_code is null then 1 else 0 end)
            as unknown_practice_count
    from record as r
    cross join run_parameters as p
    left join identifier_exclusion as x
        on r.feed = x.feed and r.pseudonym_domain = x.pseudonym_domain and r.pseudonym = x.pseudonym
    left join identity as i
        on r.pseudonym_domain = i.pseudonym_domain and r.pseudonym = i.pseudonym and x.reason is null
    left join known_practice as t on r.practice_code = t.practice_code
    where r.activity_date between p.year_start and p.year_end
    group by r.feed, i.person_id
),

registered as (
    select count(*) as people_count
    from person_year
),

by_feed as (
    select
        b.feed,
        sum(b.linked_count) as linked_count,
        sum(b.before_birth_count) as before_birth_count,
        sum(b.of_deceased_count) as of_deceased_count,
        sum(b.after_death_count) as after_death_count,
        sum(b.both_sexes_count) as both_sexes_count,
        sum(b.other_sex_count) as other_sex_count,
        sum(b.practice_count) as practice_count,
        sum(b.unknown_practice_count) as unknown_practice_count,
        count(y.person_id) as people_count
    from by_person as b
    left join person_year as y on b.person_id = y.person_id
    group by b.feed
),

checked as (
    select feed, 'before_birth' as check_code, linked_count as row_count, before_birth_count as broken_count
    from by_feed
    union all
    select feed, 'after_death', of_deceased_count, after_death_count
    from by_feed
    union all
    select feed, 'other_sex', both_sexes_count, other_sex_count
    from by_feed
    union all
    select feed, 'unknown_practice', practice_count, unknown_practice_count
    from by_feed
    union all
    select b.feed, 'no_record', g.people_count, g.people_count - b.people_count
    from by_feed as b
    cross join registered as g
)

select
    p.financial_year,
    c.feed,
    c.check_code,
    cast(c.row_count as bigint) as row_count,
    cast(c.broken_count as bigint) as broken_count
from checked as c
cross join run_parameters as p
where c.row_count > 0
