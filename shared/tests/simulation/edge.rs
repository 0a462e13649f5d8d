//! The edge and its users: orders are made, handed over, superseded, cancelled, sent once more and verified.

use tiffin_shared::id::LedgerId;
use tiffin_shared::id::OrderId;
use tiffin_shared::id::ServiceId;
use tiffin_shared::id::TenantId;
use tiffin_shared::order::Ask;
use tiffin_shared::order::Cause;
use tiffin_shared::order::Costs;
use tiffin_shared::order::Terms;
use tiffin_shared::risk::Factors;
use tiffin_shared::time::SECOND_MS;
use tiffin_shared::wire::api::Channel;
use tiffin_shared::wire::api::OrderState;
use tiffin_shared::wire::event::OrderEvent;
use tiffin_shared::wire::job;
use tiffin_shared::wire::job::Dispatch;
use tiffin_shared::wire::job::Header;

use crate::broker::JobName;
use crate::event::Event;
use crate::plan::Plan;
use crate::random::Random;
use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Ended(Cause),
    Live,
    /// Not made yet.
    None,
}

pub struct Order {
    pub header: Header,
    pub phone: usize,
    pub standing: Standing,
    /// By sending; the first is the order itself.
    pub dispatches: Vec<Dispatch>,
    /// The newest event it has taken.
    pub seen: Option<(u64, OrderState, Option<Costs>)>,
    /// Messages that truly came.
    pub arrived: u32,
    /// Its first place in the queue.
    pub place: Option<u64>,
}

pub struct Edge {
    pub orders: Vec<Order>,
}

impl Edge {
    pub fn new(plan: &Plan, random: &mut Random) -> Self {
        Self { orders: (0..plan.all_orders()).map(|order| made(plan, order, random)).collect() }
    }
}

fn made(plan: &Plan, order: usize, random: &mut Random) -> Order {
    // Each of the calm orders has a phone of its own.
    let calm = plan.is_calm_order(order);
    let phone = if calm { plan.phones + order } else { random.index(plan.phones) };
    let mut name = [7; 16];
    name[8..].copy_from_slice(&(phone as u64).to_be_bytes());
    let created_at = plan.made_at(order, random);
    let (channel, then) = match random.below(4) {
        _ if calm => (Channel::Sms, vec![Channel::Whatsapp, Channel::Voice]),
        0 => (Channel::Sms, Vec::new()),
        1 => (Channel::Whatsapp, vec![Channel::Sms]),
        _ => (Channel::Sms, vec![Channel::Whatsapp, Channel::Voice]),
    };
    let life_ms = if calm { 300 } else { random.between(60, 300) } * SECOND_MS;
    let header = Header {
        v: job::VERSION,
        order: OrderId::new(random.bytes().0, LedgerId::new(name)),
        tenant: TenantId::parse("shop").unwrap(),
        service: ServiceId::parse(random.pick(&["login", "pay", "sign"])).unwrap(),
        channel,
        then,
        created_at,
        expires_at: created_at.plus(life_ms),
        country: None,
        prefix: None,
        supersedes: Vec::new(),
        request: None,
        factors: Factors::default(),
        tier: None,
        is_deliver_only: false,
        max_price_micros: None,
        sms_segments: None,
        trace: None,
        to_masked: None,
        client_ref: None,
    };
    Order {
        header,
        phone,
        standing: Standing::None,
        dispatches: Vec::new(),
        seen: None,
        arrived: 0,
        place: None,
    }
}

impl World {
    pub fn partition(&self, order: usize) -> usize {
        usize::from(self.edge.orders[order].header.order.ledger().partition(self.plan.partitions))
    }

    pub fn is_live(&self, order: usize) -> bool {
        let it = &self.edge.orders[order];
        it.standing == Standing::Live && self.now < it.header.expires_at
    }

    pub fn create(&mut self, order: usize) {
        let (phone, service) =
            (self.edge.orders[order].phone, self.edge.orders[order].header.service.clone());
        let is_older = |older: &Order| older.phone == phone && older.header.service == service;
        let older = (0..self.edge.orders.len())
            .filter(|other| *other != order && self.is_live(*other) && is_older(&self.edge.orders[*other]));
        let superseded: Vec<usize> = older.collect();
        let names = superseded.iter().map(|older| self.edge.orders[*older].header.order.clone());
        self.edge.orders[order].header.supersedes = names.collect();
        for older in superseded {
            self.edge.orders[older].standing = Standing::Ended(Cause::Superseded);
            self.trace.tell(older, "is superseded at the edge", order as u64, String::new);
            self.trace.count("orders superseded");
        }
        self.edge.orders[order].standing = Standing::Live;
        self.trace.tell(order, "is accepted", 0, || format!("for phone {phone}, {service}"));
        self.trace.count("orders");
        self.hand_over((order, 0), 0);
        if self.plan.is_calm_order(order) {
            return;
        }
        if self.random.chance(60) {
            let wait_ms = self.random.below(60 * SECOND_MS);
            self.after(wait_ms, Event::Cancel { order });
        }
        if self.random.chance(150) {
            let wait_ms = self.random.between(10, 90) * SECOND_MS;
            self.after(wait_ms, Event::Resend { order });
        }
    }

    /// Until core has confirmed it: ends what it supersedes, and queues it.
    pub fn hand_over(&mut self, job: JobName, tries: u32) {
        let (order, dispatch) = job;
        // A newer sending takes the place of an older one; a job that is of no use is withdrawn.
        let is_newest = usize::from(dispatch) >= self.edge.orders[order].dispatches.len();
        if !self.is_live(order) || !is_newest && dispatch > 0 {
            return;
        }
        let again_ms = self.random.between(5, 10) * SECOND_MS;
        let process = self.random.index(self.workers.len());
        let supersedes = self.edge.orders[order].header.supersedes.clone();
        let is_lost = self.loses();
        let stopped = !is_lost
            && supersedes.iter().all(|name| {
                let older = self.edge.orders.iter().position(|older| older.header.order == *name).unwrap();
                self.ask_order(process, older, &stop(Cause::Superseded)).is_some()
            });
        if !stopped {
            self.trace.tell(order, "is not handed over", u64::from(tries), String::new);
            self.after(again_ms, Event::HandOver { job, tries: tries + 1 });
            return;
        }
        self.broker.begin(job);
        self.enqueue(job, false);
        if self.loses() {
            self.trace.count("confirms lost");
            self.after(again_ms, Event::HandOver { job, tries: tries + 1 });
        }
    }

    /// A copy of a job comes to the end of its queue.
    pub fn enqueue(&mut self, job: JobName, is_retry: bool) {
        let partition = self.partition(job.0);
        let place = self.broker.push(partition, job, is_retry);
        if !is_retry && job.1 == 0 {
            self.edge.orders[job.0].place.get_or_insert(place);
        }
        self.trace.tell(job.0, "is queued", u64::from(is_retry), || format!("{job:?} retry {is_retry}"));
        self.pump(partition);
    }

    pub fn cancel(&mut self, order: usize) {
        if self.is_live(order) {
            self.trace.count("orders cancelled");
            self.end(order, Cause::Cancelled);
        }
    }

    pub fn verify(&mut self, order: usize) {
        if self.is_live(order) {
            self.trace.count("orders verified");
            self.end(order, Cause::Verified);
        }
    }

    fn end(&mut self, order: usize, cause: Cause) {
        self.edge.orders[order].standing = Standing::Ended(cause);
        self.trace.tell(order, "ends at the edge", cause as u64, || format!("{cause:?}"));
        self.notice(order, cause, 0);
    }

    pub fn notice(&mut self, order: usize, cause: Cause, tries: u32) {
        let process = self.random.index(self.workers.len());
        if self.loses() || self.ask_order(process, order, &stop(cause)).is_none() {
            let wait_ms = self.random.between(5, 10) * SECOND_MS;
            self.after(wait_ms, Event::Notice { order, cause, tries: tries + 1 });
        }
    }

    pub fn resend(&mut self, order: usize) {
        let it = &mut self.edge.orders[order];
        let has_attempts = it.seen.is_some();
        if it.standing != Standing::Live || self.now >= it.header.expires_at || !has_attempts {
            return;
        }
        let n = u8::try_from(it.dispatches.len()).unwrap() + 1;
        let channel = self.random.pick(&[Channel::Sms, Channel::Whatsapp, Channel::Voice]);
        it.dispatches.push(Dispatch { n, channel });
        self.trace.tell(order, "is asked for once more", u64::from(n), || format!("{n} by {channel:?}"));
        self.trace.count("resends");
        self.hand_over((order, n), 0);
        if n < 3 && self.random.chance(300) {
            let wait_ms = self.random.between(2, 60) * SECOND_MS;
            self.after(wait_ms, Event::Resend { order });
        }
    }

    /// The user has a message, and types the code from it after some seconds.
    pub fn arrive(&mut self, order: usize) {
        self.edge.orders[order].arrived += 1;
        self.trace.tell(order, "a message arrives", 0, String::new);
        if self.edge.orders[order].arrived == 1 && self.random.chance(800) {
            let wait_ms = self.random.between(2, 20) * SECOND_MS;
            self.after(wait_ms, Event::Verify { order });
        }
    }

    pub fn edge_hears(&mut self, order: usize, event: &OrderEvent) {
        let seen = &mut self.edge.orders[order].seen;
        if seen.is_none_or(|(seq, ..)| event.seq > seq) {
            *seen = Some((event.seq, event.state, event.cost));
        } else {
            self.trace.count("events that came too late");
        }
        let seq = event.seq;
        self.trace.tell(order, "the edge hears", seq, || format!("{seq}: {:?}", event.state));
        if !self.loses() {
            let wait_ms = self.random.between(5, 100);
            self.after(wait_ms, Event::Reported { order, seq });
        }
    }
}

fn stop(cause: Cause) -> Ask {
    Ask::Stop {
        cause,
        tenant: TenantId::parse("acme").unwrap(),
        terms: Terms { announces: true, ..Terms::default() },
    }
}
