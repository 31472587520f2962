//! The pages of the real daemon, as browsers and programs ask for them: what each gets, and which forms are taken.

use provost_e2e::{Answer, Daemon, PATIENCE, Side, Start, Target, free_port, wait_until};
use serde_json::Value as Json;

/// What a browser sends when a person goes to a page.
const SHOWN: &str =
    "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";

/// `user:password` of Basic in base 64.
const ADMIN: &str = "Authorization: Basic YWRtaW46YQ==\r\n";
const VIEWER: &str = "Authorization: Basic dmlld2VyOnY=\r\n";
const WEBOP: &str = "Authorization: Basic d2Vib3A6dw==\r\n";

fn start(more: &str) -> (Daemon, Target) {
    let port = free_port();
    let config = format!("[inet_http_server]\nport=127.0.0.1:{port}\n{more}");
    let daemon = Start::new(Side::Ours, &config).launch();
    let target = Target::Port(port);
    wait_until(PATIENCE, "the server to listen", || {
        target.connect().is_ok()
    });
    (daemon, target)
}

fn idle(count: usize) -> String {
    format!(
        "[program:idle]\ncommand=/bin/cat\nautostart=false\nnumprocs={count}\nprocess_name=p%(process_num)03d\n"
    )
}

fn page(target: &Target, path: &str, headers: &str) -> String {
    let answer = target.get(path, headers);
    assert_eq!(answer.status(), 200, "{path}");
    answer.text()
}

/// What a page brings along for its script.
fn data(page: &str) -> Option<Json> {
    let (_, rest) = page.split_once("<script type=\"application/json\"")?;
    let (_, rest) = rest.split_once('>')?;
    let (json, _) = rest.split_once("</script>")?;
    Some(serde_json::from_str(json).expect("it is JSON"))
}

#[test]
fn programs_get_the_table_and_browsers_that_show_it_the_data() {
    let (_daemon, target) = start(&idle(60));
    let rows = |page: &str| page.matches("<td class=\"status\">").count();
    for headers in [
        "",
        "User-Agent: Mozilla/5.0\r\n",
        "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
        "Sec-Fetch-Mode: cors\r\nSec-Fetch-Dest: document\r\n",
        "Sec-Fetch-Dest: document\r\n",
    ] {
        let text = page(&target, "/", headers);
        assert_eq!((rows(&text), data(&text)), (60, None), "{headers}");
        assert!(!text.contains("http-equiv"), "{headers}");
    }
    let answer = target.get("/?message=a%22%3Cb", SHOWN);
    assert_eq!(
        answer.header("vary"),
        Some("Sec-Fetch-Dest, Sec-Fetch-Mode")
    );
    let text = answer.text();
    assert_eq!(rows(&text), 0);
    assert_eq!(
        data(&text).unwrap()["processes"].as_array().unwrap().len(),
        60
    );
    // Without scripts the browser goes on to the table by itself, and the message goes along.
    let refresh = "<noscript><meta http-equiv=\"refresh\" content=\"0; url=?plain=1&amp;message=a%22%3Cb\"></noscript>";
    assert!(text.contains(refresh), "{text}");
    let plain = page(&target, "/?plain=1&message=a%22%3Cb", SHOWN);
    assert_eq!((rows(&plain), data(&plain)), (60, None));
    assert!(plain.contains("a&quot;&lt;b"), "{plain}");
}

#[test]
fn few_programs_are_in_both_and_a_stream_goes_on_from_the_data() {
    let (daemon, target) = start(&idle(2));
    let text = page(&target, "/", SHOWN);
    assert_eq!(text.matches("<td class=\"status\">").count(), 2);
    let (_, rest) = text.split_once("data-id=\"").expect("it has an id");
    let (id, _) = rest.split_once('"').unwrap();
    daemon.rpc().call(
        "supervisor.startProcess",
        &["idle:p001".into(), false.into()],
    );
    daemon.wait_state("idle:p001", "RUNNING");
    let mut stream = target.connect().unwrap();
    let ask =
        format!("GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: {id}\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut heard = String::new();
    let mut piece = [0; 4096];
    wait_until(PATIENCE, "the change to be told", || {
        let length = stream.read(&mut piece).unwrap();
        heard.push_str(&String::from_utf8_lossy(&piece[..length]));
        heard.contains("\"RUNNING\"")
    });
    assert!(!heard.contains("snapshot"), "{heard}");
}

#[test]
fn s07_names_in_the_data_are_no_markup() {
    let (_daemon, target) =
        start("[program:a<_script><!--&'\"]\ncommand=/bin/cat\nautostart=false\n");
    let text = page(&target, "/", SHOWN);
    let found = data(&text).expect("the element ends where it should");
    assert_eq!(found["processes"][0]["name"], "a<_script><!--&'\"");
    assert!(!text.contains("a<_script"), "{text}");
}

#[test]
fn i33_the_data_is_what_its_reader_may_see() {
    let users = "[user:webop]\nrole=operator\nprograms=web:*\npassword=w\n\
                 [program:web]\ncommand=/bin/cat\n[program:secret]\ncommand=/bin/cat\n";
    let (_daemon, target) = start(users);
    let text = page(&target, "/", &format!("{SHOWN}{WEBOP}"));
    assert_eq!(
        data(&text).unwrap()["processes"].as_array().unwrap().len(),
        1
    );
    assert!(!text.contains("secret"), "{text}");
}

/// The token of the page of supervisord.
fn token(target: &Target, headers: &str) -> String {
    let text = page(target, "/daemon.html", headers);
    let (_, rest) = text
        .split_once("name=\"token\" value=\"")
        .expect("it has forms");
    rest.split_once('"').unwrap().0.to_owned()
}

fn send(target: &Target, headers: &str, body: &str) -> Answer {
    let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
    let length = body.len();
    let request = format!(
        "POST /daemon.html HTTP/1.1\r\nHost: localhost\r\n{kind}Content-Length: {length}\r\n{headers}\r\n{body}"
    );
    target.exchange(request.as_bytes()).unwrap()
}

#[test]
fn s04_forms_of_supervisord_need_their_token_and_the_typed_word() {
    let (daemon, target) = start("[program:one]\ncommand=/bin/cat\nstartsecs=0\n");
    let before = daemon.wait_state("one", "RUNNING");
    let token = token(&target, "");
    let other = page(&target, "/?plain=1", "");
    let (_, other) = other.split_once("name=\"token\" value=\"").unwrap();
    let (other, _) = other.split_once('"').unwrap();
    for deed in ["reread", "update", "restart", "shutdown"] {
        for body in [
            format!("action={deed}&word=supervisor"),
            format!("action={deed}&word=supervisor&token="),
            format!("action={deed}&word=supervisor&token={other}"),
            format!("action={deed}&word=supervisor&token={token}0"),
        ] {
            let answer = send(&target, "", &body);
            assert_eq!(answer.status(), 403, "{body}");
            assert!(answer.text().contains("Nothing has been done."), "{body}");
        }
        // A page of another site is refused whatever it knows.
        let body = format!("action={deed}&word=supervisor&token={token}");
        let answer = send(&target, "Origin: http://other.example\r\n", &body);
        assert_eq!(answer.status(), 403, "{deed}");
        // Nothing is done by a link.
        page(&target, &format!("/daemon.html?{body}"), "");
    }
    for deed in ["restart", "shutdown"] {
        for word in ["", "&word=", "&word=Supervisor", "&word=supervisor%20"] {
            let body = format!("action={deed}&token={token}{word}");
            let answer = send(&target, "", &body);
            assert_eq!(answer.status(), 403, "{body}");
            assert!(answer.text().contains("is not the identifier"), "{body}");
        }
    }
    assert_eq!(
        send(&target, "", &format!("action=explode&token={token}")).status(),
        400
    );
    let after = daemon.wait_state("one", "RUNNING");
    assert_eq!(
        before.get("pid").unwrap().int(),
        after.get("pid").unwrap().int()
    );
    let answer = send(
        &target,
        "",
        &format!("action=shutdown&token={token}&word=supervisor"),
    );
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert!(
        answer.text().contains("stops all programs and ends"),
        "{}",
        answer.text()
    );
    wait_until(PATIENCE, "the daemon to end", || target.connect().is_err());
}

#[test]
fn i33_forms_of_supervisord_are_for_those_who_may() {
    let users = "[user:admin]\nrole=admin\npassword=a\nunix_user=root\n[user:viewer]\nrole=viewer\npassword=v\n\
                 [audit]\nfile=%(here)s/audit.log\n[program:one]\ncommand=/bin/cat\n";
    let (daemon, target) = start(users);
    let text = page(&target, "/daemon.html", VIEWER);
    for hidden in ["<form", "supervisord.conf", "The end of its log"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
    let token = token(&target, ADMIN);
    for deed in ["reread", "update", "restart", "shutdown"] {
        let body = format!("action={deed}&token={token}&word=supervisor");
        assert_eq!(send(&target, VIEWER, &body).status(), 403, "{deed}");
    }
    let done = send(&target, ADMIN, &format!("action=reread&token={token}"));
    assert!(done.text().contains("Nothing differs."), "{}", done.text());
    let audit = std::fs::read_to_string(daemon.place().join("audit.log")).unwrap();
    assert!(
        audit.contains("web:reread") && audit.contains("web:shutdown"),
        "{audit}"
    );
}
