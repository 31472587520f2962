//! The kept corpora of these targets, without a fuzzer.

use provost_testkit::fuzz::replay::replay;

macro_rules! targets {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                replay(stringify!($name), provost_outside::$name);
            }
        )*
    };
}

targets!(
    http_request,
    packed_state,
    server_answer,
    system_texts,
    terminal
);
