-- activity: all care in one shape, linked or not.
-- Grain: one row per payable unit; packages and ward stays have one row per month that they touch.
-- Units: pence as submitted; quantity in the unit of the currency. Source: nine feeds, person_identifier,
-- identifier_exclusion, exposure_period. Social care without pseudonym goes by the council's own number.
with spell as (  -- NHS Payment Scheme; a group of chapter U is a record that could not be grouped, so no code
    select
        delivery_id, source_row, pseudonym_domain, pseudonym, provider_code, discharge_date, submitted_price,
        case when substr(hrg_code, 1, 1) <> 'U' then hrg_code end as currency_code,
        case
            when patient_classification_code = '2' then 'day_case'
            when patient_classification_code in ('3', '4') then 'regular_attender'
            when admission_method_code in ('11', '12', '13') then 'elective'
            when cast(discharge_date - admission_date as bigint) <= 1 then 'non_elective_short'
            else 'non_elective_long'
        end as point_of_delivery,
        cast(
            coalesce(
                payable_days,
                greatest(
                    0,
                    cast(discharge_date - admission_date as bigint) - coalesce(critical_care_days, 0)
                    - coalesce(rehabilitation_days, 0) - coalesce(specialist_palliative_care_days, 0)
                )
            ) as bigint
        ) as payable_days,
        admission_method_code in ('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')
        and coalesce(age_years, 0) >= 19 as is_adult_emergency,  -- an unknown age does not earn the reduced price
        coalesce(best_practice_flag, 'N') not in ('N', '0') as is_best_practice
    from apc_spell
),

attendance as (  -- NHS Payment Scheme: a procedure's group, else the treatment function; WF02 is multi-professional
    select
        delivery_id, source_row, pseudonym_domain, pseudonym, provider_code, appointment_date, submitted_price,
        treatment_function_code,
        case when substr(hrg_code, 1, 2) <> 'WF' and substr(hrg_code, 1, 1) <> 'U' then hrg_code end as procedure_code,
        case first_attendance_code
            when '1' then 'first_face_to_face'
            when '3' then 'first_remote'
            when '4' then 'follow_up_remote'
            else 'follow_up_face_to_face'
        end as attendance_point,
        case
            when multi_professional_code in ('1', '2') or substr(hrg_code, 1, 4) = 'WF02' then '_multi_professional'
            else ''
        end as professions,
        attendance_status_code in ('5', '6') and first_attendance_code <> '5' as is_seen  -- 5 is a clock stop
    from op_attendance
),

appointment as (  -- minutes where they are recorded, else one contact of its mode; unknown role or mode is assumed
    select
        delivery_id, source_row, pseudonym_domain, pseudonym, practice_code, appointment_date, duration_minutes,
        status_code = 'Attended' as is_attended,
        case staff_role_group when 'GP' then 'GP' when 'Nurses' then 'PN' else 'AHP' end as staff,
        case
            when duration_minutes > 0 then 'MIN'
            when contact_mode in ('Telephone', 'Video Conference/Online') then 'TEL'
            when contact_mode = 'Home Visit' then 'HV'
            else 'F2F'
        end as priced_by,
        coalesce(staff_role_group, 'Unknown') in ('Data Quality', 'Unknown')
        or (coalesce(duration_minutes, 0) = 0 and coalesce(contact_mode, 'Unknown') = 'Unknown') as is_assumed
    from gp_appointment
),

prescription as (  -- NHSBSA: lines not dispensed, not paid for or private are no cost to the NHS
    select
        delivery_id, source_row, pseudonym_domain, pseudonym, practice_code, processing_month, item_count,
        submitted_price, net_ingredient_price,
        not coalesce(
            not_dispensed_code in ('Y', '1') or paid_code in ('N', '0') or private_code in ('Y', '1'), false
        ) as is_paid
    from gp_prescription
),

ward_stay as (  -- nights are midnights: the day of discharge is none, the last day of an open stay is one
    select
        delivery_id, source_row, pseudonym_domain, pseudonym, provider_code, patient_class_code, start_date,
        coalesce(end_date, period_end) as final_day,
        coalesce(end_date, cast(period_end + interval '1' day as date)) as day_after_last_night
    from mh_ward_stay
),

package as (  -- a service as far as it runs in the quarter of its delivery, with its weekly price as a fraction;
    -- councils write labels in either release's capitals; unknown planned units leave the package unpriced, not free
    select
        s.delivery_id,
        s.source_row,
        case when s.pseudonym is null then 'council_' || s.council_code else s.pseudonym_domain end as pseudonym_domain,
        coalesce(s.pseudonym, s.council_person_id) as pseudonym,
        s.council_code,
        s.event_type = 'Service' and coalesce(s.unit_cost, 0) > 0 as is_payable,
        f.rule = 'one_off' as is_one_off,
        s.start_date >= s.period_start as starts_in_period,
        greatest(s.start_date, s.period_start) as first_day,
        least(coalesce(s.end_date, s.period_end), s.period_end) as final_day,
        cast(s.unit_cost * 100 as bigint) as unit_pence,
        case
            when f.rule = 'planned' then cast(s.planned_units_per_week * 1000 as bigint)
            else f.units_numerator
        end as units,
        case when f.rule = 'planned' then 1000 else f.units_denominator end as unit_weeks,
        case
            when s.event_type <> 'Service' then lower(s.event_type)
            when lower(s.service_type) = 'long term support: residential care' then 'residential_care'
            when lower(s.service_type) = 'long term support: nursing care' then 'nursing_care'
            when 'direct payment' in (lower(s.delivery_mechanism), lower(s.service_component)) then 'direct_payment'
            when lower(s.service_type) = 'long term support: community' then 'community_support'
            when lower(substr(s.service_type, 1, 18)) = 'short term support' then 'short_term_support'
            when lower(substr(s.service_type, 1, 12)) = 'unpaid carer' then 'carer_support'
            else 'other_service'
        end as point_of_delivery
    from social_care_event as s
    left join cost_frequency as f on s.cost_frequency = f.cost_frequency
),

package_month as (  -- pence up to and including a day, less pence before: the parts sum to the whole
    select
        k.delivery_id,
        k.source_row,
        k.pseudonym_domain,
        k.pseudonym,
        k.council_code,
        k.is_payable,
        k.is_one_off,
        k.starts_in_period,
        k.unit_pence,
        k.units,
        k.unit_weeks * 7 as unit_days,
        k.point_of_delivery,
        c.month_start,
        greatest(k.first_day, c.month_start) as activity_date,
        k.first_day >= c.month_start as is_first_part,
        k.final_day <= c.month_end as is_last_part,
        cast(least(k.final_day, c.month_end) - k.first_day as bigint) + 1 as days_to_end,
        cast(greatest(k.first_day, c.month_start) - k.first_day as bigint) as days_before
    from package as k
    inner join calendar_month as c on c.month_start <= k.final_day and c.month_end >= k.first_day
),

record as (
    select
        'apc_spell' as feed, delivery_id, source_row, pseudonym_domain, pseudonym, provider_code,
        discharge_date as activity_date, 'inpatient' as setting, point_of_delivery, currency_code,
        case
            when is_best_practice then 'best_practice_' || point_of_delivery
            when
                is_adult_emergency and payable_days <= 1
                and point_of_delivery in ('non_elective_short', 'non_elective_long')
                then 'short_stay_emergency'
            else point_of_delivery
        end as price_point,
        payable_days,
        false as is_proxy_currency, cast(1 as bigint) as quantity, true as is_payable,
        cast(1 as bigint) as record_count,
        cast(submitted_price * 100 as bigint) as submitted_pence, cast(null as bigint) as package_pence,
        cast(null as bigint) as net_ingredient_pence, cast(null as bigint) as client_contribution_pence
    from spell
    union all
    select
        'op_attendance', delivery_id, source_row, pseudonym_domain, pseudonym, provider_code,
        appointment_date, 'outpatient', case when procedure_code is null then attendance_point else 'procedure' end,
        coalesce(procedure_code, treatment_function_code),
        case when procedure_code is null then attendance_point || professions else 'procedure' end,
        cast(null as bigint), false, cast(1 as bigint), is_seen, cast(1 as bigint),
        cast(submitted_price * 100 as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from attendance
    union all
    select
        'ec_attendance', delivery_id, source_row, pseudonym_domain, pseudonym, provider_code,
        arrival_date, 'emergency', 'emergency_attendance', case when substr(hrg_code, 1, 1) <> 'U' then hrg_code end,
        'emergency_attendance', cast(null as bigint), false, cast(1 as bigint), true, cast(1 as bigint),
        cast(submitted_price * 100 as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from ec_attendance
    union all
    select
        'gp_appointment', delivery_id, source_row, pseudonym_domain, pseudonym, practice_code,
        appointment_date, 'primary', 'gp_appointment', staff || '-' || priced_by,
        'gp_appointment', cast(null as bigint), is_assumed,
        case when priced_by = 'MIN' then cast(least(duration_minutes, 60) as bigint) else cast(1 as bigint) end,
        is_attended, cast(1 as bigint),
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from appointment
    union all
    select
        'gp_prescription', delivery_id, source_row, pseudonym_domain, pseudonym, practice_code,
        processing_month, 'primary', 'prescribing', cast(null as string), 'prescribing', cast(null as bigint),
        false, cast(item_count as bigint), is_paid, cast(1 as bigint),
        cast(submitted_price * 100 as bigint), cast(null as bigint),
        cast(net_ingredient_price * 100 as bigint), cast(null as bigint)
    from prescription
    union all
    select
        'community_contact', k.delivery_id, k.source_row, k.pseudonym_domain, k.pseudonym, k.provider_code,
        k.contact_date, 'community', 'community_contact', c.currency_code, 'community_contact', cast(null as bigint),
        coalesce(c.is_proxy, true), cast(1 as bigint), k.attendance_status_code in ('5', '6'), cast(1 as bigint),
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from community_contact as k
    left join community_currency as c on k.team_type_code = c.team_type_code
    union all
    select
        'mh_contact', delivery_id, source_row, pseudonym_domain, pseudonym, provider_code,
        contact_date, 'mental_health', 'mh_contact', team_type_code, 'mh_contact', cast(null as bigint),
        false, cast(1 as bigint), attendance_status_code in ('5', '6'), cast(1 as bigint),
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from mh_contact
    union all
    select
        'mh_ward_stay', w.delivery_id, w.source_row, w.pseudonym_domain, w.pseudonym, w.provider_code,
        greatest(w.start_date, c.month_start), 'mental_health', 'mh_bed_day', w.patient_class_code,
        'mh_bed_day', cast(null as bigint), false,
        cast(
            greatest(
                0,
                cast(
                    least(w.day_after_last_night, cast(c.month_end + interval '1' day as date))
                    - greatest(w.start_date, c.month_start) as bigint
                )
            ) as bigint
        ),
        true, case when w.final_day <= c.month_end then cast(1 as bigint) else cast(0 as bigint) end,
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from ward_stay as w
    inner join calendar_month as c on c.month_start <= w.final_day and c.month_end >= w.start_date
    union all
    select
        'social_care_event', delivery_id, source_row, pseudonym_domain, pseudonym, council_code,
        activity_date, 'social_care', point_of_delivery, cast(null as string), point_of_delivery, cast(null as bigint),
        false, days_to_end - days_before, is_payable,
        case when is_last_part then cast(1 as bigint) else cast(0 as bigint) end, cast(null as bigint),
        case
            when not is_payable then cast(null as bigint)
            when is_one_off then case when starts_in_period and is_first_part then unit_pence else cast(0 as bigint) end
            else
                cast(
                    floor(
                        cast(2 * unit_pence * units * days_to_end + unit_days as double) / nullif(2 * unit_days, 0)
                    ) as bigint
                )
                - cast(
                    floor(
                        cast(2 * unit_pence * units * days_before + unit_days as double) / nullif(2 * unit_days, 0)
                    ) as bigint
                )
        end,
        cast(null as bigint), cast(null as bigint)
    from package_month
),

exposed as (  -- care dated some days after the month of death counts as on its last day
    select
        x.person_id,
        x.exposure_status,
        case
            when x.exposure_status = 'after_death' then x.first_day + cast(p.death_tolerance_days as int)
            else x.first_day
        end as first_day,
        case
            when x.is_ended_by_death then x.final_day + cast(p.death_tolerance_days as int)
            else coalesce(x.final_day, p.year_end)
        end as final_day
    from exposure_period as x
    cross join run_parameters as p
)

select
    p.financial_year,
    r.feed,
    r.delivery_id,
    r.source_row,
    cast(date_trunc('month', r.activity_date) as date) as activity_month,
    r.activity_date,
    case when x.reason is null then i.person_id end as person_id,
    case
        when r.pseudonym is null or d.pseudonym is not null then 'dummy'
        when x.reason is not null then x.reason
        when i.person_id is not null then 'linked'
        else 'not_registered'
    end as link_status,
    case
        when i.person_id is not null and x.reason is null then coalesce(e.exposure_status, 'outside_registration')
    end as exposure_status,
    r.provider_code,
    r.setting,
    r.point_of_delivery,
    r.currency_code,
    r.price_point,
    r.payable_days,
    r.is_proxy_currency,
    r.quantity,
    r.is_payable,
    r.record_count,
    r.submitted_pence,
    r.package_pence,
    r.net_ingredient_pence,
    r.client_contribution_pence
from record as r
cross join run_parameters as p
left join person_identifier as i on r.pseudonym_domain = i.pseudonym_domain and r.pseudonym = i.pseudonym
left join dummy_pseudonym as d on r.pseudonym = d.pseudonym
left join identifier_exclusion as x
    on r.feed = x.feed and r.pseudonym_domain = x.pseudonym_domain and r.pseudonym = x.pseudonym
left join exposed as e
    on i.person_id = e.person_id and r.activity_date between e.first_day and e.final_day
where r.activity_date between p.year_start and p.year_end
