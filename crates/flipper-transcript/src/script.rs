//! A transcript as a test of one of its sides.

use std::slice;

use crate::Transcript;
use crate::line::{Entry, Line, Loss, Side};

/// What is to be done to, and expected of, the side under test, in order; made by [`Transcript::script`]. Lines that say
/// nothing about that side are left out.
#[derive(Clone, Debug)]
pub struct Script<'a> {
    entries: slice::Iter<'a, Entry>,
    under_test: Side,
}

/// One line of a [`Script`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Whoever plays the file brings this about: the other side, the network, the clock, or the program at this end.
    Do(&'a Line),
    /// The side under test does this, or tells it.
    Expect(&'a Line),
}

impl<'a> Script<'a> {
    pub(crate) fn new(transcript: &'a Transcript, under_test: Side) -> Self {
        Self { entries: transcript.entries.iter(), under_test }
    }
}

impl<'a> Iterator for Script<'a> {
    /// The number of a line, and what it means.
    type Item = (usize, Step<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let under_test = self.under_test;
        self.entries.find_map(|entry| step(&entry.line, under_test).map(|step| (entry.number, step)))
    }
}

fn step(line: &Line, under_test: Side) -> Option<Step<'_>> {
    let of = |side| if side == under_test { Step::Expect(line) } else { Step::Do(line) };
    match line {
        Line::Blank | Line::Comment(_) | Line::Setup(_) => None,
        Line::Message { from, .. } => Some(of(*from)),
        Line::Connect { .. } | Line::Leave { .. } => Some(of(Side::App)),
        // Only a desktop answers an upgrade.
        Line::Opened | Line::Close { .. } | Line::Lost(Loss::Http(_)) => Some(of(Side::Desktop)),
        Line::Ended
        | Line::Lost(Loss::Word(_))
        | Line::Pong
        | Line::Room(_)
        | Line::Socket(_)
        | Line::Advance(_)
        | Line::AdvanceTo(_) => Some(Step::Do(line)),
        Line::Abort | Line::Ping => Some(Step::Expect(line)),
        Line::Job { .. } | Line::AppNews(_) => (under_test == Side::App).then_some(Step::Expect(line)),
        Line::DeskNews(_) => (under_test == Side::Desktop).then_some(Step::Expect(line)),
        Line::AppWish { .. } => (under_test == Side::App).then_some(Step::Do(line)),
        Line::DeskWish { .. } => (under_test == Side::Desktop).then_some(Step::Do(line)),
    }
}
