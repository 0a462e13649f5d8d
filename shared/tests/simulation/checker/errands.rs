//! What the errands of an order tell: every entry, in order, at least once, and that it is closed.

use tiffin_shared::order;
use tiffin_shared::order::Entry;
use tiffin_shared::order::Errand;

use super::Checker;

/// What was heard of an order's present record.
#[derive(Default)]
pub struct Heard {
    record: u32,
    entries: Vec<Entry>,
    is_closed: bool,
}

impl Checker {
    pub fn heard(&mut self, order: usize, errand: &Errand) {
        let record = self.stories[order].record;
        let heard = &mut self.stories[order].heard;
        if heard.record != record {
            *heard = Heard { record, ..Heard::default() };
        }
        for (n, entry) in &errand.fresh {
            let at = usize::try_from(*n).unwrap() - 1;
            match heard.entries.get(at) {
                Some(before) if before == entry => {}
                None if at == heard.entries.len() => heard.entries.push(entry.clone()),
                before => {
                    let what = format!("entry {n} is {entry:?} after {before:?}");
                    return self.fail(order, "told in order", what);
                }
            }
        }
        heard.is_closed |= errand.closes;
        let story = &errand.timeline.story;
        if order::head(&story.entries) != story.head {
            self.fail(order, "the story adds up", format!("{story:?}"));
        }
    }

    /// At the end of a world, of an order whose record tells its story up to `entries`.
    pub fn check_heard(&mut self, order: usize, entries: usize) {
        let story = &self.stories[order];
        let (heard, is_same) = (&story.heard, story.heard.record == story.record);
        if !is_same || !heard.is_closed || heard.entries.len() < entries {
            let what = format!("{} of {entries} entries, closed: {}", heard.entries.len(), heard.is_closed);
            self.fail(order, "everything is told", what);
        }
    }
}
