//! What is counted is counted at most once, what is told goes forward, and what is over stays over.

use std::collections::BTreeMap;

use tiffin_shared::order::Ask;
use tiffin_shared::order::Learnt;
use tiffin_shared::order::Reply;
use tiffin_shared::route::Way;
use tiffin_shared::route::stats;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;

use super::Checker;
use crate::summary::shown;

/// Lessons of an order, by way and kind.
pub type Counted = BTreeMap<(Way, &'static str), u32>;

impl Checker {
    pub(super) fn count_once(&mut self, order: usize, reply: &Reply) {
        if let Some(lesson) = &reply.lesson {
            let kind = match lesson.what {
                Learnt::Delivered { .. } => "delivered",
                Learnt::Lost { .. } => "lost",
                Learnt::NotTaken(_) => "not taken",
                Learnt::Taken { .. } => "taken",
                Learnt::Verified => "verified",
            };
            if matches!(lesson.what, Learnt::Taken { .. }) {
                *self.taken_lessons.entry(lesson.way.clone()).or_default() += 1;
            }
            let story = &mut self.stories[order];
            story.arrivals += u32::from(lesson.arrived_since.is_some());
            let arrivals = story.arrivals;
            let attempts = story.facts.iter().filter(|fact| fact.way == lesson.way).count() as u32;
            let most = if kind == "verified" { attempts.min(1) } else { attempts };
            let count = story.counted.entry((lesson.way.clone(), kind)).or_default();
            *count += 1;
            if *count > most {
                let what =
                    format!("{kind} is learnt {count} times of {attempts} attempts by {:?}", lesson.way);
                self.fail(order, "counted once", what);
            }
            if arrivals > 1 {
                self.fail(order, "counted once", format!("it arrives {arrivals} times"));
            }
        }
        if let Some(news) = &reply.news {
            let story = &mut self.stories[order];
            story.news_sent += u32::from(news.is_sent);
            story.news_verified += u32::from(news.is_verified);
            if story.news_sent > 1 || story.news_verified > 1 {
                self.fail(order, "counted once", format!("news come again: {news:?}"));
            }
        }
    }

    /// A number is told with one story only, and the next one is greater.
    pub(super) fn check_told(&mut self, order: usize, event: &OrderEvent, ask: &Ask) {
        let story = &mut self.stories[order];
        if let Some(last) = &story.told {
            let again = matches!(ask, Ask::Tick) && event.seq == last.seq;
            // What the edge ended it need not be told of: its number stays.
            let is_same = event == last || story.is_stopped || event.state == OrderState::Expired;
            if event.seq < last.seq || event.seq == last.seq && !again || again && !is_same {
                let what = format!("after {last:?} it is told {event:?}");
                self.fail(order, "events grow", what);
                return;
            }
        }
        story.told = Some(event.clone());
    }

    /// **final-is-final**: only the edge's word, or a sending it asks for, moves an order on that is over.
    pub fn looked_inside(&mut self, order: usize, ask: &Ask, state: Option<&str>) {
        let read = |json: &str| {
            let rest = json.split_once("\"state\":\"")?.1;
            Some(rest.split_once('"')?.0.to_owned())
        };
        let Some(now) = state.and_then(read) else { return };
        let story = &mut self.stories[order];
        let is_resend = matches!(ask, Ask::Claim { dispatch: Some(_), .. }) && now == "sending";
        let is_over = |state: &str| !matches!(state, "accepted" | "queued" | "sending" | "sent");
        if let Some(old) = &story.inside
            && is_over(old)
            && *old != now
            && !matches!(ask, Ask::Stop { .. })
            && !(is_resend && matches!(old.as_str(), "failed" | "delivered"))
        {
            let what = format!("it was {old}, and {} makes it {now}", shown(ask));
            self.fail(order, "final-is-final", what);
            return;
        }
        story.inside = Some(now);
    }

    pub fn figures(&mut self, account: usize, view: &stats::View) {
        let most = self.taken_lessons.get(&self.ways[account]).copied().unwrap_or_default();
        if view.sent > most {
            self.fail(None, "counted once", format!("{} messages are counted of {most}", view.sent));
        }
    }
}
