//! What a run has for each of its two channels.

use provost_model::Channel;

/// Both channels in their order, in no more room than there is something of.
#[derive(Debug)]
pub(super) struct Channels<T>([Option<Box<T>>; 2]);

const ALL: [Channel; 2] = [Channel::Stdout, Channel::Stderr];

impl<T> Default for Channels<T> {
    fn default() -> Self {
        Self([None, None])
    }
}

impl<T> Channels<T> {
    fn place(&mut self, channel: Channel) -> &mut Option<Box<T>> {
        let [stdout, stderr] = &mut self.0;
        match channel {
            Channel::Stdout => stdout,
            Channel::Stderr => stderr,
        }
    }

    pub(super) fn insert(&mut self, channel: Channel, value: T) {
        *self.place(channel) = Some(Box::new(value));
    }

    pub(super) fn get_mut(&mut self, channel: Channel) -> Option<&mut T> {
        self.place(channel).as_deref_mut()
    }

    pub(super) fn remove(&mut self, channel: Channel) -> Option<T> {
        self.place(channel).take().map(|value| *value)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Channel, &T)> {
        let places = ALL.into_iter().zip(&self.0);
        places.filter_map(|(channel, value)| Some((channel, &**value.as_ref()?)))
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = (Channel, &mut T)> {
        let places = ALL.into_iter().zip(&mut self.0);
        places.filter_map(|(channel, value)| Some((channel, &mut **value.as_mut()?)))
    }

    pub(super) fn into_each(self) -> impl Iterator<Item = (Channel, T)> {
        let places = ALL.into_iter().zip(self.0);
        places.filter_map(|(channel, value)| Some((channel, *value?)))
    }
}

impl<T> Extend<(Channel, T)> for Channels<T> {
    fn extend<I: IntoIterator<Item = (Channel, T)>>(&mut self, values: I) {
        for (channel, value) in values {
            self.insert(channel, value);
        }
    }
}
