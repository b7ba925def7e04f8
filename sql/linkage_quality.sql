-- linkage_quality: how much of each feed links to the register.
-- Grain: one row per feed, provider, month and subgroup, within the year.
-- Units: records, pseudonyms, submitted pence. Source: all feeds but the register, person_identifier.
with record as (
    select
        'apc_spell' as feed, pseudonym_domain, pseudonym, provider_code, discharge_date as activity_date,
        sex_code, submitted_price
    from apc_spell
    union all
    select
        'op_attendance', pseudonym_domain, pseudonym, provider_code, appointment_date,
        sex_code, submitted_price
    from op_attendance
    union all
    select
        'ec_attendance', pseudonym_domain, pseudonym, provider_code, arrival_date,
        sex_code, submitted_price
    from ec_attendance
    union all
    select
        'gp_appointment', pseudonym_domain, pseudonym, practice_code, appointment_date,
        cast(null as string), cast(null as decimal(12, 2))
    from gp_appointment
    union all
    select
        'gp_coded_event', pseudonym_domain, pseudonym, practice_code, record_date,
        cast(null as string), cast(null as decimal(12, 2))
    from gp_coded_event
    union all
    select
        'gp_prescription', pseudonym_domain, pseudonym, practice_code, processing_month,
        cast(null as string), submitted_price
    from gp_prescription
    union all
    select
        'community_contact', pseudonym_domain, pseudonym, provider_code, contact_date,
        gender_code, cast(null as decimal(12, 2))
    from community_contact
    union all
    select
        'mh_contact', pseudonym_domain, pseudonym, provider_code, contact_date,
        gender_code, cast(null as decimal(12, 2))
    from mh_contact
    union all
    select
        'mh_ward_stay', pseudonym_domain, pseudonym, provider_code, coalesce(end_date, period_end),
        gender_code, cast(null as decimal(12, 2))
    from mh_ward_stay
    union all
    select
        'mh_diagnosis', pseudonym_domain, pseudonym, provider_code, diagnosis_date,
        cast(null as string), cast(null as decimal(12, 2))
    from mh_diagnosis
    union all
    select
        'social_care_event', pseudonym_domain, pseudonym, council_code,
        least(coalesce(end_date, period_end), period_end),
        cast(null as string), cast(null as decimal(12, 2))
    from social_care_event
),

by_pseudonym as (  -- pseudonym grain first, so that distinct counts stay small
    select
        r.feed,
        r.provider_code,
        cast(date_trunc('month', r.activity_date) as date) as activity_month,
        r.sex_code,
        r.pseudonym_domain,
        r.pseudonym,
        count(*) as record_count,
        sum(coalesce(cast(r.submitted_price * 100 as bigint), 0)) as submitted_pence
    from record as r
    cross join run_parameters as p
    where r.activity_date between p.year_start and p.year_end
    group by
        r.feed,
        r.provider_code,
        cast(date_trunc('month', r.activity_date) as date),
        r.sex_code,
        r.pseudonym_domain,
        r.pseudonym
),

identified as (
    select
        b.feed,
        b.provider_code,
        b.activity_month,
        b.sex_code,
        b.pseudonym_domain,
        b.pseudonym,
        b.record_count,
        b.submitted_pence,
        i.person_id is not null as is_linked,
        i.person_id is null and (b.pseudonym is null or d.pseudonym is not null) as is_dummy
    from by_pseudonym as b
    left join person_identifier as i on b.pseudonym_domain = i.pseudonym_domain and b.pseudonym = i.pseudonym
    left join dummy_pseudonym as d on b.pseudonym = d.pseudonym
),

subgrouped as (  -- in all, a pseudonym whose records differ in sex is still one pseudonym
    select
        feed, provider_code, activity_month, 'all' as subgroup_type, 'all' as subgroup,
        sum(record_count) as record_count, sum(submitted_pence) as submitted_pence, is_linked, is_dummy
    from identified
    group by feed, provider_code, activity_month, pseudonym_domain, pseudonym, is_linked, is_dummy
    union all
    select
        feed, provider_code, activity_month, 'sex' as subgroup_type, sex_code as subgroup,
        record_count, submitted_pence, is_linked, is_dummy
    from identified
    where sex_code is not null
)

select
    p.financial_year,
    s.feed,
    s.provider_code,
    s.activity_month,
    s.subgroup_type,
    s.subgroup,
    cast(sum(s.record_count) as bigint) as record_count,
    cast(sum(case when s.is_linked then s.record_count else 0 end) as bigint) as linked_count,
    cast(sum(case when s.is_dummy then s.record_count else 0 end) as bigint) as dummy_count,
    cast(sum(case when s.is_linked or s.is_dummy then 0 else s.record_count end) as bigint) as not_registered_count,
    cast(sum(case when s.is_dummy then 0 else 1 end) as bigint) as pseudonym_count,
    cast(sum(case when s.is_linked then 1 else 0 end) as bigint) as linked_pseudonym_count,
    cast(sum(s.submitted_pence) as bigint) as submitted_pence,
    cast(sum(case when s.is_linked then s.submitted_pence else 0 end) as bigint) as linked_submitted_pence
from subgrouped as s
cross join run_parameters as p
group by p.financial_year, s.feed, s.provider_code, s.activity_month, s.subgroup_type, s.subgroup
