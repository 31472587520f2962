//! Who has a place, and who makes room when there are too many.
//!
//! Nobody has all places for himself. What can be told when a client is accepted is its address, or its user on a unix
//! socket; what is known once it has said who it is is its name. One who may do everything has no share: there is nobody to
//! keep places for.

use super::caller::{Caller, PeerProcess};
use super::reports::Limit;
use super::stream::Socket;
use super::watch::{Verdict, Watch, Worth};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use tokio::sync::Notify;

/// Where a client comes from, as far as that is known before it has said anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// An address of the network.
    Address(IpAddr),
    /// A user of this machine, but root and our own.
    User(u32),
    /// Nobody that places are counted for.
    Ourselves,
}

impl Origin {
    pub(super) fn of(socket: &Socket) -> Self {
        Self::new(socket.address(), socket.process().as_ref())
    }

    pub(super) fn new(address: Option<IpAddr>, process: Option<&PeerProcess>) -> Self {
        match (address, process) {
            (Some(address), _) => Self::Address(address.to_canonical()),
            (None, Some(process)) if !process.is_operator() => Self::User(process.uid),
            (None, _) => Self::Ourselves,
        }
    }
}

/// The connections that share a number of places.
pub(super) struct Crowd {
    pub(super) places: usize,
    pub(super) places_of_origin: usize,
    next: Cell<u64>,
    members: RefCell<BTreeMap<u64, Member>>,
    left: Notify,
}

struct Member {
    watch: Rc<Watch>,
    origin: Origin,
}

impl Crowd {
    pub(super) fn new(places: usize, places_of_origin: usize) -> Self {
        Self {
            places,
            places_of_origin,
            next: Cell::new(0),
            members: RefCell::new(BTreeMap::new()),
            left: Notify::new(),
        }
    }

    /// A place, if need be that of somebody who can be spared; and which limit was reached, if one was.
    ///
    /// Who has all places of an address or of a user makes room among his own connections.
    pub(super) fn admit(crowd: &Rc<Self>, origin: Origin) -> (Option<Place>, Option<Limit>) {
        // Streams have a limit of their own.
        let count = |is_meant: &dyn Fn(&Member) -> bool| {
            let members = crowd.members.borrow();
            let counted = members
                .values()
                .filter(|member| !member.watch.is_streaming() && is_meant(member));
            counted.count()
        };
        let is_counted = origin != Origin::Ourselves;
        let (reached, made_room) =
            if is_counted && count(&|member| member.origin == origin) >= crowd.places_of_origin {
                let own = crowd.displace_among(|member| member.origin == origin);
                (Some(Limit::ConnectionsOfOrigin), own)
            } else if count(&|_| true) >= crowd.places {
                (Some(Limit::Connections), crowd.displace())
            } else {
                (None, true)
            };
        if !made_room {
            return (None, reached);
        }
        let place = Self::take_in(crowd, origin, Watch::new());
        (Some(place), reached)
    }

    /// Whether a request of this client may go on, which has arrived on the connection of that watch. One that may not do
    /// everything has half of the places at most, and all of those together leave an eighth to the others.
    pub(super) fn lets_work(&self, caller: &Caller, watch: &Watch) -> bool {
        if caller.may_everything() {
            watch.works_for(None);
            return true;
        }
        watch.works_for(Some(&caller.name));
        let (mut own, mut all) = (0_usize, 0_usize);
        let members = self.members.borrow();
        for member in members.values().filter(|it| !it.watch.is_streaming()) {
            let (is_limited, is_own) = member.watch.is_at_work_for(&caller.name);
            all = all.saturating_add(usize::from(is_limited));
            own = own.saturating_add(usize::from(is_own));
        }
        // Where there are hardly any places, one is for everybody.
        let (half, most) = (self.places / 2, self.places - self.places.div_ceil(8));
        own <= half.max(1) && all <= most.max(1)
    }

    /// A place for whoever has one by right.
    pub(super) fn take_in(crowd: &Rc<Self>, origin: Origin, watch: Watch) -> Place {
        let number = crowd.next.get();
        crowd.next.set(number.wrapping_add(1));
        let watch = Rc::new(watch);
        let member = Member {
            watch: Rc::clone(&watch),
            origin,
        };
        crowd.members.borrow_mut().insert(number, member);
        Place {
            crowd: Rc::clone(crowd),
            number,
            watch,
        }
    }

    /// Ends the connection that can best be spared; false when all are at work.
    pub(super) fn displace(&self) -> bool {
        self.displace_among(|_| true)
    }

    fn displace_among(&self, may: impl Fn(&Member) -> bool) -> bool {
        let mut members = self.members.borrow_mut();
        let spared = members
            .iter()
            .filter(|(_, member)| may(member))
            .filter_map(|(number, member)| Some((member.watch.worth()?, *number)))
            .min();
        let Some(((worth, _), number)) = spared else {
            return false;
        };
        if let Some(member) = members.remove(&number) {
            member.watch.end(match worth {
                Worth::Idle => Verdict::Silent,
                Worth::Unheard => Verdict::Displaced,
            });
        }
        true
    }

    /// Has all connections look around, and waits until there is none.
    pub(super) async fn empty(&self) {
        self.members
            .borrow()
            .values()
            .for_each(|member| member.watch.wake());
        while !self.members.borrow().is_empty() {
            self.left.notified().await;
        }
    }

    /// Ends all connections after the answer each has under way, and waits for that.
    pub(super) async fn disperse(&self) {
        self.members
            .borrow()
            .values()
            .for_each(|member| member.watch.finish());
        while !self.members.borrow().is_empty() {
            self.left.notified().await;
        }
    }
}

/// The place of a connection in its crowd, given back when dropped.
pub(super) struct Place {
    crowd: Rc<Crowd>,
    number: u64,
    watch: Rc<Watch>,
}

impl Place {
    /// What the connection is doing.
    pub(super) fn watch(&self) -> Rc<Watch> {
        Rc::clone(&self.watch)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.crowd.members.borrow_mut().remove(&self.number);
        self.crowd.left.notify_one();
    }
}
