//! Users, roles, the audit log and what servers say about who may ask.

use super::{accepted, refused};
use provost_model::access::{AuthMode, Rights, Verb};

const UNIX: &str = "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\n";

#[test]
fn without_the_keys_upstreams_rule_holds() {
    let config = accepted(UNIX);
    assert!(config.access.users.is_empty() && config.access.audit.is_none());
    assert_eq!(config.servers[0].access.mode, AuthMode::Password);
}

#[test]
fn users_have_the_rights_of_all_their_roles() {
    let text = format!(
        "{UNIX}[user:deploy]\nrole=viewer, oncall\nprograms=web:*, db:a\n[role:oncall]\nallow=restart, signal:HUP\n\
         [audit]\nfile=/tmp/audit.log\non_failure=refuse\n"
    );
    let config = accepted(&text);
    let user = &config.access.users[0];
    assert_eq!(user.name, "deploy");
    for (verb, expected) in [
        (Verb::Status, true),
        (Verb::Restart, true),
        (Verb::Signal, true),
        (Verb::Stop, false),
    ] {
        assert_eq!(user.rights.hold(verb), expected, "{verb:?}");
    }
    assert!(user.rights.hold_signal("HUP") && !user.rights.hold_signal("TERM"));
    assert!(user.scope.has("web", "x") && user.scope.has("db", "a") && !user.scope.has("db", "b"));
    let audit = config.access.audit.unwrap();
    assert!(audit.refuse && !audit.reads);
    // Where there are users, a socket without a password is for processes that are known.
    let access = &config.servers[0].access;
    assert_eq!(access.mode, AuthMode::PeerCredentials);
    assert_eq!(access.peer_default, Some(Rights::default()));
}

#[test]
fn roles_rights_and_words_that_do_not_exist_are_refused() {
    for (text, sentence) in [
        (
            "[user:a]\nrole=viewr\n",
            "`role` names viewr, and there is no such role",
        ),
        (
            "[role:a]\nallow=status, stopp\n",
            "`allow` cannot hold stopp: there is no such right",
        ),
        (
            "[role:admin]\nallow=status\n",
            "[role:admin] cannot be: the role admin is built in",
        ),
        (
            "[user:]\n",
            "[user:] needs a name without a colon behind `user:`",
        ),
        (
            "[audit]\nfile=/tmp/a\non_failure=stop\n",
            "`on_failure` expects one of continue, refuse, found `stop`",
        ),
        ("[audit]\n", "section [audit] has no file value"),
        (
            "[unix_http_server]\nauth=none\n",
            "`auth` expects one of password, peercred, both, found `none`",
        ),
    ] {
        let failure = refused(&format!("{UNIX}{text}"));
        assert_eq!(failure.upstream_message, sentence, "{text}");
    }
}
