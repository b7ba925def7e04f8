-- activity: all care in one shape, linked or not.
-- Grain: one row per payable unit; packages and ward stays have one row per month that they touch.
-- Units: pence as submitted; quantity in the unit of the currency. Source: eleven feeds, person, person_identifier,
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
            greatest(
                0,
                coalesce(
                    payable_days,
                    cast(discharge_date - admission_date as bigint) - greatest(0, coalesce(critical_care_days, 0))
                    - greatest(0, coalesce(rehabilitation_days, 0))
                    - greatest(0, coalesce(specialist_palliative_care_days, 0))
                )
            ) as bigint
        ) as payable_days,
        admission_method_code in ('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')
        and coalesce(age_years, 0) >= 19 as is_adult_emergency,  -- an unknown age does not earn the reduced price
        coalesce(best_practice_flag, 'N') not in ('N', '0') as is_best_practice
    from apc_spell
),

community_bed as (  -- community hospitals send stays to SUS, ungrouped: intermediate care, rehabilitation; by the night
    select
        delivery_id,
        source_row,
        case treatment_function_code when '318' then 'EpGro04' else 'EpGro06' end as currency_code,
        cast(greatest(1, cast(discharge_date - admission_date as bigint)) as bigint) as bed_days
    from apc_spell
    where
        substr(coalesce(hrg_code, 'U'), 1, 1) = 'U'
        and coalesce(patient_classification_code, '1') not in ('2', '3', '4')
        and (
            treatment_function_code in ('314', '318')
            or (rehabilitation_days > 0 and rehabilitation_days >= cast(discharge_date - admission_date as bigint))
        )
),

admitted as (
    select
        s.delivery_id,
        s.source_row,
        s.pseudonym_domain,
        s.pseudonym,
        s.provider_code,
        s.discharge_date,
        s.submitted_price,
        coalesce(b.currency_code, s.currency_code) as currency_code,
        case when b.bed_days is null then s.point_of_delivery else 'community_bed_day' end as point_of_delivery,
        s.payable_days,
        s.is_adult_emergency,
        s.is_best_practice and b.bed_days is null as is_best_practice,
        coalesce(b.bed_days, cast(1 as bigint)) as quantity
    from spell as s
    left join community_bed as b on s.delivery_id = b.delivery_id and s.source_row = b.source_row
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

several_people as (  -- identifiers under which care of different people may stand side by side
    select feed, pseudonym_domain, pseudonym
    from identifier_exclusion
    where reason in ('impossible_volume', 'ambiguous')
),

cluster_contact as (  -- attended contacts with a care cluster that the price book in use prices by the day, all-in
    select
        k.delivery_id,
        k.source_row,
        k.pseudonym_domain,
        k.pseudonym,
        k.provider_code,
        k.care_cluster_code,
        cast(date_trunc('month', k.contact_date) as date) as month_start,
        row_number() over (
            partition by
                k.pseudonym_domain, k.pseudonym, k.provider_code, cast(date_trunc('month', k.contact_date) as date)
            order by k.contact_date asc nulls last, k.delivery_id asc nulls last, k.source_row asc nulls last
        ) as place
    from mh_contact as k
    left join dummy_pseudonym as d on k.pseudonym = d.pseudonym
    left join several_people as x
        on x.feed = 'mh_contact' and k.pseudonym_domain = x.pseudonym_domain and k.pseudonym = x.pseudonym
    where
        k.attendance_status_code in ('5', '6')
        and k.care_cluster_code <> '99'
        and k.pseudonym is not null
        and d.pseudonym is null
        and x.pseudonym is null
        and exists (
            select 1 from cluster_currency as c where c.currency_code = k.care_cluster_code or c.currency_code = 'ALL'
        )
),

cluster_month as (  -- an identifier's month at a provider under one all-in price, which its first contact carries
    select
        m.delivery_id, m.source_row, m.pseudonym_domain, m.pseudonym, m.provider_code, m.month_start,
        cast(c.month_end - c.month_start as bigint) + 1 as days
    from cluster_contact as m
    inner join calendar_month as c on m.month_start = c.month_start
    where m.place = 1
),

mental_health_contact as (
    select
        k.delivery_id,
        k.source_row,
        k.pseudonym_domain,
        k.pseudonym,
        k.provider_code,
        k.contact_date,
        k.team_type_code,
        k.care_cluster_code,
        k.attendance_status_code in ('5', '6') as is_attended,
        m.days as cluster_days,
        coalesce(m.delivery_id = k.delivery_id and m.source_row = k.source_row, false) as carries_cluster
    from mh_contact as k
    left join cluster_month as m
        on
            k.pseudonym_domain = m.pseudonym_domain
            and k.pseudonym = m.pseudonym
            and k.provider_code = m.provider_code
            and cast(date_trunc('month', k.contact_date) as date) = m.month_start
),

ward_stay as (  -- nights are midnights: the day of discharge is none, the last day of an open stay is one
    select
        w.delivery_id,
        w.source_row,
        w.pseudonym_domain,
        w.pseudonym,
        w.provider_code,
        w.patient_class_code,
        w.start_date,
        coalesce(w.end_date, w.period_end) as final_day,
        coalesce(w.end_date, cast(w.period_end + interval '1' day as date)) as day_after_last_night,
        w.pseudonym is not null and d.pseudonym is null and x.pseudonym is null as is_one_person
    from mh_ward_stay as w
    left join dummy_pseudonym as d on w.pseudonym = d.pseudonym
    left join several_people as x
        on x.feed = 'mh_ward_stay' and w.pseudonym_domain = x.pseudonym_domain and w.pseudonym = x.pseudonym
),

ward_night as (  -- where stays of one person with a provider overlap, the one that began first keeps the nights
    select
        delivery_id,
        source_row,
        pseudonym_domain,
        pseudonym,
        provider_code,
        patient_class_code,
        start_date,
        final_day,
        day_after_last_night,
        case
            when is_one_person
                then
                    coalesce(
                        greatest(
                            start_date,
                            max(day_after_last_night) over (
                                partition by pseudonym_domain, pseudonym, provider_code
                                order by
                                    start_date asc nulls last,
                                    day_after_last_night asc nulls last,
                                    delivery_id asc nulls last,
                                    source_row asc nulls last
                                rows between unbounded preceding and 1 preceding
                            )
                        ),
                        start_date
                    )
            else start_date
        end as first_night
    from ward_stay
),

team_contact as (  -- a child is 18 or younger; a contact of which nobody says how it took place was face to face
    select
        delivery_id, source_row, pseudonym_domain, pseudonym, provider_code, contact_date, attendance_status_code,
        team_type_code,
        case when age_years <= 18 then 'child' else 'adult' end as age_group,
        case
            when consultation_mechanism_code in ('02', '04', '05', '09', '10', '11', '12', '13') then 'remote'
            else 'face_to_face'
        end as contact_mode
    from community_contact
),

continuing_package as (  -- from its start to its end or, while it runs, the end of the last month that it is sent for
    select
        'continuing_care_package' as feed,
        'continuing_care' as setting,
        k.delivery_id,
        k.source_row,
        k.pseudonym_domain,
        k.pseudonym,
        k.commissioner_code,
        true as is_payable,
        false as is_one_off,
        false as starts_in_period,
        k.start_date as first_day,
        least(coalesce(k.end_date, k.period_end), k.period_end) as final_day,
        last_day(n.death_month) as death_day,
        cast(k.weekly_cost * 100 as bigint) as unit_pence,
        cast(null as bigint) as contribution_pence,
        cast(1 as bigint) as units,
        cast(1 as bigint) as unit_weeks,
        case k.package_type
            when 'FNC' then 'funded_nursing_care'
            when 'JOINT' then 'joint_funding'
            when 'CYP' then 'childrens_continuing_care'
            when 'FAST TRACK' then 'fast_track'
            else 'continuing_care'
        end as point_of_delivery
    from continuing_care_package as k
    left join person_identifier as i on k.pseudonym_domain = i.pseudonym_domain and k.pseudonym = i.pseudonym
    left join identifier_exclusion as x
        on
            x.feed = 'continuing_care_package'
            and k.pseudonym_domain = x.pseudonym_domain
            and k.pseudonym = x.pseudonym
    left join person as n on i.person_id = n.person_id and x.reason is null
),

service as (  -- the sign of a unit cost says nothing; labels are read in either release's capitals
    select
        delivery_id,
        source_row,
        council_code,
        event_type,
        start_date,
        end_date,
        period_start,
        period_end,
        cost_frequency,
        case when pseudonym is null then 'council_' || council_code else pseudonym_domain end as pseudonym_domain,
        coalesce(pseudonym, council_person_id) as pseudonym,
        cast(abs(coalesce(unit_cost, 0)) * 100 as bigint) as unit_pence,
        cast(abs(client_contribution) * 100 as bigint) as contribution_pence,
        cast(abs(planned_units_per_week) * 1000 as bigint) as planned_units,
        coalesce(lower(trim(full_cost_client)) in ('yes', 'y', 'true', '1'), false) as is_paid_by_client,
        coalesce(lower(service_type), '') as service_type,
        coalesce(lower(service_component), '') as service_component,
        coalesce(lower(delivery_mechanism), '') as delivery_mechanism,
        replace(death_month, '-', '') as death_month
    from social_care_event
),

package as (  -- a service as far as it runs in the period of its delivery, with its weekly price as a fraction; it is
    -- payable where it has a price and where one is expected: unknown prices and units leave it unpriced, not free
    select
        'social_care_event' as feed,
        'social_care' as setting,
        s.delivery_id,
        s.source_row,
        s.pseudonym_domain,
        s.pseudonym,
        s.council_code,
        s.event_type = 'Service'
        and (
            s.unit_pence > 0
            or s.service_component in ('short term residential care', 'short term nursing care', 'unpaid carer respite')
            or (
                s.delivery_mechanism <> 'cassr commissioned support'
                and (
                    substr(s.service_type, 1, 17) = 'long term support'
                    or substr(s.service_type, 1, 12) = 'unpaid carer'
                )
            )
        ) as is_payable,
        coalesce(f.rule = 'one_off', false) as is_one_off,
        s.start_date >= s.period_start as starts_in_period,
        greatest(s.start_date, s.period_start) as first_day,
        least(coalesce(s.end_date, s.period_end), s.period_end) as final_day,
        least(
            coalesce(last_day(n.death_month), m.month_end), coalesce(m.month_end, last_day(n.death_month))
        ) as death_day,
        nullif(s.unit_pence, 0) as unit_pence,
        case
            when s.contribution_pence is not null then least(s.contribution_pence, s.unit_pence)
            when s.is_paid_by_client then s.unit_pence
        end as contribution_pence,
        case when f.rule = 'planned' then nullif(s.planned_units, 0) else f.units_numerator end as units,
        case when f.rule = 'planned' then 1000 else f.units_denominator end as unit_weeks,
        case
            when s.event_type <> 'Service' then lower(s.event_type)
            when s.service_type = 'long term support: residential care' then 'residential_care'
            when s.service_type = 'long term support: nursing care' then 'nursing_care'
            when 'direct payment' in (s.delivery_mechanism, s.service_component) then 'direct_payment'
            when s.service_type = 'long term support: community' then 'community_support'
            when substr(s.service_type, 1, 18) = 'short term support' then 'short_term_support'
            when substr(s.service_type, 1, 12) = 'unpaid carer' then 'carer_support'
            else 'other_service'
        end as point_of_delivery
    from service as s
    left join cost_frequency as f on s.cost_frequency = f.cost_frequency
    left join person_identifier as i on s.pseudonym_domain = i.pseudonym_domain and s.pseudonym = i.pseudonym
    left join identifier_exclusion as x
        on
            x.feed = 'social_care_event'
            and s.pseudonym_domain = x.pseudonym_domain
            and s.pseudonym = x.pseudonym
    left join person as n on i.person_id = n.person_id and x.reason is null
    left join calendar_month as m on s.death_month = substr(replace(cast(m.month_start as string), '-', ''), 1, 6)
    union all
    select
        feed, setting, delivery_id, source_row, pseudonym_domain, pseudonym, commissioner_code, is_payable, is_one_off,
        starts_in_period, first_day, final_day, death_day, unit_pence, contribution_pence, units, unit_weeks,
        point_of_delivery
    from continuing_package
),

package_month as (  -- months after that of death are not payable, and stay, so that every record counts once
    select
        k.feed,
        k.setting,
        k.delivery_id,
        k.source_row,
        k.pseudonym_domain,
        k.pseudonym,
        k.council_code,
        k.is_payable and c.month_start <= coalesce(k.death_day, c.month_start) as is_payable,
        k.is_one_off,
        k.is_one_off and k.starts_in_period and k.first_day >= c.month_start as is_one_off_paid,
        k.unit_pence,
        k.contribution_pence,
        k.units,
        k.unit_weeks * 7 as unit_days,
        k.point_of_delivery,
        greatest(k.first_day, c.month_start) as activity_date,
        k.final_day <= c.month_end as is_last_part,
        cast(least(k.final_day, c.month_end) - k.first_day as bigint) + 1 as days_to_end,
        cast(greatest(k.first_day, c.month_start) - k.first_day as bigint) as days_before
    from package as k
    inner join calendar_month as c on c.month_start <= k.final_day and c.month_end >= k.first_day
),

package_part as (  -- pence up to and including a day, less pence before: the parts sum to the whole
    select
        feed,
        setting,
        delivery_id,
        source_row,
        pseudonym_domain,
        pseudonym,
        council_code,
        is_payable,
        point_of_delivery,
        activity_date,
        is_last_part,
        days_to_end - days_before as days,
        case
            when not is_payable then cast(null as bigint)
            when is_one_off then case when is_one_off_paid then unit_pence else unit_pence * 0 end
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
        end as package_pence,
        case
            when not is_payable then cast(null as bigint)
            when is_one_off then case when is_one_off_paid then contribution_pence else contribution_pence * 0 end
            else
                cast(
                    floor(
                        cast(2 * contribution_pence * units * days_to_end + unit_days as double)
                        / nullif(2 * unit_days, 0)
                    ) as bigint
                )
                - cast(
                    floor(
                        cast(2 * contribution_pence * units * days_before + unit_days as double)
                        / nullif(2 * unit_days, 0)
                    ) as bigint
                )
        end as contribution_pence
    from package_month
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
        false as is_proxy_currency, quantity, true as is_payable,
        cast(1 as bigint) as record_count,
        cast(submitted_price * 100 as bigint) as submitted_pence, cast(null as bigint) as package_pence,
        cast(null as bigint) as net_ingredient_pence, cast(null as bigint) as client_contribution_pence
    from admitted
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
        k.contact_date, 'community', coalesce(c.point_of_delivery, 'community_contact'), c.currency_code,
        coalesce(c.point_of_delivery, 'community_contact'), cast(null as bigint),
        coalesce(c.is_proxy, true), cast(1 as bigint), k.attendance_status_code in ('5', '6'), cast(1 as bigint),
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from team_contact as k
    left join community_currency as c
        on
            k.team_type_code = c.team_type_code
            and c.age_group in ('all', k.age_group)
            and c.contact_mode in ('all', k.contact_mode)
    union all
    select
        'mh_contact', delivery_id, source_row, pseudonym_domain, pseudonym, provider_code,
        contact_date, 'mental_health', case when carries_cluster then 'mh_cluster_day' else 'mh_contact' end,
        case when carries_cluster then care_cluster_code else team_type_code end,
        case when carries_cluster then 'mh_cluster_day' else 'mh_contact' end, cast(null as bigint),
        false, case when carries_cluster then cluster_days else cast(1 as bigint) end,
        is_attended and (carries_cluster or cluster_days is null), cast(1 as bigint),
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from mental_health_contact
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
                    - greatest(w.first_night, c.month_start) as bigint
                )
            ) as bigint
        ),
        m.days is null, case when w.final_day <= c.month_end then cast(1 as bigint) else cast(0 as bigint) end,
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from ward_night as w
    inner join calendar_month as c on c.month_start <= w.final_day and c.month_end >= w.start_date
    left join cluster_month as m
        on
            w.pseudonym_domain = m.pseudonym_domain
            and w.pseudonym = m.pseudonym
            and w.provider_code = m.provider_code
            and c.month_start = m.month_start
    union all
    select
        feed, delivery_id, source_row, pseudonym_domain, pseudonym, council_code,
        activity_date, setting, point_of_delivery, cast(null as string), point_of_delivery, cast(null as bigint),
        false, days, is_payable,
        case when is_last_part then cast(1 as bigint) else cast(0 as bigint) end, cast(null as bigint),
        package_pence, cast(null as bigint),
        case
            when contribution_pence > package_pence then package_pence
            when package_pence is not null then contribution_pence
        end
    from package_part
    union all
    select
        'ambulance_incident', delivery_id, source_row, pseudonym_domain, pseudonym, provider_code,
        call_date, 'emergency', 'ambulance',
        case treatment_type
            when 'Hear and treat' then '01'
            when 'See and treat' then '02'
            when 'See and convey' then '03'
            else '04'
        end,
        'ambulance', cast(null as bigint), false, cast(1 as bigint), true, cast(1 as bigint),
        cast(null as bigint), cast(null as bigint), cast(null as bigint), cast(null as bigint)
    from ambulance_incident
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
