//! Whether the helpers of a state that came from outside fit together.

use super::Helpers;
use super::line::Helper;
use crate::saved::ensure;
use provost_model::{Mono, RequestId};

impl Helpers {
    /// Whether all parts fit together. Tells the calls that are open, each with its deadline if that is known here.
    pub(crate) fn check(&self) -> Result<Vec<(RequestId, Option<Mono>)>, String> {
        let mut open = Vec::new();
        for (&request, &(home, number)) in &self.calls {
            let helper = self.all.get(&home);
            let helper = helper.filter(|helper| helper.knows(request, number));
            let helper = helper.ok_or_else(|| format!("no helper has call {}", request.0))?;
            open.push((request, helper.deadline_of(request)));
        }
        let awaited: usize = self.all.values().map(Helper::awaited).sum();
        ensure(open.len() == awaited, || {
            "a helper has a call that nobody made".to_owned()
        })?;
        for helper in self.all.values() {
            let name = &helper.name;
            let (last, largest) = helper.last_calls();
            ensure(largest.is_none_or(|largest| largest <= last), || {
                format!("a call to {name} was numbered after the last number, {last}")
            })?;
            let is_sorted = helper.methods.is_sorted_by(|a, b| a.name <= b.name);
            ensure(is_sorted, || {
                format!("the methods of {name} are in disorder")
            })?;
        }
        Ok(open)
    }
}
