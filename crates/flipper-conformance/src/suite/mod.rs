//! The list of scenarios, and what makes tests of them.

mod app;
mod matrix;

pub use self::app::{App, Connected, builder};

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
/// ```ignore
/// client_suite! { tokio: TokioAdapter }
/// client_suite! {
///     other: OtherAdapter,
///     skip: {
///         a_host_may_be_a_name => "there is no resolver in the simulator",
///     }
/// }
/// ```
///
/// A scenario that is skipped becomes an ignored test that tells the reason. A skip that names no scenario does not
/// compile.
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
            exchange: {
                an_app_asks_for_certificates_and_connects_with_them
                the_second_start_needs_no_exchange
                every_refusal_is_told_for_what_it_is_and_the_app_goes_on_trying
                text_that_is_no_utf8_is_a_broken_connection
                a_desktop_that_does_not_answer_is_not_waited_for_for_ever
                an_os_that_is_refused_is_replaced_and_that_is_remembered
                an_os_that_was_chosen_by_hand_stays
                certificates_that_are_missing_are_told_to_both_sides
                certificates_may_be_fetched_from_elsewhere
                fetching_certificates_needs_a_provider
                another_medium_leads_to_another_exchange
            }
            loss: {
                every_status_instead_of_an_upgrade_is_told_and_the_app_tries_again
                what_is_no_websocket_is_told
                what_is_no_tls_is_told
                connections_that_end_at_once_say_nothing_against_certificates
                ports_that_accept_and_say_nothing_are_not_waited_for_for_ever
                a_port_where_nobody_listens_is_told
                handshakes_may_arrive_byte_by_byte
                a_message_may_come_right_behind_the_upgrade
                two_drops_after_the_tls_handshake_lead_to_an_exchange
                a_desktop_that_refuses_the_certificate_in_a_session_is_asked_for_another
                another_ca_leads_to_an_exchange_and_the_old_certificates_stay_until_the_new_are_proven
                a_desktop_that_comes_back_finds_its_app_again
                an_app_comes_back_whatever_ends_its_session
                an_app_whose_query_is_refused_comes_back
                an_app_that_goes_in_circles_says_so
            }
            session: {
                plugins_are_named_and_initialised
                plugins_come_and_go_in_a_session
                a_removed_plugin_leaves_no_call_without_an_answer
                the_same_id_twice_gets_two_answers
                answers_may_come_in_any_order_and_from_any_thread
                async_methods_delay_nobody
                a_call_that_is_not_answered_is_answered_with_an_error
                calls_without_an_id_are_answered_only_if_they_fail
                ten_thousand_calls_may_wait_for_their_answers
                a_plugin_that_is_initialised_again_starts_over
                events_from_before_the_first_session_arrive_in_order
                events_from_between_two_sessions_arrive_in_order
                errors_outside_any_call_are_told_to_a_desktop_that_is_there
            }
            bad_input: {
                every_bad_message_is_told_and_the_session_goes_on
                a_bad_request_is_answered_under_its_id
                answers_to_nobody_are_counted
                binary_messages_are_read_as_text_if_they_are_text
                messages_in_fragments_with_pings_between_them_are_whole
                what_is_unusual_but_good_is_answered
                a_broken_websocket_ends_the_session_and_the_app_comes_back
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
