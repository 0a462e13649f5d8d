//! An order's record and all that its host does for it.

use tiffin_shared::money::Posting;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Learnt;
use tiffin_shared::order::Lesson;
use tiffin_shared::order::Order;
use tiffin_shared::order::Read;
use tiffin_shared::order::Reply;
use tiffin_shared::order::Timeline;
use tiffin_shared::route::stats;
use tiffin_shared::route::stats::Figures;
use tiffin_shared::route::stats::RouteStats;

use crate::common::fixtures;
use crate::work::Note;
use crate::world::Event;
use crate::world::World;

impl World {
    /// A posting reaches the account, and its answer the record.
    pub fn post(&mut self, at: usize, posting: Posting, resumes: bool) {
        let (n, tenant) = (posting.n, self.runs[at].tenant);
        let held_before = self.runs[at].held_micros;
        let standing = self.market.banks[tenant].post(posting, self.now);
        self.runs[at].held_micros = standing.held_micros;
        if standing.refused.is_some() {
            self.runs[at].notes.insert(Note::HoldRefused);
        } else if standing.held_micros > held_before {
            self.runs[at].notes.insert(Note::Held);
        }
        self.ask_order(at, Ask::Posted { n, standing });
        if resumes && self.runs[at].end.is_none() {
            self.work_at(at, self.now.plus(1));
        }
    }

    pub fn ask_order(&mut self, at: usize, ask: Ask) -> Reply {
        self.asks += 1;
        let command = tiffin_shared::order::Command { entropy: fixtures::entropy(self.asks), ask };
        let reply = self.runs[at].record.ask::<Order>(&command, self.now);
        if let Some(Lesson { way, country: Some(country), what, .. }) = &reply.lesson {
            let mut figures = Figures::default();
            match what {
                Learnt::Delivered { after_ms } => figures.arrived(*after_ms),
                Learnt::Lost { why } => figures.lost(*why),
                // Neither the router nor a preflight goes by it.
                Learnt::NotTaken(_) => return self.followed(at, reply),
                Learnt::Taken { is_checked } => figures.took(*is_checked),
                Learnt::Verified => figures.verified += 1,
            }
            let batch = self.market.random.bytes();
            let account = self.market.accounts.iter_mut().find(|it| it.route.gateway == way.gateway).unwrap();
            let host = account.figures.entry(*country).or_default();
            host.ask::<RouteStats>(&stats::Command { batch, figures }, self.now);
        }
        self.followed(at, reply)
    }

    fn followed(&mut self, at: usize, reply: Reply) -> Reply {
        self.follow(at, &reply);
        reply
    }

    /// What the record has besides for its host: all of it is done, and told so.
    fn follow(&mut self, at: usize, reply: &Reply) {
        if let Some(posting) = &reply.posting {
            let (wait_ms, posting) = (self.market.random.between(1, 300), Box::new(posting.clone()));
            self.after(wait_ms, Event::Post { at, posting, resumes: false });
        }
        if let Some(event) = &reply.event {
            self.ask_order(at, Ask::Reported(event.seq));
        }
        if let Some(errand) = &reply.errand {
            self.ask_order(at, Ask::Ran { token: errand.token });
        }
        let wakes = self.runs[at].record.wake_at().map(|wakes| wakes.max(self.now.plus(1)));
        if wakes != self.runs[at].wakes {
            self.runs[at].wakes = wakes;
            if let Some(wakes) = wakes {
                self.after(wakes.since(self.now), Event::Tick(at));
            }
        }
    }

    /// The order as operators see it.
    pub fn timeline(&self, at: usize) -> Option<Box<Timeline>> {
        self.runs[at].record.probe::<Read>(&(), self.now)
    }
}
