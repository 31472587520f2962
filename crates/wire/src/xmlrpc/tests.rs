use super::*;
use proptest::prelude::*;
use std::io::Write as _;
use std::process::{Command, Stdio};

const RESPONSE: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n\
<name>statecode</name>\n<value><int>1</int></value>\n</member>\n<member>\n<name>statename</name>\n\
<value><string>RUNNING</string></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodResponse>\n";

const FAULT: &str = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n\
<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n\
<value><string>BAD_NAME: a&lt;b</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n";

fn members<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Struct(members.map(|(name, value)| (name.to_owned(), value)).into())
}

fn written(value: &Value) -> String {
    String::from_utf8(write_response(value)).unwrap()
}

/// Wraps what stands in a parameter's `<value>`.
fn param(inside: &str) -> String {
    format!(
        "<methodCall><methodName>a.b</methodName><params><param><value>{inside}</value></param></params></methodCall>"
    )
}

fn read_param(inside: &str) -> Result<Value, Problem> {
    let call = read_call(param(inside).as_bytes()).map_err(|error| error.problem)?;
    Ok(call.params.into_iter().next().unwrap())
}

#[test]
fn answers_and_faults_have_the_bytes_of_upstream() {
    let state = members([
        ("statecode", Value::Int(1)),
        ("statename", Value::text("RUNNING")),
    ]);
    assert_eq!(written(&state), RESPONSE);
    assert_eq!(RESPONSE.len(), 279);
    assert_eq!(read_response(RESPONSE.as_bytes()), Ok(Ok(state)));
    assert_eq!(
        String::from_utf8(write_fault(10, "BAD_NAME: a<b")).unwrap(),
        FAULT
    );
    let fault = WireFault {
        code: 10,
        text: "BAD_NAME: a<b".to_owned(),
    };
    assert_eq!(read_response(FAULT.as_bytes()), Ok(Err(fault)));
}

#[test]
fn every_type_of_upstream_is_read() {
    for (inside, expected) in [
        ("<int>7</int>", Value::Int(7)),
        ("\n <i4> -7 </i4>\n", Value::Int(-7)),
        ("<i8>4294967296</i8>", Value::Int(1 << 32)),
        ("<boolean>1</boolean>", Value::Bool(true)),
        ("<boolean>true</boolean>", Value::Bool(false)),
        ("<string> a b </string>", Value::text(" a b ")),
        ("<string/>", Value::text("")),
        (" untyped ", Value::text(" untyped ")),
        ("", Value::text("")),
        (
            "a&lt;&amp;&gt;&quot;&apos;&#65;&#x42;",
            Value::text("a<&>\"'AB"),
        ),
        ("<string><![CDATA[<&]]></string>", Value::text("<&")),
        ("<string>a\r\nb\rc</string>", Value::text("a\nb\nc")),
        ("<double>1.5</double>", Value::Double(1.5)),
        (
            "<dateTime.iso8601>20260101T10:00:00</dateTime.iso8601>",
            Value::DateTime("20260101T10:00:00".to_owned()),
        ),
        ("<base64>\naGk=\n</base64>", Value::Bytes(b"hi".to_vec())),
        ("<nil/>", Value::Nil),
        ("<array><data></data></array>", Value::Array(vec![])),
        (
            "<array><data><value>x</value></data></array>",
            Value::Array(vec![Value::text("x")]),
        ),
        ("<struct/>", Value::Struct(vec![])),
        (
            "<struct><member><name>k</name><value><int>1</int></value></member></struct>",
            members([("k", Value::Int(1))]),
        ),
    ] {
        assert_eq!(read_param(inside), Ok(expected), "{inside}");
    }
}

#[test]
fn what_is_malformed_is_refused_with_its_reason() {
    for (inside, reason) in [
        ("<int></int>", "\"\" is no int"),
        (
            "<int>99999999999999999999</int>",
            "\"99999999999999999999\" is no int",
        ),
        ("<double>x</double>", "\"x\" is no double"),
        ("<base64>!</base64>", "\"!\" is no base64"),
        ("<array/>", "the <data> of an <array> is missing"),
        (
            "<struct><member><value/></member></struct>",
            "the <name> of a <member> is missing",
        ),
        (
            "<struct><member><name>k</name></member></struct>",
            "the <value> of a <member> is missing",
        ),
        (
            "<int>1</int><int>2</int>",
            "element <int> does not belong here",
        ),
        ("<value/>", "element <value> does not belong here"),
        ("<bogus/>", "element <bogus> does not belong here"),
        ("&bogus;", "unknown entity &bogus;"),
        ("&#0;", "unknown entity &#0;"),
    ] {
        let error = read_call(param(inside).as_bytes()).unwrap_err();
        assert!(error.to_string().ends_with(reason), "{inside}: {error}");
    }
    for body in [
        "",
        "x",
        "<a/>",
        "<methodCall>",
        "<methodCall/>",
        RESPONSE,
        "<methodCall></methodResponse>",
        "</a>",
    ] {
        assert!(read_call(body.as_bytes()).is_err(), "{body}");
    }
    assert!(read_response(b"<methodResponse><params/></methodResponse>").is_err());
    assert!(read_response(param("").as_bytes()).is_err());
    let twice = "<methodCall><methodName>a</methodName></methodCall>".repeat(2);
    assert!(read_call(twice.as_bytes()).is_err());
}

#[test]
fn a_call_without_params_has_none() {
    let call = read_call(
        b"<?xml version='1.0'?>\n<methodCall><methodName>a.b</methodName></methodCall>\n",
    )
    .unwrap();
    assert_eq!(
        call,
        Call {
            method: "a.b".to_owned(),
            params: vec![]
        }
    );
}

#[test]
fn nothing_grows_out_of_little() {
    let doctype = format!("<!DOCTYPE x [<!ENTITY a \"aaaa\">]>{}", param("&a;"));
    assert_eq!(
        read_call(doctype.as_bytes()).unwrap_err().problem,
        Problem::DocType
    );
    let deep = param(&"<array><data><value>".repeat(200_000));
    assert_eq!(
        read_call(deep.as_bytes()).unwrap_err().problem,
        Problem::TooDeep
    );
    let wide = param(&format!(
        "<array><data>{}</data></array>",
        "<value/>".repeat(MAX_ELEMENTS)
    ));
    assert_eq!(
        read_call(wide.as_bytes()).unwrap_err().problem,
        Problem::TooMany(MAX_ELEMENTS)
    );
    // An answer about many processes is longer than any call.
    let many = write_response(&Value::Array(vec![Value::Int(1); MAX_ELEMENTS]));
    assert!(read_response(&many).is_ok());
    let fits = param(&format!(
        "{}x{}",
        "<array><data><value>".repeat(20),
        "</value></data></array>".repeat(20)
    ));
    assert!(read_call(fits.as_bytes()).is_ok());
}

#[test]
fn bytes_that_are_no_text_are_replaced_on_the_way_in() {
    let mut body = param("<string>a?</string>").into_bytes();
    let at = body.iter().position(|&byte| byte == b'?').unwrap();
    body[at] = 0xff;
    assert_eq!(read_call(&body).unwrap().params, [Value::text("a\u{fffd}")]);
}

#[test]
fn what_the_wire_cannot_carry_is_replaced_on_the_way_out() {
    let text = written(&Value::text("\u{1b}[0m\0\t\n\u{fffe}\u{e9}"));
    assert!(
        text.contains("<string>\u{fffd}[0m\u{fffd}\t\n\u{fffd}\u{e9}</string>"),
        "{text}"
    );
    assert!(written(&Value::Int(1 << 31)).contains("<int>2147483647</int>"));
    assert!(written(&Value::Int(i64::MIN)).contains("<int>-2147483648</int>"));
}

/// Runs a Python program on `input`, none where there is no Python.
fn python(program: &str, input: &[u8]) -> Option<Vec<u8>> {
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(output.stdout)
}

#[test]
fn python_reads_what_is_written_and_writes_the_same_bytes() {
    let params = vec![
        Value::Int(-5),
        Value::Bool(true),
        Value::text("a<&>\"' \u{e9}\u{1f600}\n"),
        Value::Double(1.5),
        Value::Bytes(vec![b'x'; 100]),
        Value::DateTime("20260101T10:00:00".to_owned()),
        Value::Array(vec![Value::Array(vec![]), members([]), Value::text("")]),
        members([("z", Value::Int(1)), ("a", Value::Bool(false))]),
    ];
    let program = "import sys, xmlrpc.client as x\n\
        params, method = x.loads(sys.stdin.buffer.read())\n\
        sys.stdout.buffer.write(x.dumps(params, method).encode())";
    let call = write_call("ns.name", &params);
    let Some(echoed) = python(program, &call) else {
        return;
    };
    assert_eq!(
        String::from_utf8(echoed.clone()).unwrap(),
        String::from_utf8(call).unwrap()
    );
    assert_eq!(
        read_call(&echoed),
        Ok(Call {
            method: "ns.name".to_owned(),
            params
        })
    );
    let program = "import sys, xmlrpc.client as x\n\
        try: sys.stdout.buffer.write(x.dumps(x.loads(sys.stdin.buffer.read())[0], methodresponse=True).encode())\n\
        except x.Fault as fault: sys.stdout.buffer.write(x.dumps(fault).encode())";
    for answer in [
        write_response(&members([("k", Value::text("v"))])),
        write_fault(30, "FAILED: <x>"),
    ] {
        assert_eq!(python(program, &answer), Some(answer));
    }
}

/// Text that the wire carries unchanged: no control characters, no carriage returns.
fn plain() -> impl Strategy<Value = String> {
    "[ -~\\n\\t\u{a0}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{1ffff}]{0,12}"
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (MIN_INT..=MAX_INT).prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        plain().prop_map(Value::Str),
        (-1e300..1e300).prop_map(Value::Double),
        plain().prop_map(Value::DateTime),
        proptest::collection::vec(any::<u8>(), 0..120).prop_map(Value::Bytes),
        Just(Value::Nil),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            proptest::collection::vec((plain(), inner), 0..6).prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(params in proptest::collection::vec(values(), 0..4), method in "[a-z.&<]{1,12}") {
        let call = write_call(&method, &params);
        prop_assert_eq!(read_call(&call), Ok(Call { method, params: params.clone() }));
        for value in params {
            prop_assert_eq!(read_response(&write_response(&value)), Ok(Ok(value)));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_call(&bytes);
        let _ = read_response(&bytes);
        let _ = read_call(param(&String::from_utf8_lossy(&bytes)).as_bytes());
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0_usize..260, byte in any::<u8>(), cut in 0_usize..279) {
        let mut body = RESPONSE.as_bytes().to_vec();
        body[at] = byte;
        let _ = read_response(&body);
        body.truncate(cut);
        let _ = read_response(&body);
    }

    #[test]
    fn no_number_is_written_beyond_32_bits_and_no_text_that_xml_forbids(number: i64, text: String) {
        let answer = written(&Value::Array(vec![Value::Int(number), Value::text(text)]));
        let Ok(Ok(Value::Array(values))) = read_response(answer.as_bytes()) else { panic!("unreadable") };
        prop_assert_eq!(&values[0], &Value::Int(number.clamp(MIN_INT, MAX_INT)));
        prop_assert!(!answer.contains(|c: char| c < ' ' && !matches!(c, '\t' | '\n' | '\r')));
    }
}
