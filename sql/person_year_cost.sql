-- person_year_cost: cost of care per person and financial year.
-- Grain: one row per person registered in the year, and per anybody else whose care links.
-- Units: pence, nominal but for real_total_pence. Source: activity_cost, person_year, feed_completeness.
with unit as (
    select
        person_id, exposure_status, setting, point_of_delivery, quantity, record_count, cost_pence, match_level,
        real_cost_pence, client_contribution_pence, is_proxy,
        match_level <> 'not_payable' as is_payable
    from activity_cost
    where person_id is not null
),

used as (
    select
        person_id,
        sum(case when setting = 'primary' then cost_pence end) as primary_pence,
        sum(case when setting = 'inpatient' then cost_pence end) as inpatient_pence,
        sum(case when setting = 'outpatient' then cost_pence end) as outpatient_pence,
        sum(case when setting = 'emergency' then cost_pence end) as emergency_pence,
        sum(case when setting = 'community' then cost_pence end) as community_pence,
        sum(case when setting = 'mental_health' then cost_pence end) as mental_health_pence,
        sum(case when setting = 'social_care' then cost_pence end) as social_care_pence,
        sum(case when setting = 'continuing_care' then cost_pence end) as continuing_care_pence,
        sum(cost_pence) as total_pence,
        sum(real_cost_pence) as real_total_pence,
        sum(client_contribution_pence) as client_contribution_pence,
        sum(case when point_of_delivery = 'gp_appointment' then cost_pence end) as gp_appointment_point_pence,
        sum(case when point_of_delivery = 'prescribing' then cost_pence end) as prescribing_point_pence,
        sum(case when point_of_delivery = 'elective' then cost_pence end) as elective_point_pence,
        sum(case when point_of_delivery = 'day_case' then cost_pence end) as day_case_point_pence,
        sum(case when point_of_delivery = 'regular_attender' then cost_pence end) as regular_attender_point_pence,
        sum(case when point_of_delivery = 'non_elective_short' then cost_pence end) as non_elective_short_point_pence,
        sum(case when point_of_delivery = 'non_elective_long' then cost_pence end) as non_elective_long_point_pence,
        sum(case when point_of_delivery = 'mh_contact' then cost_pence end) as mh_contact_point_pence,
        sum(case when point_of_delivery = 'mh_bed_day' then cost_pence end) as mh_bed_day_point_pence,
        sum(case when setting = 'primary' and is_payable then record_count end) as primary_count,
        sum(case when setting = 'inpatient' and is_payable then record_count end) as inpatient_count,
        sum(case when setting = 'outpatient' and is_payable then record_count end) as outpatient_count,
        sum(case when setting = 'emergency' and is_payable then record_count end) as emergency_count,
        sum(case when setting = 'community' and is_payable then record_count end) as community_count,
        sum(case when setting = 'mental_health' and is_payable then record_count end) as mental_health_count,
        sum(case when setting = 'social_care' and is_payable then record_count end) as social_care_count,
        sum(case when setting = 'continuing_care' and is_payable then record_count end) as continuing_care_count,
        sum(case when point_of_delivery = 'mh_bed_day' then quantity end) as mh_bed_day_count,
        sum(case when exposure_status = 'outside_registration' then cost_pence end) as outside_registration_pence,
        sum(case when exposure_status = 'after_death' then cost_pence end) as after_death_pence,
        sum(case when is_proxy then cost_pence end) as proxy_pence,
        sum(case when match_level = 'unpriced' then 1 end) as unpriced_count
    from unit
    group by person_id
),

rests_on as (  -- the least complete feed of care; a feed that was never due has no completeness
    select case when count(completeness) = count(*) then min(completeness) end as completeness
    from feed_completeness
    where setting is not null
)

select
    p.financial_year,
    coalesce(y.person_id, u.person_id) as person_id,
    y.person_id is not null as is_registered,
    coalesce(y.registered_days, 0) as registered_days,
    cast(coalesce(u.primary_pence, 0) as bigint) as primary_pence,
    cast(coalesce(u.inpatient_pence, 0) as bigint) as inpatient_pence,
    cast(coalesce(u.outpatient_pence, 0) as bigint) as outpatient_pence,
    cast(coalesce(u.emergency_pence, 0) as bigint) as emergency_pence,
    cast(coalesce(u.community_pence, 0) as bigint) as community_pence,
    cast(coalesce(u.mental_health_pence, 0) as bigint) as mental_health_pence,
    cast(coalesce(u.social_care_pence, 0) as bigint) as social_care_pence,
    cast(coalesce(u.continuing_care_pence, 0) as bigint) as continuing_care_pence,
    cast(coalesce(u.total_pence, 0) as bigint) as total_pence,
    cast(coalesce(u.real_total_pence, 0) as bigint) as real_total_pence,
    cast(coalesce(u.client_contribution_pence, 0) as bigint) as client_contribution_pence,
    cast(coalesce(u.gp_appointment_point_pence, 0) as bigint) as gp_appointment_point_pence,
    cast(coalesce(u.prescribing_point_pence, 0) as bigint) as prescribing_point_pence,
    cast(coalesce(u.elective_point_pence, 0) as bigint) as elective_point_pence,
    cast(coalesce(u.day_case_point_pence, 0) as bigint) as day_case_point_pence,
    cast(coalesce(u.regular_attender_point_pence, 0) as bigint) as regular_attender_point_pence,
    cast(coalesce(u.non_elective_short_point_pence, 0) as bigint) as non_elective_short_point_pence,
    cast(coalesce(u.non_elective_long_point_pence, 0) as bigint) as non_elective_long_point_pence,
    cast(coalesce(u.mh_contact_point_pence, 0) as bigint) as mh_contact_point_pence,
    cast(coalesce(u.mh_bed_day_point_pence, 0) as bigint) as mh_bed_day_point_pence,
    cast(coalesce(u.primary_count, 0) as bigint) as primary_count,
    cast(coalesce(u.inpatient_count, 0) as bigint) as inpatient_count,
    cast(coalesce(u.outpatient_count, 0) as bigint) as outpatient_count,
    cast(coalesce(u.emergency_count, 0) as bigint) as emergency_count,
    cast(coalesce(u.community_count, 0) as bigint) as community_count,
    cast(coalesce(u.mental_health_count, 0) as bigint) as mental_health_count,
    cast(coalesce(u.social_care_count, 0) as bigint) as social_care_count,
    cast(coalesce(u.continuing_care_count, 0) as bigint) as continuing_care_count,
    cast(coalesce(u.mh_bed_day_count, 0) as bigint) as mh_bed_day_count,
    cast(coalesce(u.outside_registration_pence, 0) as bigint) as outside_registration_pence,
    cast(coalesce(u.after_death_pence, 0) as bigint) as after_death_pence,
    cast(coalesce(u.proxy_pence, 0) as bigint) as proxy_pence,
    cast(coalesce(u.unpriced_count, 0) as bigint) as unpriced_count,
    r.completeness
from person_year as y
full outer join used as u on y.person_id = u.person_id
cross join rests_on as r
cross join run_parameters as p
