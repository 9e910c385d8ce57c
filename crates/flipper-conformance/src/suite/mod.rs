//! The list of scenarios, and what makes tests of them.

mod app;
mod matrix;

pub use self::app::{App, Connected, builder, keeper};

/// Whether two names are the same, for a check at compile time.
#[doc(hidden)]
#[must_use]
pub const fn are_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Makes one `#[test]` of every scenario for clients, in a module with the adapter's name.
///
/// ```
/// use flipper_conformance::adapters::TokioAdapter;
/// use flipper_conformance::client_suite;
///
/// client_suite! {
///     tokio: TokioAdapter,
///     skip: {
///         a_handler_that_blocks_delays_no_pong => "callbacks run on the task that drives the connection",
///     }
/// }
/// # fn main() {}
/// ```
///
/// A scenario that is skipped becomes an ignored test that tells the reason. A skip that names no scenario does not
/// compile:
///
/// ```compile_fail,E0425
/// # use flipper_conformance::adapters::TokioAdapter;
/// # use flipper_conformance::client_suite;
/// client_suite! {
///     tokio: TokioAdapter,
///     skip: {
///         pigs_fly => "they have no wings",
///     }
/// }
/// # fn main() {}
/// ```
#[macro_export]
macro_rules! client_suite {
    ($name:ident: $adapter:ty $(, skip: { $($scenario:ident => $reason:literal),* $(,)? })? $(,)?) => {
        #[allow(non_snake_case, reason = "the official documentation names its tests so")]
        mod $name {
            use super::*;

            type Adapter = $adapter;

            const _: () = assert!($crate::suite::are_same(<Adapter as $crate::Adapter>::NAME, stringify!($name)));

            $crate::client_scenarios! { $crate::__tests { ($) (client) (Adapter) $($($scenario $reason)*)? } }
        }
    };
}

/// One arm for every skip and one for the rest: so it is by name that a test is ignored.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (
        { ($dollar:tt) ($mode:ident) ($($parties:ident),*) $($skipped:ident $reason:literal)* }
        $($topic:ident: { $($scenario:ident)* })*
    ) => {
        macro_rules! scenario {
            ($dollar scenario:ident) => {
                $crate::scenarios::$mode::$dollar scenario::<$($parties),*>
            };
        }

        $(const _: fn() -> $crate::Result = scenario!($skipped);)*

        macro_rules! scenario_test {
            $(($skipped) => {
                #[test]
                #[ignore = $reason]
                fn $skipped() -> $crate::Result {
                    scenario!($skipped)()
                }
            };)*
            ($dollar scenario:ident) => {
                #[test]
                fn $dollar scenario() -> $crate::Result {
                    scenario!($dollar scenario)()
                }
            };
        }

        $($(scenario_test! { $scenario })*)*
    };
}

/// The list of all scenarios for clients, by topic: the only one.
///
/// It hands the list to a macro, behind what that is to be told.
#[macro_export]
macro_rules! client_scenarios {
    ($macro:path { $($with:tt)* }) => {
        $macro! {
            { $($with)* }
            documentation: {
                GetPlugins
                InitDeinit
                Disconnect
                Execute
            }
            reach: {
                a_host_may_be_a_name
                a_host_may_be_an_address_of_version_six
                a_host_that_is_none_is_told
                small_messages_are_not_held_back
            }
            identity: {
                the_query_has_every_key_once_and_nothing_else
                an_app_may_ask_to_be_shown
                no_connection_looks_like_a_browser
                names_arrive_whatever_they_hold
                the_csr_of_the_query_is_the_one_on_the_disk
                every_app_id_is_issued_a_certificate
                an_app_without_a_device_brings_an_id_of_its_own
                two_apps_of_one_identity_do_not_chase_each_other_for_ever
                an_app_lets_go_of_its_old_connection_before_it_opens_another
            }
            exchange: {
                an_app_asks_for_certificates_and_connects_with_them
                the_second_start_needs_no_exchange
                every_refusal_is_told_for_what_it_is_and_the_app_goes_on_trying
                text_that_is_no_utf8_is_a_broken_connection
                a_desktop_that_does_not_answer_is_not_waited_for_for_ever
                an_os_that_is_refused_is_replaced_and_that_is_remembered
                an_os_that_was_chosen_by_hand_stays
                certificates_that_are_missing_are_told_to_both_sides
                the_request_has_every_field_that_desktops_read
                a_grant_may_hold_more_than_a_device_id
                nobody_has_to_wait_for_the_acknowledgement
                a_failed_exchange_leaves_what_there_was
                certificates_may_be_fetched_from_elsewhere
                a_certificate_provider_may_stop_the_app
                fetching_certificates_needs_a_provider
                another_medium_leads_to_another_exchange
            }
            certificates: {
                an_app_trusts_the_certificates_of_official_desktops
                an_official_desktop_with_another_ca_is_not_trusted
                the_directory_of_an_official_client_is_used_as_it_is
                clocks_may_be_apart_by_hours
                clocks_that_are_apart_by_days_are_told_and_cost_no_certificates
                a_desktop_whose_certificates_have_expired_is_asked_for_others_at_once
                an_app_whose_own_certificate_has_expired_asks_for_another_first
                files_that_are_missing_or_damaged_are_told_and_replaced
                what_is_stored_is_complete_and_private
                a_directory_that_cannot_be_used_is_told_until_it_can
            }
            handshake: {
                every_status_instead_of_an_upgrade_is_told_and_the_app_tries_again
                what_is_no_websocket_is_told
                what_is_no_tls_is_told
                connections_that_end_at_once_say_nothing_against_certificates
                ports_that_accept_and_say_nothing_are_not_waited_for_for_ever
                a_port_where_nobody_listens_is_told
                handshakes_may_arrive_byte_by_byte
                a_message_may_come_right_behind_the_upgrade
                two_drops_after_the_tls_handshake_lead_to_an_exchange
                an_exchange_may_end_after_any_byte
                a_tls_handshake_may_end_after_any_byte
                a_session_may_end_as_soon_as_it_is_open
                an_app_waits_longer_and_longer_up_to_a_ceiling
            }
            loss: {
                a_desktop_that_refuses_the_certificate_in_a_session_is_asked_for_another
                another_ca_leads_to_an_exchange_and_the_old_certificates_stay_until_the_new_are_proven
                a_desktop_that_comes_back_finds_its_app_again
                an_app_comes_back_whatever_ends_its_session
                an_app_whose_query_is_refused_comes_back
                an_app_that_goes_in_circles_says_so
                a_desktop_may_die_in_the_middle_of_a_message
            }
            session: {
                plugins_are_named_and_initialised
                plugins_come_and_go_in_a_session
                a_removed_plugin_leaves_no_call_without_an_answer
                a_plugin_that_is_initialised_again_starts_over
                init_and_deinit_are_answered_only_if_they_fail
                plugins_that_are_not_connected_are_named_in_the_answer
                questions_without_an_id_want_no_answer
                plugins_that_come_and_go_without_a_session_are_there_in_the_next
                pings_are_answered_with_what_they_hold
            }
            calls: {
                the_same_id_twice_gets_two_answers
                answers_may_come_in_any_order_and_from_any_thread
                async_methods_delay_nobody
                a_call_that_is_not_answered_is_answered_with_an_error
                calls_without_an_id_are_answered_only_if_they_fail
                ten_thousand_calls_may_wait_for_their_answers
                results_and_errors_have_the_form_that_official_desktops_know
                an_answer_that_cannot_be_sent_is_answered_with_an_error
                a_session_that_ends_ends_its_calls
                a_handler_that_blocks_loses_nothing
                a_handler_that_blocks_elsewhere_delays_nobody
                a_handler_that_blocks_delays_no_pong
            }
            events: {
                events_from_before_the_first_session_arrive_in_order
                events_from_between_two_sessions_arrive_in_order
                errors_outside_any_call_are_told_to_a_desktop_that_is_there
                events_beyond_the_buffer_are_counted_and_told
                events_wait_while_their_plugin_is_not_initialised
                what_cannot_be_sent_is_refused_to_whoever_sends_it
            }
            bad_input: {
                every_bad_message_is_told_and_the_session_goes_on
                a_bad_request_is_answered_under_its_id
                answers_to_nobody_are_counted
                binary_messages_are_read_as_text_if_they_are_text
                messages_in_fragments_with_pings_between_them_are_whole
                what_is_unusual_but_good_is_answered
                a_broken_websocket_ends_the_session_and_the_app_comes_back
                a_thousand_bad_messages_cost_no_connection
            }
            callbacks: {
                a_panic_in_a_callback_harms_nobody
                a_panic_in_an_async_method_harms_nobody
                a_panic_of_a_plugin_that_is_dropped_harms_nobody
                a_panic_in_the_observer_harms_nobody
                a_callback_may_do_whatever_an_app_may_do
                a_plugin_may_stop_the_app_in_a_callback
                a_plugin_may_stop_the_app_in_an_async_method
                an_observer_may_stop_the_app
                the_last_handle_may_be_dropped_anywhere
                a_plugin_that_goes_while_it_is_initialised_is_told_all_or_nothing
                a_plugin_may_use_the_app_when_it_is_dropped
            }
            flow: {
                both_sides_may_send_megabytes_at_once_with_nobody_reading_first
                a_desktop_that_does_not_read_costs_events_and_is_told_how_many
                a_desktop_that_calls_and_does_not_read_gets_short_answers
                a_desktop_that_pings_and_does_not_read_is_not_read_from_for_ever
                a_desktop_that_stops_at_a_breakpoint_is_waited_for
                a_message_that_takes_long_is_a_sign_of_life
                a_desktop_that_never_comes_back_is_given_up
            }
            transcripts: {
                transcripts_are_followed
            }
            stop: {
                an_app_that_has_stopped_stays_so
                what_was_answered_before_arrives_before_the_end
                a_desktop_that_does_not_answer_the_goodbye_is_not_waited_for
                an_app_may_be_stopped_at_any_point
                what_comes_after_the_end_is_told_so
                answers_that_come_after_the_end_go_nowhere
            }
        }
    };
}
