//! Calls to helpers: values to JSON, the core's way to the helper and back, JSON to values. And what helpers have
//! announced, for the methods about methods.

use super::Context;
use super::caller::Caller;
use super::shares::Spent;
use provost_model::helper::{HelperAnswerKind, HelperMethod};
use provost_model::{Fault, FaultCode, Reply, Request};
use provost_wire::helper::{self, AnswerError, BODY_BYTES_MAX};
use provost_wire::xmlrpc::{Value, WireFault};
use std::sync::Arc;

/// Calls `namespace.method`.
pub(super) async fn call(
    context: &Context,
    caller: &Caller,
    (namespace, method): (&str, &str),
    params: &[Value],
) -> Result<Value, WireFault> {
    let body = helper::call_body(method, params);
    if body.len() > BODY_BYTES_MAX {
        let text = format!("as JSON the call has more than {BODY_BYTES_MAX} bytes");
        return Err(Fault::about(FaultCode::BadArguments, text).into());
    }
    let _share = context.user_calls.of(caller).map_err(|Spent| {
        let text = "you have as many calls under way as you may have; try again when one of them is answered";
        Fault::about(FaultCode::Failed, text)
    })?;
    let request = Request::CallHelper {
        namespace: namespace.to_owned(),
        method: method.to_owned(),
        body,
    };
    let Reply::Helper(answer) = caller.ask(request).await? else {
        return Err(Fault::bare(FaultCode::UnknownMethod).into());
    };
    let told = match answer.kind {
        HelperAnswerKind::Result => helper::read_result(&answer.body).map(Ok),
        HelperAnswerKind::Fault => helper::read_fault(&answer.body).map(Err),
    };
    let error = match told {
        Ok(outcome) => return outcome,
        Err(error) => error,
    };
    let text = format!("{namespace}.{method} gave an answer that cannot be used: {error}");
    if let AnswerError::Malformed(why) = error {
        let (run, what) = (answer.run, format!("it answered {method} wrongly: {why}"));
        context.control.tell(Request::HelperMisspoke { run, what });
    }
    Err(Fault::about(FaultCode::Failed, text).into())
}

/// What helpers have announced, by namespace.
async fn announced(caller: &Caller) -> Vec<(Arc<str>, Arc<[HelperMethod]>)> {
    match caller.ask(Request::HelperMethods).await {
        Ok(Reply::HelperMethods(methods)) => methods,
        _ => Vec::new(),
    }
}

/// The full names of all methods of helpers, but of namespaces that the table has.
pub(super) async fn names(context: &Context, caller: &Caller) -> Vec<String> {
    let mut names = Vec::new();
    for (namespace, methods) in announced(caller).await {
        let full = methods
            .iter()
            .map(|method| format!("{namespace}.{}", method.name))
            .filter(|name| context.methods.foreign(name).is_some());
        names.extend(full);
    }
    names
}

/// What a helper has announced of this method.
pub(super) async fn find(
    context: &Context,
    caller: &Caller,
    full_name: &str,
) -> Option<HelperMethod> {
    let (namespace, name) = context.methods.foreign(full_name)?;
    let announced = announced(caller).await;
    let (_, methods) = announced.iter().find(|(known, _)| &**known == namespace)?;
    methods.iter().find(|method| method.name == name).cloned()
}

/// The answer to `system.methodSignature`.
pub(super) fn signature(method: HelperMethod) -> Result<Value, Fault> {
    if method.signature.is_empty() {
        return Err(Fault::bare(FaultCode::SignatureUnsupported));
    }
    let types = method.signature.into_iter();
    Ok(Value::Array(types.map(Value::Str).collect()))
}
