//! Planted faults: what a wrong machine or a wrong edge would do. Each must be caught.

macro_rules! plants {
    ($($(#[$doc:meta])* $name:ident caught by $($rule:literal)|+;)*) => {
        /// A planted fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Plant {
            /// None.
            Nothing,
            $($(#[$doc])* $name,)*
        }

        impl Plant {
            /// Every planted fault with the invariants of which one must catch it.
            pub(crate) const ALL: &'static [(Self, &'static [&'static str])] =
                &[$((Self::$name, &[$($rule),+]),)*];
        }
    };
}

plants! {
    /// A short write counts as a whole one.
    TakesShortForWhole caught by "I11";
    /// A write that fails counts as done.
    HidesErrors caught by "I11";
    /// Two chunks change places.
    SwapsChunks caught by "I11";
    /// What is dropped is not counted.
    ForgetsToCount caught by "I11";
    /// What waits is forgotten at an upgrade.
    ForgetsAtUpgrades caught by "I11";
    /// A failed write is never tried again.
    NeverTriesAgain caught by "I11";
    /// That a log was removed is not noticed.
    MissesRemoval caught by "I11";
    /// More is held back than the limit allows, and lost with a kill.
    HoldsTooMuch caught by "I28";
    /// The line that tells of a gap is not written.
    SwallowsMarkers caught by "I12";
    /// It tells a wrong number.
    CountsWrongly caught by "I12";
    /// Output is dropped although its program is to wait.
    DropsInPlaceOfBlocking caught by "I12";
    /// Less is held back than the limit allows.
    DropsTooEarly caught by "I12";
    /// Rotates one byte too early.
    RotatesEarly caught by "I13";
    /// Rotates one byte too late.
    RotatesLate caught by "I13";
    /// Keeps one generation more than configured.
    KeepsOneMore caught by "I13";
    /// Keeps one generation less than configured.
    KeepsOneLess caught by "I13";
    /// The older backups stay where they are.
    ShiftsNothing caught by "I13";
    /// The log is not moved before its successor takes its name.
    ForgetsToMoveTheLog caught by "I13";
}
