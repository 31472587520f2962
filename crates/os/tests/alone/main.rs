//! What only shows in a process with one thread, because a signal to a process reaches any thread that does not block
//! it. So there is no harness: the checks run one after the other, and each says its name before it starts.

#![expect(clippy::print_stdout, reason = "without a harness nobody else tells")]

mod signals;
mod tty;

/// Tells this binary, started by itself, what to do instead of the checks.
const ROLE: &str = "PROVOST_OS_ROLE";

fn main() {
    if let Ok(role) = std::env::var(ROLE) {
        assert_eq!(role, tty::ASKING);
        return tty::answer();
    }
    let checks: &[(&str, fn())] = &[
        (
            "a password is read without being shown",
            tty::a_password_is_read_without_being_shown,
        ),
        (
            "an interrupt ends the process with the echo back",
            tty::an_interrupt_ends_the_process_with_the_echo_back,
        ),
        (
            "the end of input is an error",
            tty::the_end_of_input_is_an_error,
        ),
        (
            "without a terminal there is nobody to ask",
            tty::without_a_terminal_there_is_nobody_to_ask,
        ),
        (
            "terminals are known and measured",
            tty::terminals_are_known_and_measured,
        ),
        (
            "ignored signals do nothing",
            signals::ignored_signals_do_nothing,
        ),
        (
            "signals are queued with their sender",
            signals::signals_are_queued_with_their_sender,
        ),
        (
            "what is no signal is refused",
            signals::what_is_no_signal_is_refused,
        ),
        (
            "unblocked signals are no longer kept back",
            signals::unblocked_signals_are_no_longer_kept_back,
        ),
    ];
    println!("running {} tests", checks.len());
    for (name, check) in checks {
        println!("check {name}");
        check();
    }
    println!(
        "test result: ok. {} passed; 0 failed; 0 ignored",
        checks.len()
    );
}
