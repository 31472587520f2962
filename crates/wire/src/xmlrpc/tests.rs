use super::*;

const RESPONSE: &str = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n<member>\n\
<name>statecode</name>\n<value><int>1</int></value>\n</member>\n<member>\n<name>statename</name>\n\
<value><string>RUNNING</string></value>\n</member>\n</struct></value>\n</param>\n</params>\n</methodResponse>\n";

fn state() -> Value {
    Value::Struct(vec![
        ("statecode".to_owned(), Value::Int(1)),
        ("statename".to_owned(), Value::text("RUNNING")),
    ])
}

#[test]
fn an_answer_has_the_bytes_of_upstream() {
    assert_eq!(
        String::from_utf8(write_response(&state())).unwrap(),
        RESPONSE
    );
    assert_eq!(RESPONSE.len(), 279);
    assert_eq!(read_response(RESPONSE.as_bytes()), Ok(Ok(state())));
}

#[test]
fn a_call_without_params_has_none() {
    let call = read_call(b"<methodCall><methodName>a.b</methodName></methodCall>").unwrap();
    assert_eq!(
        call,
        Call {
            method: "a.b".to_owned(),
            params: vec![]
        }
    );
}
