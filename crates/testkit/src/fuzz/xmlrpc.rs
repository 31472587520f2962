//! Calls and answers of XML-RPC, and Base64.

use provost_model::config::Interface;
use provost_wire::methods::{Invocation, Methods};
use provost_wire::xmlrpc::{self, Call, Value};
use provost_wire::{base64, helper};

/// What is not UTF-8 is replaced before it is read, by three bytes for one.
const GROWTH: usize = 3;

/// `data` is a call or an answer: what is read holds no more than was there, and is the same after it was written and read
/// again.
pub fn xmlrpc(data: &[u8]) {
    assert!(xmlrpc::readers_agree(data), "two readers of one message");
    match xmlrpc::read_call(data) {
        Ok(call) => {
            let held: usize = call.params.iter().map(Value::text_len).sum();
            assert!(call.method.len() + held <= GROWTH * data.len());
            understood(&methods(), &call, true);
            let once = again(&call);
            assert_eq!(once.params.len(), call.params.len());
            let written = xmlrpc::write_call(&once.method, &once.params);
            let twice = again(&once);
            assert_eq!(xmlrpc::write_call(&twice.method, &twice.params), written);
            as_json(&once.params);
        }
        Err(error) => {
            assert!(error.at <= String::from_utf8_lossy(data).len());
            assert!(!error.to_string().is_empty());
        }
    }
    if let Ok(Ok(value)) = xmlrpc::read_response(data) {
        assert!(value.text_len() <= GROWTH * data.len());
        let once = read_back(&xmlrpc::write_response(&value));
        let written = xmlrpc::write_response(&once);
        assert_eq!(xmlrpc::write_response(&read_back(&written)), written);
    }
    let text = base64::encode(data);
    assert_eq!(base64::decode(text.as_bytes()).as_deref(), Some(data));
    if let Some(bytes) = base64::decode(data) {
        assert!(bytes.len() <= data.len());
        let text = base64::encode(&bytes);
        assert_eq!(base64::decode(text.as_bytes()), Some(bytes));
    }
}

fn methods() -> Methods {
    let whitelist = vec!["addGroup".to_owned(), "log".to_owned()];
    Methods::new(vec![
        ("supervisor".to_owned(), Interface::Main),
        ("cache".to_owned(), Interface::Cache),
        ("laforge".to_owned(), Interface::Laforge),
        ("twiddler".to_owned(), Interface::Twiddler { whitelist }),
    ])
}

/// The table says what the call asks for, of the calls within it, too.
fn understood(methods: &Methods, call: &Call, outer: bool) {
    assert_eq!(methods.shown_args(call).len(), call.params.len());
    if let Ok(Invocation::Multicall(calls)) = methods.decode(call)
        && outer
    {
        for inner in calls.into_iter().flatten() {
            understood(methods, &inner, false);
        }
    }
}

/// A call that is written is always readable. What XML cannot hold is replaced once.
fn again(call: &Call) -> Call {
    let written = xmlrpc::write_call(&call.method, &call.params);
    xmlrpc::read_call(&written).expect("what was written can be read")
}

fn read_back(written: &[u8]) -> Value {
    let answer = xmlrpc::read_response(written).expect("what was written can be read");
    answer.expect("a result was written")
}

/// Parameters on their way to a helper and back mean the same.
fn as_json(params: &[Value]) {
    for value in params {
        let json = helper::write_value(value).to_string();
        // Dates are free text in XML, and narrow on their way back.
        if let Ok(value) = helper::read_result(json.as_bytes()) {
            assert_eq!(helper::write_value(&value).to_string(), json);
        }
    }
}
