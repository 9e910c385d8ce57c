//! The scenarios for real apps and real desktops.

/// Makes one `#[test]` of every scenario for an app and a desktop, in a module with the desktop's name, to be put into
/// one with the app's.
///
/// Skips are as in [`client_suite!`](crate::client_suite).
#[macro_export]
macro_rules! matrix_suite {
    (
        $name:ident: $app:ty, $desktop:ty $(, skip: { $($scenario:ident => $reason:literal),* $(,)? })? $(,)?
    ) => {
        mod $name {
            use super::*;

            type App = $app;
            type Desktop = $desktop;

            $crate::matrix_scenarios! {
                $crate::__tests { ($) (matrix) (App, Desktop) $($($scenario $reason)*)? }
            }
        }
    };
}

/// The list of all scenarios for apps and desktops, by topic: the only one.
#[macro_export]
macro_rules! matrix_scenarios {
    ($macro:path { $($with:tt)* }) => {
        $macro! {
            { $($with)* }
            connecting: {
                an_app_that_never_was_here_gets_certificates_and_connects
                stored_certificates_need_no_exchange
                an_app_that_comes_first_waits_for_the_desktop
                an_app_comes_back_to_a_desktop_that_was_restarted
                a_desktop_with_another_ca_leads_to_a_new_exchange
                a_new_session_right_after_the_old_one_is_not_deaf
                two_processes_of_one_app_both_stay
                an_app_that_dies_is_noticed
                names_arrive_as_they_are
            }
            talking: {
                every_method_is_answered_as_the_protocol_says
                a_plugin_that_panics_or_is_given_other_params_is_answered_for
                a_thousand_events_arrive_in_order
                events_from_before_the_desktop_looked_are_not_lost
                a_plugin_that_is_initialised_again_starts_over
                an_error_outside_any_call_arrives
                plugins_may_come_and_go
                eight_mebibytes_go_both_ways
                answers_may_come_in_any_order
            }
        }
    };
}
