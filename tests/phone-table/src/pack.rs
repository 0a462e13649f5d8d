//! Writes the automaton as words; the layout is described in `shared/src/phone/class.rs`.

use std::collections::BTreeSet;

use anyhow::Context;
use anyhow::Result;
use anyhow::ensure;
use rlibphonenumber::PhoneMetadata;
use tiffin_shared::phone::Kind;
use tiffin_shared::phone::table;

use crate::graph::Graph;
use crate::graph::NodeId;
use crate::graph::Step;
use crate::graph::StepId;
use crate::graph::Steps;
use crate::metadata::WORLD;

/// Whose a calling code is.
pub enum Plan {
    /// One country's.
    Sole(u16),
    /// Several countries'.
    Shared,
    /// Nobody's.
    Nowhere,
}

impl Plan {
    /// By the number of countries in the metadata.
    pub fn of(plans: &[PhoneMetadata]) -> Self {
        match plans {
            [plan] if plan.id == WORLD => Self::Nowhere,
            [plan] => letters(&plan.id).map_or(Self::Nowhere, Self::Sole),
            _ => Self::Shared,
        }
    }

    fn word(&self) -> u16 {
        match self {
            Self::Sole(letters) => *letters,
            Self::Shared => table::SHARED,
            Self::Nowhere => table::NOWHERE,
        }
    }
}

/// A calling code and where its digits lead.
pub struct Code {
    /// 1 to 999.
    pub code: u16,
    /// Whose it is.
    pub plan: Plan,
    /// The first node.
    pub root: NodeId,
}

/// Two capital letters in ten bits.
pub fn letters(id: &str) -> Option<u16> {
    match id.as_bytes() {
        [first @ b'A'..=b'Z', second @ b'A'..=b'Z'] => {
            Some(u16::from(first - b'A') << 5 | u16::from(second - b'A'))
        }
        _ => None,
    }
}

#[derive(Default)]
struct Layout {
    words: Vec<u16>,
    /// Where each step lies.
    places: Vec<Option<u16>>,
    /// Words to fill with the place of a step, once it has one.
    pointers: Vec<(usize, StepId)>,
    /// Steps that are pointed at and may not be placed yet.
    waiting: Vec<StepId>,
}

impl Layout {
    fn is_new(&self, step: StepId) -> bool {
        step != 0 && self.places.get(step as usize).is_some_and(Option::is_none)
    }

    fn point(&mut self, step: StepId) {
        if step != 0 {
            self.pointers.push((self.words.len(), step));
            self.waiting.push(step);
        }
        self.words.push(0);
    }

    /// Places a step and what can follow it directly.
    fn place(&mut self, steps: &Steps, first: StepId) -> Result<()> {
        let mut next = Some(first);
        while let Some(id) = next.filter(|id| self.is_new(*id)) {
            let here = u16::try_from(self.words.len()).context("the table is longer than 65,535 words")?;
            if let Some(place) = self.places.get_mut(id as usize) {
                *place = Some(here);
            }
            next = match steps.steps.get(id as usize).context("a step that is not there")? {
                Step::Country(value, rest) => self.saying(2, *value, *rest),
                Step::Kind(kind, rest) => self.saying(3, number(*kind)?, *rest),
                Step::CountryHere(value, rest) => self.saying(4, *value, *rest),
                Step::KindHere(kind, rest) => self.saying(5, number(*kind)?, *rest),
                Step::Digit(accepts, children) => self.digit(*accepts, children),
            };
        }
        Ok(())
    }

    /// Forms 2 to 5.
    fn saying(&mut self, form: u16, value: u16, rest: StepId) -> Option<StepId> {
        if self.is_new(rest) {
            self.words.push(form << 13 | value);
            return Some(rest);
        }
        self.words.push(form << 13 | table::JUMP | value);
        self.point(rest);
        None
    }

    /// Forms 0 and 1, whichever is shorter.
    fn digit(&mut self, accepts: bool, children: &[StepId; 10]) -> Option<StepId> {
        let accepts = if accepts { table::ACCEPTS } else { 0 };
        let mut mask = 0;
        let mut runs = Vec::new();
        let mut before = 0;
        for (digit, child) in children.iter().enumerate() {
            if *child != before {
                mask |= 1 << digit;
                runs.push(*child);
            }
            before = *child;
        }
        let mut targets: Vec<_> =
            children.iter().filter(|child| **child != 0).collect::<BTreeSet<_>>().into_iter().collect();
        // The one to follow directly comes last: the largest of the new ones, since it brings the most along.
        targets.sort_by_key(|child| (self.is_new(**child), **child));
        let run_inline = runs.last().copied().filter(|child| self.is_new(*child));
        let set_inline = targets.last().map(|child| **child).filter(|child| self.is_new(*child));
        let run_words = 1 + runs.len() - usize::from(run_inline.is_some());
        let set_words = 2 * targets.len() - usize::from(set_inline.is_some());
        if targets.is_empty() || run_words < set_words || run_words == set_words && set_inline.is_none() {
            let inline = if run_inline.is_some() { table::INLINE } else { 0 };
            self.words.push(accepts | inline | mask);
            let pointed = runs.len() - usize::from(run_inline.is_some());
            for child in runs.iter().take(pointed) {
                self.point(*child);
            }
            return run_inline;
        }
        for (nth, target) in targets.iter().enumerate() {
            let mut word = 1 << 13 | accepts;
            for (digit, _) in children.iter().enumerate().filter(|(_, child)| child == target) {
                word |= 1 << digit;
            }
            let last = nth + 1 == targets.len();
            if last {
                word |= table::LAST;
            }
            if last && set_inline.is_some() {
                self.words.push(word | table::INLINE);
            } else {
                self.words.push(word);
                self.point(**target);
            }
        }
        set_inline
    }
}

fn number(kind: Kind) -> Result<u16> {
    let at = Kind::ALL.iter().position(|other| *other == kind).context("a kind without a number")?;
    Ok(u16::try_from(at)?)
}

/// The table's bytes.
pub fn pack(version: [u16; 3], codes: &[Code], graph: &Graph) -> Result<Vec<u8>> {
    let mut steps = Steps::new(graph);
    let roots: Vec<_> = codes.iter().map(|code| steps.of(graph, code.root, false, false)).collect();
    let mut layout = Layout { places: vec![None; steps.steps.len()], ..Layout::default() };
    layout.words.push(table::FORMAT);
    layout.words.extend(version);
    layout.words.push(u16::try_from(codes.len())?);
    for (code, root) in codes.iter().zip(roots) {
        ensure!(root != 0, "+{} has no valid number", code.code);
        layout.words.extend([code.code, code.plan.word()]);
        layout.point(root);
    }
    layout.waiting.reverse();
    while let Some(step) = layout.waiting.pop() {
        layout.place(&steps, step)?;
    }
    for (at, step) in &layout.pointers {
        let place = layout.places.get(*step as usize).copied().flatten().context("a step without a place")?;
        *layout.words.get_mut(*at).context("a pointer outside the table")? = place;
    }
    Ok(layout.words.iter().flat_map(|word| word.to_le_bytes()).collect())
}
