//! What others could do to us.

use super::*;

fn warnings(config: &Config) -> Vec<String> {
    let told = config.diagnostics.iter();
    told.map(|problem| format!("{} {}", problem.code, problem.message))
        .collect()
}

const FILE: &str = "[supervisord]\n";

#[test]
fn s20_files_that_others_can_change_are_told_and_refused_when_strict() {
    for (path, uid, gid, mode, expected) in [
        ("/site/s.conf", 0, 0, 0o644, None),
        ("/site/s.conf", 0, 0, 0o664, None),
        (
            "/site/s.conf",
            0,
            50,
            0o664,
            Some("C114 gid 50 can write to s.conf, and so decide what root runs"),
        ),
        (
            "/site/s.conf",
            0,
            0,
            0o646,
            Some("C115 everybody can write to s.conf, and so decide what root runs"),
        ),
        (
            "/site/s.conf",
            33,
            0,
            0o644,
            Some("C114 s.conf belongs to uid 33, who can decide what root runs"),
        ),
        (
            "/site",
            33,
            0,
            0o755,
            Some("C114 . belongs to uid 33, who can decide what root runs"),
        ),
        (
            "/site",
            0,
            0,
            0o777,
            Some("C115 everybody can write to ., and so decide what root runs"),
        ),
        ("/site", 0, 0, 0o1777, None),
    ] {
        let world = World::new().root_with(path, uid, gid, mode);
        let config = read(&world, FILE).expect("accepted");
        assert_eq!(
            warnings(&config),
            Vec::from_iter(expected.map(str::to_owned)),
            "{path} {mode:o}"
        );
        let strict = read(&world, "[supervisord]\nstrict_security=true\n");
        match (strict, expected) {
            (Ok(_), None) => {}
            (Err(failure), Some(text)) => {
                let message = failure.upstream_message;
                assert!(
                    text.contains(message.trim_end_matches(", and strict_security is set")),
                    "{message}"
                );
            }
            (strict, _) => panic!(
                "{path} {mode:o}: {:?}",
                strict.map(|config| warnings(&config))
            ),
        }
    }
    // Who is not root runs nothing as root.
    let mut world = World::new().root_with("/site/s.conf", 33, 0, 0o666);
    world.uid = 1000;
    assert!(warnings(&read(&world, FILE).expect("accepted")).is_empty());
}

#[test]
fn s20_included_files_are_looked_at_too() {
    let world = World::new()
        .file("/site/more.conf", "[program:x]\ncommand=/bin/cat\n")
        .root_with("/site/more.conf", 0, 0, 0o666);
    let config = read(&world, "[supervisord]\n[include]\nfiles=more.conf\n").expect("accepted");
    assert_eq!(
        warnings(&config),
        ["C115 everybody can write to /site/more.conf, and so decide what root runs"]
    );
}

#[test]
fn s20_a_relative_path_is_told_to_root() {
    for (path, told) in [
        ("/bin:/usr/bin", false),
        ("/bin:.", true),
        ("/bin::/usr/bin", true),
    ] {
        let world = World::new().env("PATH", path).root_with("/", 0, 0, 0o755);
        let config = read(&world, FILE).expect("accepted");
        let lines = config.startup_messages.iter();
        assert_eq!(
            lines
                .filter(|(_, line)| line.starts_with("PATH has"))
                .count()
                == 1,
            told,
            "{path}"
        );
    }
}

#[test]
fn s10_a_password_that_everybody_can_read_is_told_once() {
    let text = "[supervisord]\n[unix_http_server]\nfile=/tmp/s\nusername=u\npassword=p\n\
                [supervisorctl]\nusername=u\npassword=p\n";
    for (mode, told) in [(0o600, false), (0o640, false), (0o644, true)] {
        let config =
            read(&World::new().root_with("/site/s.conf", 0, 0, mode), text).expect("accepted");
        let expected = "C114 s.conf holds a password, and everybody can read it".to_owned();
        assert_eq!(
            warnings(&config),
            Vec::from_iter(told.then_some(expected)),
            "{mode:o}"
        );
    }
}

#[test]
fn s02_s08_servers_without_password_are_refused_when_strict_and_bare_passwords_told() {
    let config = |server: &str, strict: bool| {
        let text = format!("[supervisord]\nstrict_security={strict}\n{server}");
        read(&World::new(), &text).map(|config| {
            assert!(config.servers.iter().all(|server| server.strict == strict));
            warnings(&config)
        })
    };
    let network = "C114 [inet_http_server] sends and takes passwords unencrypted over the network";
    for (server, told, refused) in [
        (
            "[inet_http_server]\nport=127.0.0.1:9001\n",
            None,
            Some("[inet_http_server] asks for no password"),
        ),
        (
            "[inet_http_server]\nport=127.0.0.1:9001\nusername=u\npassword=p\n",
            None,
            None,
        ),
        (
            "[inet_http_server]\nport=[::1]:9001\nusername=u\npassword=p\n",
            None,
            None,
        ),
        (
            "[inet_http_server]\nport=*:9001\nusername=u\npassword=p\n",
            Some(network),
            None,
        ),
        ("[unix_http_server]\nfile=/var/s\n", None, None),
        (
            "[unix_http_server]\nfile=/var/s\nchmod=0777\n",
            None,
            Some("[unix_http_server] lets everybody in without a password"),
        ),
    ] {
        let told = Vec::from_iter(told.map(str::to_owned));
        assert_eq!(config(server, false).expect("accepted"), told, "{server}");
        match (config(server, true), refused) {
            (Ok(strict), None) => assert_eq!(strict, told, "{server}"),
            (Err(failure), Some(text)) => assert_eq!(
                failure.upstream_message,
                format!("{text}, and strict_security is set")
            ),
            (strict, _) => panic!("{server}: {strict:?}"),
        }
    }
}

#[test]
fn s17_a_socket_in_a_directory_of_all_is_told() {
    let text = "[supervisord]\n[unix_http_server]\nfile=/tmp/s.sock\n";
    for (mode, told) in [(0o1777, 1), (0o755, 0)] {
        let config = read(&World::new().root_with("/tmp", 0, 0, mode), text).expect("accepted");
        let lines = config.startup_messages.iter();
        let lines = lines.filter(|(_, line)| line.starts_with("everybody can make files in /tmp"));
        assert_eq!(lines.count(), told, "{mode:o}");
    }
}

#[test]
fn s13_unsafe_log_paths_takes_two_words() {
    for (word, unsafe_paths) in [("refuse", false), ("allow", true), ("Allow", true)] {
        let config = accepted(&format!("[supervisord]\nunsafe_log_paths={word}\n"));
        assert_eq!(config.supervisord.unsafe_log_paths, unsafe_paths);
    }
    let failure = refused("[supervisord]\nunsafe_log_paths=yes\n");
    assert!(
        failure
            .upstream_message
            .contains("not `refuse` or `allow`: 'yes'"),
        "{}",
        failure.upstream_message
    );
}
